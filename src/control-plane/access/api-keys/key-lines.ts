import { createHash } from "node:crypto";

export interface Key {
  /** The name by which its caller is known: the key's name, or a short hash of the key. */
  readonly id: string;
  readonly digest: Buffer;
}

/** The keys of a text that people wrote, in lines or entries. */
export interface ReadKeys {
  readonly keys: readonly Key[];
  /** The lines that are no key, counted from 1. None of their text goes into a message: it may be most of a key. */
  readonly flaws: readonly { readonly place: number; readonly why: string }[];
}

export const shortestKey = 16;

/**
 * Reads keys, each alone or as `name:key`. Empty entries are skipped, and so are comments, which begin with a `#` at
 * the beginning of an entry or after a blank.
 */
export function readKeys(entries: readonly string[]): ReadKeys {
  const keys: Key[] = [];
  const flaws: { place: number; why: string }[] = [];
  for (const [index, entry] of entries.entries()) {
    const text = entry.replace(/(^|\s)#.*$/s, "").trim();
    if (text === "") continue;
    const read = keyOf(text);
    if (typeof read === "string") flaws.push({ place: index + 1, why: read });
    else keys.push(read);
  }
  return { keys, flaws };
}

export const linesOf = (text: string): string[] => text.split(/\r\n|\n|\r/);

export const digestOf = (key: string): Buffer => createHash("sha256").update(key).digest();

/** Returns the key, or a text that says why there is none. */
function keyOf(text: string): Key | string {
  const colon = text.indexOf(":");
  const key = text.slice(colon + 1).trim();
  if (key.length < shortestKey) return `a key must have at least ${shortestKey} characters`;
  if (!/^[\x21-\x7e]+$/.test(key)) return "a key must be printable ASCII without blanks";
  const digest = digestOf(key);
  const name = text.slice(0, Math.max(colon, 0)).trim();
  return { id: name === "" ? `key_${digest.toString("hex").slice(0, 8)}` : name, digest };
}
