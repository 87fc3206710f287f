/** A server for ICE, in the names of Stream's coordinator; `password` is WebRTC's credential. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username: string;
  readonly password: string;
}

/**
 * The states of a peer connection. A `disconnected` one may recover by itself or by an ICE restart; a
 * `failed` one is replaced. A connection whose first ICE never connects becomes `failed` as well.
 */
export type PeerState = "new" | "connecting" | "connected" | "disconnected" | "failed";
