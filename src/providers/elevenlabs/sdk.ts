import { AsyncLocalStorage } from "node:async_hooks";
import type { TextToSpeech } from "elevenlabs/api/resources/textToSpeech/client/Client.js";
import type { Exchange } from "./exchange.ts";

type TextToSpeechConstructor = new (options: { apiKey: string; baseUrl: string }) => TextToSpeech;

/** The request that the SDK is making; the way to reach its `fetch` without touching anybody else's. */
const current = new AsyncLocalStorage<Exchange>();
let loading: Promise<TextToSpeechConstructor> | null = null;

/** Imports the SDK, once. Session threads do it before they say that they are warm. */
export function loadSdk(): Promise<TextToSpeechConstructor> {
  loading ??= importSdk().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** Runs one call of the SDK through an exchange. Throws why the exchange failed, where it did. */
export async function through<T>(exchange: Exchange, call: () => Promise<T>): Promise<T> {
  try {
    return await current.run(exchange, call);
  } catch (error) {
    throw exchange.failure ?? error;
  }
}

/**
 * Imports only the SDK's client for speech: the whole package costs every thread 75 files and 6 MiB more (measured,
 * Node 24). It takes no `fetch` of ours, but looks one up for each request, in a module of its own: that lookup is
 * replaced, for calls made {@link through} an exchange alone.
 */
async function importSdk(): Promise<TextToSpeechConstructor> {
  const [client, lookup] = await Promise.all([
    import("elevenlabs/api/resources/textToSpeech/client/Client.js"),
    import("elevenlabs/core/fetcher/getFetchFn.js"),
  ]);
  const module = lookup.default as { getFetchFn(): Promise<unknown> };
  const original = module.getFetchFn;
  module.getFetchFn = async () => {
    const exchange = current.getStore();
    return exchange === undefined ? original() : exchange.fetch.bind(exchange);
  };
  return client.TextToSpeech;
}
