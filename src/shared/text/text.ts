/** The longest cluster of code units that is not cut, such as an emoji of a family. */
const longestCharacter = 64;

let segmenter: Intl.Segmenter | undefined;

/**
 * Returns the beginning of a text: at most `length` UTF-16 code units, and no part of a character, so that no
 * half of a surrogate pair remains. `mark` is appended to a text that was cut, and is not counted. Default:
 * none.
 */
export function cutText(text: string, length: number, mark = ""): string {
  return text.length <= length ? text : `${text.slice(0, boundaryBefore(text, length))}${mark}`;
}

/** Returns the end of a text: at most `length` UTF-16 code units, and no part of a character. */
export function cutTextStart(text: string, length: number): string {
  if (text.length <= length) return text;
  const at = text.length - length;
  const boundary = boundaryBefore(text, at);
  // The character at the cut is left out.
  return boundary === at ? text.slice(at) : text.slice(at + (characterAt(text, at)?.rest ?? 0));
}

/**
 * Returns whether a text has nothing to read or to hear. White space, control characters and invisible
 * characters do not count.
 */
export function isBlank(text: string): boolean {
  return !/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(text);
}

/**
 * Returns a value with U+FFFD in place of halves of surrogate pairs, in every string and every key that JSON
 * can hold.
 */
export function wellFormed<Value>(value: Value): Value {
  return replaced(value) as Value;
}

/** Returns a value as JSON text in which every string and every key is well-formed. */
export function toJson(value: unknown): string {
  return wellFormedJson(JSON.stringify(value));
}

/**
 * Returns the same JSON text with U+FFFD in place of every half of a surrogate pair, in strings and keys at
 * any depth. Services answer 400 to such a half, and to each later request with the same conversation.
 * `JSON.stringify` writes it as an escape.
 */
export function wellFormedJson(json: string): string {
  const text = json.toWellFormed();
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
  // Escapes are matched one after the other, so that an escaped backslash begins none. An escaped pair is well-formed.
  return text.replaceAll(
    /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u[dD][89a-fA-F][\da-fA-F]{2}|[\s\S])/g,
    (token) => (token.length === 6 ? "\\ufffd" : token),
  );
}

function replaced(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) {
    const items = value.map(replaced);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const entries = Object.entries(value);
  const fields = entries.map(([key, inner]) => [key.toWellFormed(), replaced(inner)] as const);
  const same = fields.every(
    ([key, inner], index) => key === entries[index]![0] && inner === entries[index]![1],
  );
  return same ? value : Object.fromEntries(fields);
}

/** Returns the last position at or before `at` where the text may be cut. */
function boundaryBefore(text: string, at: number): number {
  const character = characterAt(text, at);
  if (character === null) return isPair(text, at) ? at - 1 : at;
  return at - character.taken;
}

/**
 * Returns how much of the character around `at` is before and after it; null where that is too long to be one
 * character.
 */
function characterAt(text: string, at: number): { readonly taken: number; readonly rest: number } | null {
  const wanted = Math.max(0, at - longestCharacter);
  const from = isPair(text, wanted) ? wanted - 1 : wanted;
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  const found = segmenter.segment(text.slice(from, at + longestCharacter)).containing(at - from);
  if (found === undefined || found.segment.length > longestCharacter) return null;
  const taken = at - from - found.index;
  return { taken, rest: taken === 0 ? 0 : found.segment.length - taken };
}

/** Returns whether the two halves of a surrogate pair meet here. */
function isPair(text: string, at: number): boolean {
  return /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(Math.max(0, at - 1), at + 1));
}
