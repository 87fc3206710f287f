/** Session thread → the thread of the media port. `number` is the sender's own number of a path. */
export type ToMediaPort =
  /** Takes packets at this address of the machine, before there is a path. */
  | { readonly type: "listen"; readonly number: number; readonly address: string }
  | ({ readonly type: "open"; readonly number: number } & MediaPath)
  | { readonly type: "close"; readonly number: number };

/** The way of one connection's packets through the media port. */
export interface MediaPath {
  /** The address of the machine at which its packets come, such as `0.0.0.0`. */
  readonly address: string;
  /** The ICE user name with which the other side asks: the fragment of this side, a colon, and that of the other. */
  readonly user: string;
  /** The ICE password of this side: a request that it does not sign opens no way. */
  readonly password: string;
  /** The port of the session thread's own socket, at 127.0.0.1. */
  readonly port: number;
}

/** The thread of the media port → session thread. */
export type FromMediaPort =
  /** The port at which packets come, and that at 127.0.0.1 to which the session thread sends its own. */
  | {
      readonly type: "opened";
      readonly number: number;
      readonly port: number;
      readonly relayPort: number;
    }
  /** The path cannot be opened. The reason ends a sentence. */
  | { readonly type: "refused"; readonly number: number; readonly reason: string };
