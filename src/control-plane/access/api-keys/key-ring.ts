import { timingSafeEqual } from "node:crypto";
import type { KeySource } from "../../../metrics/labels.ts";
import { GreenroomError } from "../../../shared/errors.ts";
import { KeyFile, type KeyFileState } from "./key-file.ts";
import { digestOf, type Key, linesOf, readKeys } from "./key-lines.ts";

export interface KeyRingState {
  /** The number of good keys, by source. */
  readonly valid: Readonly<Record<KeySource, number>>;
  readonly file: (KeyFileState & { readonly path: string }) | null;
}

/** The keys of all sources. They are compared in a time that does not depend on how much of a key is right. */
export class KeyRing {
  readonly #options: { readonly keys?: readonly string[]; readonly file?: string };
  readonly #listeners = new Set<(state: KeyRingState) => void>();
  #fixed: readonly Key[] = [];
  #file: KeyFile | null = null;
  #open = false;

  constructor(options: { readonly keys?: readonly string[]; readonly file?: string }) {
    this.#options = options;
  }

  /**
   * Reads the keys for the first time. Throws INVALID_OPTIONS where none are configured, where the file cannot be read,
   * or for a wrong key that cannot be corrected while the server runs.
   */
  open(): void {
    if (this.#open) return;
    const { keys } = this.#options;
    const file = this.#options.file ?? (keys ? undefined : variable("GREENROOM_API_KEYS_FILE"));
    this.#fixed = keys ? fixedKeys(keys, "keys") : fixedKeys(keysOfVariable(), "GREENROOM_API_KEYS");
    this.#file = file === undefined ? null : this.#openFile(file);
    if (this.#fixed.length === 0 && this.#file === null) {
      throw wrong(
        "there are no keys; set GREENROOM_API_KEYS (name:key, such as backend:0123456789abcdef) or GREENROOM_API_KEYS_FILE, or pass keys or file",
      );
    }
    this.#open = true;
  }

  /** Resolves with the key's id, or null. */
  async idOf(given: string): Promise<string | null> {
    this.open();
    const digest = digestOf(given);
    const ofFile = (await this.#file?.current())?.keys ?? [];
    let id: string | null = null;
    for (const key of [...this.#fixed, ...ofFile]) {
      if (timingSafeEqual(key.digest, digest)) id = key.id;
    }
    return id;
  }

  /** Checks the file, unless it was checked a moment ago. */
  async refresh(): Promise<void> {
    await this.#file?.current();
  }

  get state(): KeyRingState {
    const file = this.#file;
    return {
      valid: { fixed: this.#fixed.length, file: file?.state.keys.length ?? 0 },
      file: file && { ...file.state, path: file.path },
    };
  }

  /** Calls `listener` whenever the contents of the file have changed. Returns a function that ends this. */
  onChange(listener: (state: KeyRingState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #openFile(path: string): KeyFile {
    try {
      return new KeyFile(path, () => {
        for (const listener of this.#listeners) listener(this.state);
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw wrong(`the file of keys cannot be read: ${why}`);
    }
  }
}

function fixedKeys(entries: readonly string[], what: string): readonly Key[] {
  const { keys, flaws } = readKeys(entries);
  const [flaw] = flaws;
  if (flaw) throw wrong(`${what}, entry ${flaw.place}: ${flaw.why}`);
  return keys;
}

/** Returns the keys of the variable, separated by commas, or by line breaks, where a file became the variable. */
function keysOfVariable(): string[] {
  const text = variable("GREENROOM_API_KEYS") ?? "";
  // Files of variables for containers and services are not read by a shell, so quotes around a value are still there.
  const unquoted = /^\s*(["'])(.*)\1\s*$/s.exec(text)?.[2] ?? text;
  return linesOf(unquoted).flatMap((line) => (line.trimStart().startsWith("#") ? [""] : line.split(",")));
}

function variable(name: string): string | undefined {
  const text = process.env[name];
  return text === "" ? undefined : text;
}

const wrong = (message: string): GreenroomError =>
  new GreenroomError("INVALID_OPTIONS", `apiKey(): ${message}`);
