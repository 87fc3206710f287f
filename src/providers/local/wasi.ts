import { type WasmMemory, type WasmModule, webAssembly } from "./web-assembly.ts";

/** Ends the program, with its exit code. */
class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** Error numbers of WASI. */
const success = 0;
const badDescriptor = 8;
const noSuchFile = 44;
const notSeekable = 70;

const folder = 3;
const characterDevice = 2;
const directory = 3;
const regularFile = 4;
const everyRight = 0xffff_ffff_ffff_ffffn;
const truncate = 8;

/** A file in memory. */
class MemoryFile {
  #bytes = new Uint8Array(1 << 18);
  #length = 0;

  get contents(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  truncate(): void {
    this.#length = 0;
  }

  write(at: number, piece: Uint8Array): void {
    const end = at + piece.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.contents);
      this.#bytes = grown;
    }
    this.#bytes.set(piece, at);
    this.#length = Math.max(this.#length, end);
  }
}

export interface WasiResult {
  readonly code: number;
  /** The text that the program printed. */
  readonly printed: string;
  readonly file: Uint8Array;
}

/**
 * Runs a program for WASI preview 1, with one file in memory as its file system. Node's own `node:wasi` is
 * experimental, prints that at each start, and would need a real folder for the file.
 */
export function runWasi(module: WasmModule, args: readonly string[], fileName: string): WasiResult {
  const wasi = new Wasi(args, fileName);
  return wasi.run(module);
}

class Wasi {
  readonly #args: readonly Uint8Array[];
  readonly #fileName: string;
  readonly #file = new MemoryFile();
  /** The offset of each descriptor of the file. */
  readonly #offsets = new Map<number, number>();
  #nextDescriptor = folder + 1;
  #printed = "";
  #memory: WasmMemory | null = null;

  constructor(args: readonly string[], fileName: string) {
    this.#args = args.map((arg) => new TextEncoder().encode(`${arg}\0`));
    this.#fileName = fileName;
  }

  run(module: WasmModule): WasiResult {
    const { exports } = new webAssembly.Instance(module, { wasi_snapshot_preview1: this.#imports() });
    const { memory, _start: start } = exports as { memory: WasmMemory; _start: () => void };
    this.#memory = memory;
    let code = 0;
    try {
      start();
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      code = error.code;
    }
    return { code, printed: this.#printed, file: this.#file.contents };
  }

  /** Returns a view of the memory, which may have grown since the last call. */
  get #view(): DataView {
    return new DataView(this.#memory!.buffer);
  }

  get #bytes(): Uint8Array {
    return new Uint8Array(this.#memory!.buffer);
  }

  #imports(): Record<string, (...values: never[]) => number> {
    return {
      args_sizes_get: (count: number, size: number) => {
        this.#view.setUint32(count, this.#args.length, true);
        this.#view.setUint32(
          size,
          this.#args.reduce((sum, { length }) => sum + length, 0),
          true,
        );
        return success;
      },
      args_get: (pointers: number, texts: number) => {
        let at = texts;
        for (const [index, arg] of this.#args.entries()) {
          this.#view.setUint32(pointers + 4 * index, at, true);
          this.#bytes.set(arg, at);
          at += arg.length;
        }
        return success;
      },
      clock_time_get: (_clock: number, _precision: bigint, result: number) => {
        this.#view.setBigUint64(result, BigInt(Math.round(performance.now() * 1e6)), true);
        return success;
      },
      proc_exit: (code: number) => {
        throw new Exit(code);
      },
      fd_close: (descriptor: number) => {
        this.#offsets.delete(descriptor);
        return success;
      },
      fd_fdstat_get: (descriptor: number, result: number) => {
        const kind = descriptor < folder ? characterDevice : descriptor === folder ? directory : regularFile;
        this.#view.setUint8(result, kind);
        this.#view.setUint16(result + 2, 0, true);
        this.#view.setBigUint64(result + 8, everyRight, true);
        this.#view.setBigUint64(result + 16, everyRight, true);
        return success;
      },
      fd_fdstat_set_flags: () => success,
      fd_prestat_get: (descriptor: number, result: number) => {
        if (descriptor !== folder) return badDescriptor;
        this.#view.setUint32(result, 0, true);
        this.#view.setUint32(result + 4, 1, true);
        return success;
      },
      fd_prestat_dir_name: (_descriptor: number, name: number) => {
        this.#bytes[name] = ".".charCodeAt(0);
        return success;
      },
      path_open: (
        _descriptor: number,
        _lookup: number,
        name: number,
        length: number,
        flags: number,
        _rights: bigint,
        _inheriting: bigint,
        _descriptorFlags: number,
        result: number,
      ) => {
        const wanted = new TextDecoder().decode(this.#bytes.subarray(name, name + length));
        if (wanted !== this.#fileName) return noSuchFile;
        if (flags & truncate) this.#file.truncate();
        this.#offsets.set(this.#nextDescriptor, 0);
        this.#view.setUint32(result, this.#nextDescriptor, true);
        this.#nextDescriptor += 1;
        return success;
      },
      fd_seek: (descriptor: number, offset: bigint, whence: number, result: number) => {
        const current = this.#offsets.get(descriptor);
        if (current === undefined) return notSeekable;
        const origin = [0, current, this.#file.contents.length][whence] ?? 0;
        const at = origin + Number(offset);
        this.#offsets.set(descriptor, at);
        this.#view.setBigUint64(result, BigInt(at), true);
        return success;
      },
      fd_read: (descriptor: number, pieces: number, count: number, result: number) => {
        let offset = this.#offsets.get(descriptor);
        if (offset === undefined) return badDescriptor;
        let total = 0;
        for (const piece of this.#pieces(pieces, count)) {
          const read = this.#file.contents.subarray(offset, offset + piece.length);
          piece.set(read);
          offset += read.length;
          total += read.length;
        }
        this.#offsets.set(descriptor, offset);
        this.#view.setUint32(result, total, true);
        return success;
      },
      fd_write: (descriptor: number, pieces: number, count: number, result: number) => {
        let total = 0;
        for (const piece of this.#pieces(pieces, count)) {
          this.#write(descriptor, piece);
          total += piece.length;
        }
        this.#view.setUint32(result, total, true);
        return success;
      },
    };
  }

  #write(descriptor: number, piece: Uint8Array): void {
    const offset = this.#offsets.get(descriptor);
    if (offset === undefined) {
      this.#printed += new TextDecoder().decode(piece);
      return;
    }
    this.#file.write(offset, piece);
    this.#offsets.set(descriptor, offset + piece.length);
  }

  /** Returns the pieces of memory that a call reads or writes. */
  #pieces(list: number, count: number): Uint8Array[] {
    return Array.from({ length: count }, (_, index) => {
      const at = this.#view.getUint32(list + 8 * index, true);
      return this.#bytes.subarray(at, at + this.#view.getUint32(list + 8 * index + 4, true));
    });
  }
}
