/** A compiled program. Threads may share it. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: "WebAssembly.Module";
}

export interface WasmMemory {
  /** The memory's bytes. They are another buffer after the memory has grown. */
  readonly buffer: ArrayBuffer;
}

interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

type WasmImports = Readonly<Record<string, Readonly<Record<string, (...values: never[]) => number>>>>;

interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance;
}

/**
 * The part of WebAssembly that is used. Its types belong to a browser's, which this project does not load.
 */
export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
