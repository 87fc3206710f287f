/** The parts of the packages that are used. They are imported in a session thread only, and only once they are asked for. */
export interface Sdk {
  readonly StreamClient: typeof import("@stream-io/node-sdk").StreamClient;
  readonly WebSocket: typeof import("ws").WebSocket;
}

let loading: Promise<Sdk> | undefined;

export function loadSdk(): Promise<Sdk> {
  loading ??= Promise.all([import("@stream-io/node-sdk"), import("ws")]).then(
    ([{ StreamClient }, { WebSocket }]) => ({ StreamClient, WebSocket }),
  );
  return loading;
}
