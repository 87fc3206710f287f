import type { ConnectionEvent } from "../../../agent/edge.ts";
import type { CodecDescriptions } from "../media/media.ts";

/**
 * The ways to restore a connection: the same session over another socket, a new session on an SFU, or a move
 * to another SFU.
 */
export type ReconnectStrategy = "fast" | "rejoin" | "migrate";

/**
 * The reasons for which the agent is no longer in the call. `lost` means that every attempt to reconnect has
 * failed.
 */
export type CallEndReason = "left" | "call_ended" | "kicked" | "lost";

/**
 * The causes for which the agent may not be heard: it lacks the capability, its grants were withdrawn, or a
 * moderator muted it.
 */
export type MutedBy = "capabilities" | "grants" | "moderation";

/**
 * The data that identify the agent's session on an SFU. They suffice to leave the call on behalf of an agent
 * that no longer can, and hold a token.
 */
export interface SfuAddress {
  readonly cid: string;
  readonly userId: string;
  readonly edge: string;
  readonly websocketUrl: string;
  readonly token: string;
  readonly sessionId: string;
  readonly unifiedSessionId: string;
  /** The codecs that the SFU was told. */
  readonly codecs: CodecDescriptions;
}

export type CallConnectionEvent =
  | Extract<ConnectionEvent, { readonly type: "participant_joined" | "participant_left" }>
  /** The agent's session is on another SFU. The event also reports the first session. */
  | { readonly type: "sfu_changed"; readonly address: SfuAddress }
  /** The agent's sound reaches its SFU: the publisher's media is connected, for the first time or again. */
  | { readonly type: "media_connected" }
  /** The agent begins to reconnect. `reason` is a short class, such as `signal_lost`. */
  | { readonly type: "reconnecting"; readonly strategy: ReconnectStrategy; readonly reason: string }
  /**
   * The agent has reconnected. `tookMs` lasts from the moment at which the failure was noticed until the SFU
   * accepted the join; after a migration, until the former SFU reported its end.
   */
  | { readonly type: "reconnected"; readonly strategy: ReconnectStrategy; readonly tookMs: number }
  /** The agent may not be heard, for the cause `by`; null: it may be heard again. */
  | { readonly type: "muted"; readonly by: MutedBy | null }
  /** Something failed that the call survives. */
  | { readonly type: "warning"; readonly message: string; readonly error: unknown }
  /** The agent is no longer in the call. No event follows. */
  | { readonly type: "ended"; readonly reason: CallEndReason; readonly error: unknown };
