/** A server for ICE, in the coordinator's names; `password` is what WebRTC calls the credential. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string;
  readonly password: string;
}

/**
 * `disconnected` may heal by itself or by an ICE restart, `failed` may not: its media is replaced. A peer whose first ICE
 * never connects becomes `failed` as well.
 */
export type PeerState = "new" | "connecting" | "connected" | "disconnected" | "failed";
