import type { PeerNode, SessionClaim, SessionOwner } from "../../registry/registry.ts";
import type { TextMessage } from "../../shared/protocol.ts";

/** A session that another process would hand over. It is plain JSON. */
export interface HandOverOffer {
  readonly claim: SessionClaim;
  readonly owner: SessionOwner;
  /** The text that `writeCarried` wrote. */
  readonly carried: string;
}

/** A session as it is when it changes hands. It is plain JSON. */
export interface TakeOver {
  readonly sessionId: string;
  /** The text that `writeCarried` wrote. */
  readonly carried: string;
  /** The messages that were typed since. */
  readonly typed: readonly TextMessage[];
  /** The time for which the agent there is still heard, in milliseconds. An earlier version tells none. */
  readonly soundLeftMs?: number;
}

/** The way in which another process is asked to go on with a session. None of these reject. */
export interface Successors {
  /** Returns whether it can be asked. */
  reaches(peer: PeerNode): boolean;
  /** Has its agent join the call, deaf and silent. Resolves with null once it is in the call, and with the reason where it is not. */
  prepare(peer: PeerNode, offer: HandOverOffer, signal: AbortSignal): Promise<Error | null>;
  /** Has it take over, or take what was typed since. Resolves with whether it has the session; null where no answer came. */
  takeOver(peer: PeerNode, step: TakeOver): Promise<boolean | null>;
  /** Has its agent leave the call, which it does not take over after all. */
  giveUp(peer: PeerNode, sessionId: string): Promise<void>;
}
