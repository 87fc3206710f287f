import {
  afterTitle,
  companies,
  goesOn,
  goesOnBeforeNumber,
  legalForms,
  mayEnd,
  titles,
} from "./abbreviations.ts";
import { afterOrdinal, afterTime, beforeOrdinal, months, rulers, starters } from "./words.ts";

/** The end of a piece, as an offset in the text; `more` where that depends on what comes; null where no piece ends. */
export type Verdict = number | "more" | null;

/** Stops that end a sentence where white space follows: they also stand in numbers, addresses and abbreviations. */
const softStops = /[.!?…‼⁇⁈⁉‽]/;
/** Stops that end a sentence, whatever follows. */
const hardStops = /[。｡．！？；؟۔।॥።፧፨։။។៕᠃᠉།༎༏܀܁܂߹꓿⸮\u037E]/;
/** Marks that end a clause, where white space follows. */
const softClauses = /[,;:—–]/;
/** Marks that end a clause, whatever follows. */
const hardClauses = /[、，：،؛၊፣፤፥]/;
const clauseMark = new RegExp(`${softClauses.source}|${hardClauses.source}`);
/** Signs that belong to what stands before them: quotes, brackets, Markdown. */
const closers = /[)\]}>"'”’»›」』）］｝】〉》〕｣*_~`\uE000-\uEFFF]/;
const openers = /[([{<"'“‘„«‹「『（［｛【〈《〔｢*_~`¿¡\uE000-\uEFFF]/;
const emoji = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}]|\uFE0F|\u200D/u;
const space = /\s/;
const lineEnd = /[\n\u2028\u2029]/;
export const speakable = /[\p{L}\p{N}]/u;
const lower = /\p{Ll}/u;
const digit = /\p{N}/u;
/** Scripts without spaces between words, and without stops. */
export const unspaced = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const hangul = /\p{Script=Hangul}/u;
/** Syllables that sentences in Korean end with. */
const koreanEnd = /[다요죠까네지]/;
export const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/** Decides whether a piece may end with the character at this place. `clauses`: at a comma too. */
export function endAt(text: string, at: number, clauses: boolean): Verdict {
  const character = text[at]!;
  if (softStops.test(character) || hardStops.test(character)) return endOfSentence(text, at);
  if (isGreekQuestion(text, at)) return endOfSentence(text, at);
  if (lineEnd.test(character)) return endOfLine(text, at);
  return clauses ? endOfClause(text, at) : null;
}

/** Returns whether what ends at this place is a clause, and no sentence. */
export const isClause = (text: string, at: number): boolean =>
  (clauseMark.test(text[at]!) && !isGreekQuestion(text, at)) || /[ \u200B]/.test(text[at]!);

const isGreekQuestion = (text: string, at: number): boolean =>
  text[at] === ";" && /\p{Script=Greek}/u.test(text[at - 1] ?? "");

function endOfClause(text: string, at: number): Verdict {
  const soft = softClauses.test(text[at]!);
  if (!soft && !hardClauses.test(text[at]!)) return endAtUnspacedGap(text, at);
  const end = afterClosers(text, at + 1, closers);
  if (end === null) return "more";
  if (!soft) return end;
  if (!space.test(text[end]!)) return null;
  return text[at] === "," && expectsNumber(text, at) ? unless(digit, text, end) : end;
}

/**
 * Returns whether a number may follow the comma here in one breath: "January 1, 1980", "1, 2, 3", "52.5200, 13.4050".
 */
function expectsNumber(text: string, at: number): boolean {
  const [, before = "", bracket, number] =
    /(?:(\S+)\s)?([([]?)([\p{N}.]+)(?:st|nd|rd|th)?$/u.exec(text.slice(Math.max(0, at - 40), at)) ?? [];
  if (number === undefined) return false;
  if (bracket === "[") return true;
  return (
    months.has(before.toLowerCase().replace(/\.$/, "")) ||
    /\p{N},$/u.test(before) ||
    /\.\p{N}{3}/u.test(number)
  );
}

/** Scripts of South-East Asia part clauses by a space, and words by nothing. */
export function endAtUnspacedGap(text: string, at: number): Verdict {
  if (!/[ \u200B]/.test(text[at]!) || !unspaced.test(text[at - 1] ?? "")) return null;
  const next = text[at + 1];
  if (next === undefined) return "more";
  return unspaced.test(next) && next !== "ๆ" && next !== "ฯ" ? at : null;
}

/** Returns the first place from `at` on that is none of these, nor an emoji; null: the text ends before. */
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

/** Returns where the sentence ends that this stop may end: after the stops, quotes and brackets that follow it. */
function endOfSentence(text: string, at: number): Verdict {
  const stopped = afterClosers(text, at + 1, stopsAndClosers);
  const end = stopped === null ? null : afterSpacedQuote(text, at, stopped);
  if (end === null) return "more";
  const stops = text.slice(at, end);
  const next = text[end]!;
  if (hardStops.test(stops)) return afterHardStop(text, stops, end);
  if (lineEnd.test(next)) return end;
  if (!space.test(next)) return afterGluedStop(text, at, end);
  if (stops === ".") return afterFullStop(text, at, end);
  // "Really? Yes." may be cut at once; "Wait… what?" and «"Really?" he asked» may not.
  if (/^[!?‼⁇⁈⁉‽]+$/.test(stops)) return end;
  return unless(lower, text, end);
}

/**
 * Returns the end behind a quote of which the closing mark has a space before it, as in French: "« Bonjour. » dit-il".
 * Null: the text ends before that is known.
 */
function afterSpacedQuote(text: string, at: number, end: number): number | null {
  const quoted = text.lastIndexOf("«", at) > text.lastIndexOf("»", at);
  if (!quoted || !/[ \u00a0\u202f]/.test(text[end]!)) return end;
  if (text[end + 1] === undefined) return null;
  return text[end + 1] === "»" ? afterClosers(text, end + 2, stopsAndClosers) : end;
}

function afterHardStop(text: string, stops: string, end: number): Verdict {
  if (stops === "．" && digit.test(text[end]!)) return null;
  // 「はい。」と言いました: what is quoted goes on.
  return /[」』]$/.test(stops) && /^[とっな]/.test(text.slice(end)) ? null : end;
}

/** Judges a stop without white space after it: "是的.好", "Hello!How are you?", "It works.Now try it." */
function afterGluedStop(text: string, at: number, end: number): Verdict {
  const stops = text.slice(at, end);
  const next = text[end]!;
  if (wide.test(next)) return stops === "." && /[\w]/.test(text[at - 1] ?? "") ? null : end;
  if (stops.length !== end - at || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? "")) return null;
  // "안녕하세요.반갑습니다"
  if (hangul.test(next)) return (stops === "." ? koreanEnd : hangul).test(text[at - 1]!) ? end : null;
  if (/^[!?]+$/.test(stops)) return /^[\p{Lu}¿¡]/u.test(next) ? end : null;
  if (stops !== "." || !/\p{Lu}/u.test(next)) return null;
  const glued = wordBefore(text, at);
  if (!/^(?:\p{Ll}{2,}|\p{Sc}?\p{N}[\p{N}.,]+)$/u.test(glued.text) || glued.start === 0) return null;
  if (beginsItem(text.slice(0, glued.start))) return null;
  const after = /^\p{Lu}\p{Ll}*(?<end>[\s,’']|[.!?]+(?=\s)|[.!?]*$|)/u.exec(text.slice(end, end + 40))!;
  const ending = after.groups?.end ?? "";
  if (after[0].length === text.length - end && /^[.!?]*$/.test(ending)) return "more";
  const word = after[0].slice(0, after[0].length - ending.length);
  return ending !== "" && beginsSentence(word) ? end : null;
}

/** Returns whether a word with a capital, right behind a stop, begins a sentence, and is no part of a name such as "node.Js". */
export const beginsSentence = (word: string): boolean => word.length > 2 || starters.has(word.toLowerCase());

/** Returns the word before a place, without what it is wrapped in. */
function wordBefore(text: string, at: number): { readonly text: string; readonly start: number } {
  const start = text.slice(0, at).search(/\S+$/);
  if (start < 0) return { text: "", start: at };
  const word = text.slice(start, at).replace(/^[^\p{L}\p{N}]+|[*_~`)\]\uE000-\uEFFF]+$/gu, "");
  return { text: word, start };
}

/** Judges a full stop with white space after it: the word before it decides, and mostly the one that follows. */
function afterFullStop(text: string, at: number, end: number): Verdict {
  const { text: word, start } = wordBefore(text, at);
  const known = word.toLowerCase();
  // ". . ." is one stop.
  if (word === "") return unless(/[\p{Ll}.]/u, text, end);
  if (/^\p{N}{1,3}$/u.test(word)) {
    if (beginsItem(text.slice(0, start))) return null;
    if (word.length < 3) return afterNumber(text, start, end);
  }
  if (companies.has(known)) {
    return goesOnBefore(
      (next) => /^[\p{Ll}\p{N}]/u.test(next) || legalForms.has(next.toLowerCase()),
      text,
      end,
    );
  }
  if (mayEnd.has(known)) {
    return /^[ap]\.m$/.test(known)
      ? goesOnBefore((next) => /^[\p{Ll}\p{N}]/u.test(next) || afterTime.has(next.toLowerCase()), text, end)
      : unless(/[\p{Ll}\p{N}]/u, text, end);
  }
  if (/\.[–—]\p{L}/u.test(known)) return unless(/[\p{Ll}\p{N}]/u, text, end);
  if (/^[IVX]{2,5}$/.test(word)) return afterRomanNumber(text, start, end);
  if (titles.has(known) || known.includes(".-")) return endsLine(text, end);
  if (afterTitle.has(known) && /\p{L}\.[ \u00a0]?$/u.test(text.slice(0, start))) return endsLine(text, end);
  // "8 h. Dann"
  if (/^\p{Ll}$/u.test(word) && /\p{N}[ \u00a0]?$/u.test(text.slice(0, start)))
    return unless(lower, text, end);
  if (goesOn.has(known) || isInitials(word)) return unlessStarter(text, end);
  if (goesOnBeforeNumber.has(known) || /.(?:str|nr|pl)$/u.test(known)) {
    return unless(/[\p{Ll}\p{N}]/u, text, end);
  }
  // Thai and its neighbours have no full stop: it shortens a word.
  if (unspaced.test(word)) return endsLine(text, end);
  // Nothing longer is an abbreviation that is not in the lists.
  if (/^[\p{L}\p{M}'’-]{4,}$/u.test(word)) return end;
  return unless(lower, text, end);
}

/** Judges a number with a stop: "am 3. Juni", "der 2. Weltkrieg", "3. 10. 2025". An ordinal goes on; others end their sentence. */
function afterNumber(text: string, start: number, end: number): Verdict {
  const before = /(\S+)[ \u00a0]+$/.exec(text.slice(Math.max(0, start - 40), start))?.[1] ?? "";
  const ordinal =
    beforeOrdinal.has(before.toLowerCase().replace(/,$/, "")) && !/\bI am $/.test(text.slice(0, start));
  return goesOnBefore(
    (next) => {
      if (/^\p{Ll}/u.test(next)) return true;
      if (/^\p{N}/u.test(next)) return /^(?:\d{1,2}\.|\d{4}$)/.test(next);
      return ordinal || months.has(next.toLowerCase()) || afterOrdinal.has(next.toLowerCase());
    },
    text,
    end,
  );
}

/** Judges a Roman number with a stop: "im II. Weltkrieg", but "World War II. Then". A number before its name goes on. */
function afterRomanNumber(text: string, start: number, end: number): Verdict {
  const before = /(\S+)[ \u00a0]+$/.exec(text.slice(Math.max(0, start - 40), start))?.[1] ?? "";
  const leads =
    !/^\p{Lu}/u.test(before) || beforeOrdinal.has(before.toLowerCase()) || rulers.has(before.toLowerCase());
  return leads ? unlessStarter(text, end) : unless(lower, text, end);
}

/** Returns whether a word is letters with stops, as in "J. Smith", "the U.S. Senate" and "z. B.". */
function isInitials(word: string): boolean {
  return /^\p{L}(\.\p{L}{1,2})*$/u.test(word) && !wide.test(word);
}

/** Returns whether a number here counts a list: at the start, on a new line, or after a colon. */
function beginsItem(before: string): boolean {
  return /(^|[\n:;])[\s*_([>-]*$/.test(before);
}

/** Returns the end, unless the next word begins like this; a new line ends it whatever comes. */
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

/** Goes on unless the next word mostly begins a sentence. */
function unlessStarter(text: string, end: number): Verdict {
  return goesOnBefore((next) => !(/^\p{Lu}/u.test(next) && starters.has(next.toLowerCase())), text, end);
}

/** The longest word that is looked at, in UTF-16 units. */
const longestWord = 24;

/** Returns the end, unless the next word, whole, is of this kind. */
function goesOnBefore(kind: (next: string) => boolean, text: string, end: number): Verdict {
  const first = nextWord(text, end);
  if (first === null) return "more";
  if (first === "line") return end;
  const begin = text.indexOf(first, end);
  const word = /^(?:\p{N}+\.?|[\p{L}\p{M}’']+)/u.exec(text.slice(begin, begin + longestWord))?.[0] ?? first;
  if (begin + word.length === text.length && word.length < longestWord) {
    // A small letter tells enough.
    return /^\p{Ll}/u.test(word) && kind(word) ? null : "more";
  }
  return kind(word) ? null : end;
}

/** Returns the first character of the next word, behind quotes and brackets; `line`: a new line begins before it. */
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

/** Judges the end of a line, which ends a piece unless a sentence was merely wrapped there. */
function endOfLine(text: string, at: number): Verdict {
  for (let next = at + 1; next < text.length; next++) {
    if (lineEnd.test(text[next]!)) return at + 1;
    // The marks of a quote are no words.
    if (space.test(text[next]!) || text[next] === ">") continue;
    return lower.test(text[next]!) ? null : at + 1;
  }
  return "more";
}
