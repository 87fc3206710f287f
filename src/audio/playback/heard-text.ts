import type { Alignment } from "../speech-chunk.ts";

/**
 * The time that a character is spoken, in milliseconds, which is assumed while the length of the sound is not known.
 */
const characterMs = 65;

/** Sound of a text as far as it is made, in milliseconds. */
export interface SoundOfText {
  readonly heardMs: number;
  readonly totalMs: number;
  /** All of the sound is made: `totalMs` is final. */
  readonly complete: boolean;
}

/**
 * Counts the characters of a text that are heard once this much of its sound is: exactly where the voice tells which
 * character sounds when, else in proportion. A character counts once it is over.
 */
export class HeardText {
  #text: string;
  #characters: string[] = [];
  #startMs: number[] = [];
  /** Characters of the text that the alignment tells of; -1 once it tells of another text. */
  #aligned = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Adds words, of sound that is told of piece by piece. */
  append(text: string): void {
    this.#text += text;
  }

  /** Takes the times of the next characters, as the voice reports them. */
  align({ characters, startMs }: Alignment): void {
    for (const [index, character] of characters.entries()) {
      if (this.#aligned < 0) return;
      // A voice may tell of the text as it reads it, such as "twenty" for "20".
      const end = this.#endOf(character);
      this.#characters.push(end < 0 ? character : this.#text.slice(this.#aligned, end));
      this.#startMs.push(startMs[index] ?? 0);
      this.#aligned = end;
    }
  }

  /**
   * Returns the end of the next character, with the markup before it that the voice does not tell of; -1 where the text
   * goes on otherwise.
   */
  #endOf(character: string): number {
    if (this.#text.startsWith(character, this.#aligned)) return this.#aligned + character.length;
    const markup =
      /^(?:\s*(?:\[[^[\]]*\]|<[^<>]*>))+\s*/.exec(this.#text.slice(this.#aligned))?.[0].length ?? 0;
    const at = this.#aligned + markup;
    return markup > 0 && this.#text.startsWith(character, at) ? at + character.length : -1;
  }

  length(sound: SoundOfText): number {
    const { heardMs, totalMs, complete } = sound;
    if (heardMs <= 0) return 0;
    if (complete && heardMs >= totalMs) return this.#text.length;
    const length = this.#aligned > 0 ? this.#exactly(heardMs) : this.#inProportion(sound);
    return wholeCharacters(this.#text, length);
  }

  #exactly(heardMs: number): number {
    let length = 0;
    for (const [index, character] of this.#characters.entries()) {
      const end = this.#startMs[index + 1] ?? Number.POSITIVE_INFINITY;
      if (end > heardMs) break;
      length += character.length;
    }
    return length;
  }

  #inProportion({ heardMs, totalMs, complete }: SoundOfText): number {
    const wholeMs = complete ? totalMs : Math.max(totalMs, this.#text.length * characterMs);
    return Math.floor((this.#text.length * heardMs) / wholeMs);
  }
}

/** Returns the length at which to cut, which is never between the two halves of one character. */
function wholeCharacters(text: string, length: number): number {
  const code = text.charCodeAt(length - 1);
  return length > 0 && length < text.length && code >= 0xd800 && code < 0xdc00 ? length - 1 : length;
}
