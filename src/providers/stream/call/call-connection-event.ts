import type { ConnectionEvent } from "../../../agent/edge.ts";
import type { Capabilities } from "../media/media.ts";

/** The ways in which a seat is taken up again: on the same session, as a new one, or on another edge. */
export type Strategy = "fast" | "rejoin" | "migrate";

/** The reasons for which the agent is no longer in the call. `lost`: for good, after every attempt to come back. */
export type CallEndReason = "left" | "call_ended" | "kicked" | "lost";

/** The reasons for which the agent may not be heard: it has not the right, lost it, or was muted by somebody. */
export type MutedBy = "capabilities" | "grants" | "moderation";

/** The agent's place as plain data, with all that it takes to leave for an agent that cannot any more. It holds a token. */
export interface SfuAddress {
  readonly cid: string;
  readonly userId: string;
  readonly edge: string;
  readonly websocketUrl: string;
  readonly token: string;
  readonly sessionId: string;
  readonly unifiedSessionId: string;
  /** The capabilities that the SFU was told. */
  readonly capabilities: Capabilities;
}

export type CallConnectionEvent =
  | Extract<ConnectionEvent, { readonly type: "participant_joined" | "participant_left" }>
  /** The agent sits somewhere else from here on. Also told of the first place. */
  | { readonly type: "seated"; readonly place: SfuAddress }
  /** The agent's sound reaches the SFU that it sits on: its media is connected, at first or again. */
  | { readonly type: "heard" }
  /** `why` is a short class, such as `signal_lost`. */
  | { readonly type: "reconnecting"; readonly strategy: Strategy; readonly why: string }
  /** `tookMs` from the moment the fault was noticed until the SFU let us in again; of a migration, until the old one let go. */
  | { readonly type: "reconnected"; readonly strategy: Strategy; readonly tookMs: number }
  /** The agent may not be heard any more, or, with null, may be again. */
  | { readonly type: "muted"; readonly why: MutedBy | null }
  /** Something went wrong that the call survives. */
  | { readonly type: "warning"; readonly what: string; readonly error: unknown }
  /** The last one. */
  | { readonly type: "ended"; readonly reason: CallEndReason; readonly error: unknown };
