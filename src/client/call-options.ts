import type { SessionReference, StartOptions } from "./api.ts";

/** The options of a call. */
export interface CallOptions {
  /** The address of the server. Default: that of the page. */
  readonly url?: string;
  /** A session to come into, that a backend started. Default: the call starts one, and closes it at its end. */
  readonly session?: SessionReference;
  /** The call, and the data for the agent, with which the session is started. */
  readonly start?: StartOptions;
  /** Headers of the start, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The name that the others in the call are shown. Default: Guest. */
  readonly userName?: string;
  /** The microphone: true, constraints for it, a stream of one's own, or false to listen and type. Default true. */
  readonly microphone?: boolean | MediaTrackConstraints | MediaStream;
  /** `auto` tries WebRTC, and takes a WebSocket where that does not pass. Default `auto`. */
  readonly transport?: "auto" | "webrtc" | "websocket";
  /** STUN servers and relays of the browser's side. Default: none, since the server is where sound goes. */
  readonly iceServers?: readonly RTCIceServer[];
  /** The element that plays the sound of WebRTC. Default: one of its own. */
  readonly audio?: HTMLAudioElement;
  /**
   * The longest time until WebRTC connects, in milliseconds. Default 4,000, then `auto` takes a WebSocket; after a quarter of it
   * where the agent has addresses of this machine alone and has not been reached.
   */
  readonly connectTimeoutMs?: number;
  /** The longest time in which a broken connection is made anew, in milliseconds. Default 30,000. */
  readonly reconnectTimeoutMs?: number;
  /**
   * The address of the module `workletSource()`, for pages whose policy lets no script come from `blob:`. Default: made in
   * memory.
   */
  readonly workletUrl?: string;
}
