import { readFileSync } from "node:fs";

/**
 * Returns the text of a file that people write: UTF-8, or UTF-16 with a byte order mark, as some editors and
 * shells of Windows save it. The mark is not part of the text. It throws the file system's error, or a
 * `TypeError` for a file that is not text.
 */
export function readTextFile(path: string): string {
  return decodeText(readFileSync(path));
}

/** Returns the text of a file's bytes. It throws a `TypeError` for bytes that are not text. */
export function decodeText(bytes: Uint8Array): string {
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes);
  if (text.includes("\0")) throw new TypeError("not a text in UTF-8");
  return text;
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return "utf-8";
}
