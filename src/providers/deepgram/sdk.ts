/** The parts of the packages that are used. They are imported in a session thread only, and only once it is asked for. */
export interface Sdk {
  readonly DeepgramClient: typeof import("@deepgram/sdk").DeepgramClient;
  readonly WebSocket: typeof import("ws").WebSocket;
}

let loading: Promise<Sdk> | undefined;

export function loadSdk(): Promise<Sdk> {
  loading ??= Promise.all([import("@deepgram/sdk"), import("ws")]).then(
    ([{ DeepgramClient }, { WebSocket }]) => ({ DeepgramClient, WebSocket }),
  );
  return loading;
}
