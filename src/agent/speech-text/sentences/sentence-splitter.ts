import { forcedLength } from "./forced-cut.ts";
import { endAt, endAtUnspacedGap, isClause, speakable, unspaced, wide } from "./sentence-end.ts";

/** A piece of a text that is spoken at once: a sentence, a clause, or a line. */
export interface Sentence {
  /** All of it: white space before it too, so that the pieces joined are the text. */
  readonly text: string;
  /** The beginning and the end of the piece in all that was pushed, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

export interface SentenceOptions {
  /**
   * The longest piece, in UTF-16 units. Default 250: some 15 s of speech. Longer ones are cut after a clause or between
   * words. A longer piece is longer in the making, and more of it is lost where it fails.
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
   * be made before that is said. A text without commas and stops is cut between words once it has 110 letters' worth.
   * Default 4: fewer sound cut off. `Infinity`: only at the end of a sentence.
   */
  readonly firstClauseWords?: number;
}

const letter = /[\p{L}\p{N}]/u;
const wideOrHangul = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** Letters' worth of a piece that ends with a clause. */
const clauseLetters = 16;
/** The letters' worth from which on pieces end with sentences alone. */
const lettersInHurry = 40;
/** The most letters' worth of a piece in a hurry, or the voice would wait for a text that has no stops. */
const mostLettersInHurry = 110;
/** A clause in a script without stops ends a piece once that has this many letters' worth. */
const unspacedClauseLetters = 60;

const defaults = { maxLength: 250, minLength: 16, firstClauseWords: 4 } as const;

/**
 * Cuts a text that is still being written into pieces to speak, each as early as it is safe: mostly one character after its
 * end. Where the pieces end depends on the text alone, not on how it was pushed.
 */
export class SentenceSplitter {
  readonly #options: Required<SentenceOptions>;
  /** Pushed, and not part of a piece yet. */
  #text = "";
  /** The beginning of the text at hand in the whole text. */
  #start = 0;
  /** The place in it before which nothing ends. */
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
      sentences.push(this.#take(length));
    }
    return sentences;
  }

  /** Returns the rest, where nothing more will come for now. Text that is pushed later begins anew, with a first piece. */
  flush(): Sentence[] {
    const sentences = this.endSentence();
    this.#letters = 0;
    return sentences;
  }

  /** Returns the rest, with which a sentence is known to end. Text that is pushed later goes on behind it. */
  endSentence(): Sentence[] {
    const sentences: Sentence[] = [];
    for (let length = this.#nextLength(true); length !== null; length = this.#nextLength(true)) {
      if (length >= this.#text.length) break;
      sentences.push(this.#take(length));
    }
    if (this.#text !== "") sentences.push(this.#take(this.#text.length));
    return sentences;
  }

  #take(length: number): Sentence {
    const text = this.#text.slice(0, length);
    const start = this.#start;
    this.#text = this.#text.slice(length);
    this.#start += length;
    this.#examined = 0;
    this.#letters += lettersWorth(text);
    return { text, start, end: this.#start };
  }

  /** Returns the length of the next piece; null where that cannot be told yet. `final`: nothing follows. */
  #nextLength(final = false): number | null {
    const hurry = this.#letters < lettersInHurry;
    const longest = this.#longest(hurry);
    // One more than fits: what decides has to lie in here, or how the text was pushed would make a difference.
    const seen = this.#text.slice(0, longest + 1);
    const known = final && this.#text.length === seen.length ? `${seen}\n` : seen;
    for (; this.#examined < seen.length; this.#examined++) {
      const verdict = this.#endAt(known, this.#examined, hurry);
      if (verdict === "more") break;
      if (verdict !== null) return verdict;
    }
    return seen.length > longest ? forcedLength(seen, longest) : null;
  }

  #endAt(seen: string, at: number, hurry: boolean): number | "more" | null {
    const verdict = endAt(seen, at, hurry);
    if (verdict === "more") return verdict;
    if (verdict === null) {
      const gap = hurry ? null : endAtUnspacedGap(seen, at);
      return typeof gap === "number" && lettersWorth(seen.slice(0, gap)) < unspacedClauseLetters ? null : gap;
    }
    const piece = seen.slice(0, verdict);
    const clause = isClause(seen, at);
    return (clause ? this.#sufficesAsClause(piece) : this.#suffices(piece)) ? verdict : null;
  }

  /** Returns the longest piece here: its letters count only where there is a hurry. */
  #longest(hurry: boolean): number {
    const { maxLength, firstClauseWords } = this.#options;
    if (!hurry || !Number.isFinite(firstClauseWords)) return maxLength;
    let worth = 0;
    let at = 0;
    for (const character of this.#text.slice(0, maxLength + 1)) {
      worth += letterWorth(character);
      if (worth > mostLettersInHurry) return Math.min(Math.max(at, 2), maxLength);
      at += character.length;
    }
    return maxLength;
  }

  #sufficesAsClause(clause: string): boolean {
    const { firstClauseWords } = this.#options;
    // Where words are not parted by spaces, letters alone count.
    const enough =
      wide.test(clause) || unspaced.test(clause)
        ? Number.isFinite(firstClauseWords)
        : (clause.match(/\S+/g)?.length ?? 0) >= firstClauseWords;
    return enough && lettersWorth(clause) >= clauseLetters && this.#suffices(clause);
  }

  #suffices(piece: string): boolean {
    if (!speakable.test(piece)) return false;
    return this.#letters === 0 || lettersWorth(piece) >= this.#options.minLength;
  }
}

function lettersWorth(text: string): number {
  let worth = 0;
  for (const character of text) worth += letterWorth(character);
  return worth;
}

function letterWorth(character: string): number {
  const code = character.charCodeAt(0);
  if (code < 0x80)
    return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39)
      ? 1
      : 0;
  if (!letter.test(character)) return 0;
  return wideOrHangul.test(character) ? 3 : unspaced.test(character) ? 2 : 1;
}
