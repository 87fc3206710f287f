import { alwaysGoesOn, goesOnBeforeNumber, mayEnd } from "./abbreviations.ts";

/** Where a piece ends, as an offset in the text; `more`: that depends on what comes; null: it does not. */
export type Verdict = number | "more" | null;

/** End a sentence where white space follows: they also stand in numbers, addresses and abbreviations. */
const softStops = /[.!?…‼⁇⁈⁉‽]/;
/** End a sentence, whatever follows. */
const hardStops = /[。｡．！？；؟۔।॥።፧፨։။។៕᠃᠉།༎༏܀܁܂߹꓿⸮\u037E]/;
/** End a clause, where white space follows. */
const softClauses = /[,;:—–]/;
/** End a clause, whatever follows. */
const hardClauses = /[、，：،؛၊፣፤፥]/;
/** Any of both. */
export const clauseMark = new RegExp(`${softClauses.source}|${hardClauses.source}`);
/** Belong to what stands before them: quotes, brackets, Markdown. */
const closers = /[)\]}>"'”’»›」』）］｝】〉》〕｣*_~`]/;
const openers = /[([{<"'“‘„«‹「『（［｛【〈《〔｢*_~`¿¡]/;
const emoji = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}]|\uFE0F|\u200D/u;
const space = /\s/;
const lineEnd = /[\n\u2028\u2029]/;
export const speakable = /[\p{L}\p{N}]/u;
const lower = /\p{Ll}/u;
const digit = /\p{N}/u;
export const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/** Whether a piece may end with the character at this place. `clauses`: at a comma too. */
export function endAt(text: string, at: number, clauses: boolean): Verdict {
  const character = text[at]!;
  if (softStops.test(character) || hardStops.test(character)) return endOfSentence(text, at);
  if (lineEnd.test(character)) return endOfLine(text, at);
  return clauses ? endOfClause(text, at) : null;
}

function endOfClause(text: string, at: number): Verdict {
  const soft = softClauses.test(text[at]!);
  if (!soft && !hardClauses.test(text[at]!)) return null;
  const end = afterClosers(text, at + 1, closers);
  if (end === null) return "more";
  return soft && !space.test(text[end]!) ? null : end;
}

/** The first place from `at` on that is none of these, nor an emoji; null: the text ends before. */
function afterClosers(text: string, at: number, these: RegExp): number | null {
  let end = at;
  while (end < text.length) {
    const character = String.fromCodePoint(text.codePointAt(end)!);
    // Half a character: its other half is to come.
    if (end === text.length - 1 && /[\uD800-\uDBFF]/.test(character)) return null;
    if (!these.test(character) && !emoji.test(character)) return end;
    end += character.length;
  }
  return null;
}

const stopsAndClosers = new RegExp(`${softStops.source}|${hardStops.source}|${closers.source}`);

/** Where the sentence ends that this stop may end: after the stops, quotes and brackets that follow it. */
function endOfSentence(text: string, at: number): Verdict {
  const end = afterClosers(text, at + 1, stopsAndClosers);
  if (end === null) return "more";
  const stops = text.slice(at, end);
  const next = text[end]!;
  if (hardStops.test(stops)) return stops === "．" && digit.test(next) ? null : end;
  if (lineEnd.test(next)) return end;
  if (!space.test(next))
    return wide.test(next) && !(stops === "." && /[\w]/.test(text[at - 1] ?? "")) ? end : null;
  if (stops === ".") return afterFullStop(text, at, end);
  // "Really? Yes." may be cut at once; "Wait… what?" and «"Really?" he asked» may not.
  if (/^[!?‼⁇⁈⁉‽]+$/.test(stops)) return end;
  return unless(lower, text, end);
}

/** A full stop with white space after it: the word before it decides, and mostly the one that follows. */
function afterFullStop(text: string, at: number, end: number): Verdict {
  const start = text.slice(0, at).search(/\S+$/);
  const word = start < 0 ? "" : text.slice(start, at).replace(/^[^\p{L}\p{N}]+/u, "");
  const known = word.toLowerCase();
  if (/^\p{N}{1,3}$/u.test(word) && beginsItem(text.slice(0, start))) return null;
  if (mayEnd.has(known)) return unless(/[\p{Ll}\p{N}]/u, text, end);
  if (alwaysGoesOn.has(known) || isInitials(word)) return endsLine(text, end);
  if (goesOnBeforeNumber.has(known)) return unless(/[\p{Ll}\p{N}]/u, text, end);
  // Nothing longer is an abbreviation that is not in the lists.
  if (/^[\p{L}\p{M}'’-]{4,}$/u.test(word)) return end;
  return unless(lower, text, end);
}

/** "J. Smith", "the U.S. Senate", "z. B.": letters with stops. */
function isInitials(word: string): boolean {
  return /^\p{L}(\.\p{L}{1,2})*$/u.test(word) && !wide.test(word);
}

/** Whether a number here counts a list: at the start, on a new line, or after a colon. */
function beginsItem(before: string): boolean {
  return /(^|[\n:;])[\s*_([>-]*$/.test(before);
}

/** The end, unless the next word begins like this; a new line ends it whatever comes. */
function unless(goesOn: RegExp, text: string, end: number): Verdict {
  const next = nextWord(text, end);
  if (next === null) return "more";
  return next === "line" || !goesOn.test(next) ? end : null;
}

/** Goes on whatever word comes, but not on a new line. */
function endsLine(text: string, end: number): Verdict {
  const next = nextWord(text, end);
  return next === null ? "more" : next === "line" ? end : null;
}

/** The first character of the next word, behind quotes and brackets; `line`: a new line begins before it. */
function nextWord(text: string, from: number): string | "line" | null {
  for (let at = from; at < text.length; ) {
    const character = String.fromCodePoint(text.codePointAt(at)!);
    if (lineEnd.test(character)) return "line";
    if (!space.test(character) && !openers.test(character)) {
      return /[\uD800-\uDBFF]/.test(character) && at === text.length - 1 ? null : character;
    }
    at += character.length;
  }
  return null;
}

/** A line ends a piece, unless it is the middle of a sentence that was merely wrapped. */
function endOfLine(text: string, at: number): Verdict {
  for (let next = at + 1; next < text.length; next++) {
    if (lineEnd.test(text[next]!)) return at + 1;
    if (space.test(text[next]!)) continue;
    return lower.test(text[next]!) ? null : at + 1;
  }
  return "more";
}
