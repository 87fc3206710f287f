import { createHash, timingSafeEqual } from "node:crypto";
import { GreenroomError } from "../errors.ts";
import { readTextFile } from "../text-file.ts";
import { bearerToken, unauthorized } from "./bearer.ts";
import { preparable } from "./prepare.ts";
import type { Dependency } from "./scope.ts";

export interface ApiKeyOptions {
  /**
   * The keys, each alone or as `name:key`; at least 16 characters of key. Default: those of `GREENROOM_API_KEYS`, separated by
   * commas, and of the file.
   */
  readonly keys?: readonly string[];
  /**
   * A file with a key a line, and comments in lines that begin with `#`. It is read again when it is older than 10 s.
   * Default: `GREENROOM_API_KEYS_FILE`.
   */
  readonly file?: string;
  /** A header that holds the key, beside `Authorization: Bearer`. Default `X-API-Key`. */
  readonly header?: string;
}

interface Key {
  /** What a caller is known by: the key's name, or a short hash of the key. */
  readonly id: string;
  readonly digest: Buffer;
}

/** How long the keys of a file are taken as they were read, in milliseconds. */
const rereadMs = 10_000;
const shortestKey = 16;

/**
 * Lets in who has one of the keys; others get 401. Its value says which key it was, without giving it away: the name of a
 * `name:key`, else a short hash. Keys are looked for at the start of the server, not here: an agent's module is loaded in the
 * session threads too, where they are not. One that no option names only has a warning logged where it finds none.
 */
export function apiKey(options: ApiKeyOptions = {}): Dependency<string> {
  const header = options.header ?? "X-API-Key";
  const keys = new KeyRing(options);
  const dependency: Dependency<string> = ({ headers }) => {
    const given = bearerToken(headers) ?? headers.get(header);
    if (given === null) throw unauthorized(`An API key is needed, as Authorization: Bearer or ${header}`);
    const id = keys.idOf(given);
    if (id === null) throw unauthorized("The API key is not known", "invalid_token");
    return id;
  };
  return preparable(dependency, { check: () => void keys.read(), unnamed: "warn" });
}

/** Keys from wherever the options say, compared in a time that does not depend on how much of them is right. */
class KeyRing {
  readonly #options: ApiKeyOptions;
  #keys: readonly Key[] | undefined;
  #readAt = 0;

  constructor(options: ApiKeyOptions) {
    this.#options = options;
  }

  idOf(given: string): string | null {
    const digest = hash(given);
    let id: string | null = null;
    for (const key of this.read()) {
      if (timingSafeEqual(key.digest, digest)) id = key.id;
    }
    return id;
  }

  read(): readonly Key[] {
    const file = this.#options.file ?? variable("GREENROOM_API_KEYS_FILE");
    const fresh =
      this.#options.keys !== undefined || file === undefined || performance.now() - this.#readAt < rereadMs;
    if (this.#keys && fresh) return this.#keys;
    this.#readAt = performance.now();
    try {
      this.#keys = this.#load(file);
    } catch (error) {
      // While the file is being replaced, the keys that were known stay good.
      if (!this.#keys) throw error;
    }
    return this.#keys;
  }

  #load(file: string | undefined): readonly Key[] {
    const { keys } = this.#options;
    const ofFile = file === undefined ? [] : entriesOf(readKeyFile(file), `${file}, line`);
    const ofVariable = unquoted(variable("GREENROOM_API_KEYS") ?? "").split(",");
    const given = keys
      ? entriesOf(keys, "keys, entry")
      : [...entriesOf(ofVariable, "GREENROOM_API_KEYS, entry"), ...ofFile];
    const found = given.filter(({ text }) => text !== "");
    if (found.length === 0) {
      throw new GreenroomError(
        "INVALID_OPTIONS",
        "apiKey(): there are no keys; set GREENROOM_API_KEYS or GREENROOM_API_KEYS_FILE, or pass keys or file",
      );
    }
    return found.map(parseKey);
  }
}

/** Files for containers and services are not read by a shell: quotes around a value are then part of it. */
const unquoted = (text: string): string => /^\s*(["'])(.*)\1\s*$/s.exec(text)?.[2] ?? text;

function readKeyFile(file: string): string[] {
  try {
    return readTextFile(file)
      .split(/\r\n|\n|\r/)
      .map((line) => (line.trimStart().startsWith("#") ? "" : line));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GreenroomError("INVALID_OPTIONS", `apiKey(): the file of keys cannot be read: ${why}`);
  }
}

interface Entry {
  readonly text: string;
  /** For messages, which do not show the key. */
  readonly where: string;
}

const entriesOf = (texts: readonly string[], where: string): Entry[] =>
  texts.map((text, index) => ({ text: text.trim(), where: `${where} ${index + 1}` }));

function parseKey({ text, where }: Entry): Key {
  const colon = text.indexOf(":");
  const key = text.slice(colon + 1);
  if (key.length < shortestKey) {
    throw new GreenroomError(
      "INVALID_OPTIONS",
      `apiKey(): ${where}: a key must have at least ${shortestKey} characters`,
    );
  }
  const digest = hash(key);
  return { id: colon > 0 ? text.slice(0, colon) : `key_${digest.toString("hex").slice(0, 8)}`, digest };
}

const hash = (text: string): Buffer => createHash("sha256").update(text).digest();

function variable(name: string): string | undefined {
  const text = process.env[name];
  return text === "" ? undefined : text;
}
