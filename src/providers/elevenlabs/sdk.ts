import { AsyncLocalStorage } from "node:async_hooks";
import type { TextToSpeech } from "elevenlabs/api/resources/textToSpeech/client/Client.js";
import type { SpeechFetch } from "./speech-fetch.ts";

type TextToSpeechConstructor = new (options: { apiKey: string; baseUrl: string }) => TextToSpeech;

/**
 * The request that the SDK is making. It gives the SDK a `fetch` of its own without a change for anybody
 * else.
 */
const current = new AsyncLocalStorage<SpeechFetch>();
let loading: Promise<TextToSpeechConstructor> | null = null;

/** Imports the SDK, once a thread. Session threads do it before they report that they are warm. */
export function loadSdk(): Promise<TextToSpeechConstructor> {
  loading ??= importSdk().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** Runs one call of the SDK with its own `fetch`. It throws the error of that fetch, where it failed. */
export async function through<T>(speechFetch: SpeechFetch, call: () => Promise<T>): Promise<T> {
  try {
    return await current.run(speechFetch, call);
  } catch (error) {
    throw speechFetch.failure ?? error;
  }
}

/**
 * Imports only the SDK's client for speech: the whole package costs every thread 75 files and 6 MiB more
 * (measured, Node 24). The client accepts no `fetch`, but looks one up for each request, in a module of its
 * own. That lookup is replaced, for calls made {@link through} a {@link SpeechFetch} only.
 */
async function importSdk(): Promise<TextToSpeechConstructor> {
  const [client, lookup] = await Promise.all([
    import("elevenlabs/api/resources/textToSpeech/client/Client.js"),
    import("elevenlabs/core/fetcher/getFetchFn.js"),
  ]);
  const module = lookup.default as { getFetchFn(): Promise<unknown> };
  const original = module.getFetchFn;
  module.getFetchFn = async () => {
    const speechFetch = current.getStore();
    return speechFetch === undefined ? original() : speechFetch.fetch.bind(speechFetch);
  };
  return client.TextToSpeech;
}
