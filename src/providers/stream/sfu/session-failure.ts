import { StreamError } from "../error.ts";
import type { Peer } from "../media/media.ts";
import { ErrorCode } from "../wire/enums.ts";
import type { SocketLoss } from "../wire/sfu-socket.ts";

/** The failures after which a session on an SFU cannot continue as it is. */
export type SessionFailure =
  | { readonly kind: "signal_lost"; readonly loss: SocketLoss }
  /** A peer connection failed; `everConnected` is false where it was never connected. */
  | { readonly kind: "media_failed"; readonly peer: Peer; readonly everConnected: boolean }
  /** The exchange of descriptions failed. */
  | { readonly kind: "negotiation_failed"; readonly error: unknown }
  /** The SFU does not know the session, or does not accept its token. */
  | { readonly kind: "session_lost"; readonly error: StreamError };

const lostSessions: ReadonlySet<number> = new Set([
  ErrorCode.PARTICIPANT_NOT_FOUND,
  ErrorCode.PARTICIPANT_RECONNECT_FAILED,
  ErrorCode.PARTICIPANT_MEDIA_TRANSPORT_FAILURE,
  ErrorCode.PARTICIPANT_SIGNAL_LOST,
  ErrorCode.CALL_NOT_FOUND,
  ErrorCode.UNAUTHENTICATED,
  ErrorCode.SFU_SHUTTING_DOWN,
]);

/** Returns whether an error means that the session is over, so that only a new one helps. */
export function sessionLost(error: unknown): error is StreamError {
  if (!(error instanceof StreamError)) return false;
  return error.status === 401 || (error.number !== undefined && lostSessions.has(error.number));
}
