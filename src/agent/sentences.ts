import { alwaysGoesOn, goesOnBeforeNumber, mayEnd } from "./abbreviations.ts";

/** A piece of a text that is spoken at once: a sentence, a clause, or a line. */
export interface Sentence {
  /** All of it: white space before it too, so that the pieces joined are the text. */
  readonly text: string;
  /** Where it begins and ends in all that was pushed, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

export interface SentenceOptions {
  /**
   * Longest piece, in UTF-16 units. Default 250: some 15 s of speech. Longer ones are cut after a clause or between words.
   * A longer piece is longer in the making, and more of it is lost where it fails.
   */
  readonly maxLength?: number;
  /**
   * Pieces after the first are joined until they have this many letters' worth (a Chinese character counts as three). Default
   * 16: "Yes." by itself is a request of its own, and sounds like a word of its own. 0: every sentence is its own piece.
   */
  readonly minLength?: number;
  /**
   * The first piece may end at a comma once it has this many words (and 16 letters' worth): the agent begins to speak some
   * tokens earlier. So may those after it, until there are 40 letters' worth, some 3 s: after "Sure!" the next piece has to
   * be made before that is said. Default 4: fewer sound cut off. `Infinity`: only at the end of a sentence.
   */
  readonly firstClauseWords?: number;
}

/** What ends here: a sentence, at that offset of the text that waits; `more`: that depends on what comes. */
type Verdict = number | "more" | null;

/** End a sentence where white space follows: they also stand in numbers, addresses and abbreviations. */
const softStops = /[.!?…‼⁇⁈⁉‽]/;
/** End a sentence, whatever follows. */
const hardStops = /[。｡．！？；؟۔।॥።፧፨։။។៕᠃᠉།༎༏܀܁܂߹꓿⸮;]/;
/** End a clause, where white space follows. */
const softClauses = /[,;:—–]/;
/** End a clause, whatever follows. */
const hardClauses = /[、，：،؛၊፣፤፥]/;
/** Belong to what stands before them: quotes, brackets, Markdown. */
const closers = /[)\]}>"'”’»›」』）］｝】〉》〕｣*_~`]/;
const openers = /[([{<"'“‘„«‹「『（［｛【〈《〔｢*_~`¿¡]/;
const emoji = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}]|\uFE0F|\u200D/u;
const space = /\s/;
const lineEnd = /[\n\u2028\u2029]/;
const speakable = /[\p{L}\p{N}]/u;
const lower = /\p{Ll}/u;
const digit = /\p{N}/u;
const wide = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
const wideOrHangul = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
const letters = /[\p{L}\p{N}]/gu;

/** Letters' worth of a piece that ends with a clause. */
const clauseLetters = 16;
/** Once pieces have this many letters' worth, they end with sentences alone. */
const lettersInHurry = 40;

const defaults = { maxLength: 250, minLength: 16, firstClauseWords: 4 } as const;

/**
 * Cuts a text that is still being written into pieces to speak, each as early as it is safe: mostly one character after its
 * end. Where the pieces end depends on the text alone, not on how it was pushed.
 */
export class SentenceSplitter {
  readonly #options: Required<SentenceOptions>;
  /** Pushed, and not part of a piece yet. */
  #text = "";
  /** Where in the whole text it begins. */
  #start = 0;
  /** Before this place in it nothing ends. */
  #examined = 0;
  /** Letters' worth of the pieces since the last flush. */
  #letters = 0;

  constructor(options: SentenceOptions = {}) {
    this.#options = { ...defaults, ...options };
    if (!(this.#options.maxLength >= 2)) throw new RangeError("maxLength must be 2 or more");
  }

  /** Adds what was written, and returns the pieces that are complete with it. */
  push(delta: string): Sentence[] {
    this.#text += delta;
    const sentences: Sentence[] = [];
    for (let length = this.#nextLength(); length !== null; length = this.#nextLength()) {
      const sentence = this.#take(length);
      sentences.push(sentence);
      this.#letters += lettersWorth(sentence.text);
    }
    return sentences;
  }

  /** The rest, as it is, where nothing more will come for now. What is pushed after it begins anew, with a first piece. */
  flush(): Sentence[] {
    this.#letters = 0;
    return this.#text === "" ? [] : [this.#take(this.#text.length)];
  }

  #take(length: number): Sentence {
    const text = this.#text.slice(0, length);
    const start = this.#start;
    this.#text = this.#text.slice(length);
    this.#start += length;
    this.#examined = 0;
    return { text, start, end: this.#start };
  }

  /** How long the next piece is; null where that cannot be told yet. */
  #nextLength(): number | null {
    const { maxLength } = this.#options;
    // One more than fits: what decides has to lie in here, or how the text was pushed would make a difference.
    const seen = this.#text.slice(0, maxLength + 1);
    for (; this.#examined < seen.length; this.#examined++) {
      const verdict = this.#endAt(seen, this.#examined);
      if (verdict === "more") break;
      if (verdict !== null && this.#suffices(seen.slice(0, verdict))) return verdict;
    }
    return seen.length > maxLength ? forcedLength(seen, maxLength) : null;
  }

  #endAt(text: string, at: number): Verdict {
    const character = text[at]!;
    if (softStops.test(character) || hardStops.test(character)) return endOfSentence(text, at);
    if (lineEnd.test(character)) return endOfLine(text, at);
    return this.#letters < lettersInHurry ? this.#endOfClause(text, at) : null;
  }

  #endOfClause(text: string, at: number): Verdict {
    const soft = softClauses.test(text[at]!);
    if (!soft && !hardClauses.test(text[at]!)) return null;
    const end = afterClosers(text, at + 1, closers);
    if (end === null) return "more";
    if (soft && !space.test(text[end]!)) return null;
    const clause = text.slice(0, end);
    const count = clause.match(/\S+/g)?.length ?? 0;
    const isWide = wide.test(clause);
    const enough = isWide
      ? Number.isFinite(this.#options.firstClauseWords)
      : count >= this.#options.firstClauseWords;
    return enough && lettersWorth(clause) >= clauseLetters ? end : null;
  }

  #suffices(piece: string): boolean {
    if (!speakable.test(piece)) return false;
    return this.#letters === 0 || lettersWorth(piece) >= this.#options.minLength;
  }
}

function lettersWorth(text: string): number {
  return (text.match(letters)?.length ?? 0) + 2 * (text.match(wideOrHangul)?.length ?? 0);
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

/** Where a piece that is too long is cut: after a clause, else between words, else between characters. */
function forcedLength(text: string, maxLength: number): number {
  const piece = text.slice(0, maxLength);
  const begin = piece.length - piece.trimStart().length;
  const clause = lastIndex(piece, /[,;:—–](?=\s)|[、，：،؛၊]/g);
  if (clause !== null && clause >= begin + (maxLength - begin) / 2) return clause + 1;
  const gap = lastIndex(piece.slice(begin), /\s+/g);
  if (gap !== null) return begin + gap;
  let length = maxLength;
  // Neither half a character nor a mark begins a piece, where anything is before it.
  while (length > 1 && /^[\uDC00-\uDFFF\p{M}\p{Emoji_Modifier}\u200D]/u.test(text.slice(length))) length--;
  return length;
}

function lastIndex(text: string, pattern: RegExp): number | null {
  return [...text.matchAll(pattern)].at(-1)?.index ?? null;
}
