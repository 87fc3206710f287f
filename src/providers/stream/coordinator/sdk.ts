/**
 * The parts of the packages that are used. They are imported in a session thread only, when they are first
 * needed.
 */
export interface StreamSdk {
  readonly StreamClient: typeof import("@stream-io/node-sdk").StreamClient;
  readonly WebSocket: typeof import("ws").WebSocket;
}

let loading: Promise<StreamSdk> | undefined;

/** Imports the SDK, once a thread. */
export function loadSdk(): Promise<StreamSdk> {
  loading ??= Promise.all([import("@stream-io/node-sdk"), import("ws")]).then(
    ([{ StreamClient }, { WebSocket }]) => ({ StreamClient, WebSocket }),
  );
  return loading;
}
