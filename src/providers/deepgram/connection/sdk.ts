/**
 * The parts of the packages that are used. They are imported in a session thread only, when they are first
 * needed.
 */
export interface DeepgramSdk {
  readonly DeepgramClient: typeof import("@deepgram/sdk").DeepgramClient;
  readonly WebSocket: typeof import("ws").WebSocket;
}

let loading: Promise<DeepgramSdk> | undefined;

/** Imports the SDK, once a thread. */
export function loadSdk(): Promise<DeepgramSdk> {
  loading ??= Promise.all([import("@deepgram/sdk"), import("ws")]).then(
    ([{ DeepgramClient }, { WebSocket }]) => ({ DeepgramClient, WebSocket }),
  );
  return loading;
}
