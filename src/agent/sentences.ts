import { clauseMark, endAt, speakable, wide } from "./sentence-end.ts";

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
      const verdict = endAt(seen, this.#examined, this.#letters < lettersInHurry);
      if (verdict === "more") break;
      if (verdict === null) continue;
      const piece = seen.slice(0, verdict);
      if (clauseMark.test(seen[this.#examined]!) ? this.#sufficesAsClause(piece) : this.#suffices(piece)) {
        return verdict;
      }
    }
    return seen.length > maxLength ? forcedLength(seen, maxLength) : null;
  }

  #sufficesAsClause(clause: string): boolean {
    const { firstClauseWords } = this.#options;
    // Where words are not parted by spaces, letters alone count.
    const enough = wide.test(clause)
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
  return (text.match(letters)?.length ?? 0) + 2 * (text.match(wideOrHangul)?.length ?? 0);
}

/** Where a piece that is too long is cut: after a clause, else between words, else between characters. */
function forcedLength(text: string, maxLength: number): number {
  const piece = text.slice(0, maxLength);
  const begin = piece.length - piece.trimStart().length;
  const clause = lastIndex(piece, /[,;:—–](?=\s)|[、，：،؛၊]/g);
  if (clause !== null && clause >= begin + (maxLength - begin) / 2) return clause + 1;
  const gap = lastIndex(piece.slice(begin), /\s+/g);
  if (gap !== null) return begin + gap;
  // Neither half a character nor a mark begins a piece, where there is room for the whole.
  for (let length = maxLength; length > 0; length--) {
    const joined =
      text[length - 1] === "\u200D" ||
      /^[\uDC00-\uDFFF\p{M}\p{Emoji_Modifier}\u200D]/u.test(text.slice(length));
    if (!joined) return length;
  }
  return /^[\uDC00-\uDFFF]/.test(text.slice(maxLength)) ? maxLength - 1 : maxLength;
}

function lastIndex(text: string, pattern: RegExp): number | null {
  return [...text.matchAll(pattern)].at(-1)?.index ?? null;
}
