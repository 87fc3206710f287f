import type { Alignment } from "../../agent/tts.ts";

/** The times of some characters, as ElevenLabs sends them. */
export interface CharacterTiming {
  readonly characters: readonly string[];
  readonly character_start_times_seconds: readonly number[];
}

/**
 * The time by which a start may lie before the last one, in milliseconds. Beyond it the times of a piece are
 * taken to count from its own start.
 */
const jitterMs = 50;
const speakable = /[\p{L}\p{N}]/u;
/** Markup that the voice performs. ElevenLabs may report it as characters, or not. */
const markup = /\[[^[\]]*\]|<[^<>]*>/g;

/**
 * Maps the characters that ElevenLabs reports to the text that was sent. Added spaces are dropped, and
 * characters that are not reported join the one that follows. The characters of all pieces therefore always
 * form the beginning of the text. Where the reported words differ from the text, no more characters are
 * mapped.
 */
export class AlignmentReader {
  readonly #text: string;
  /** The number of characters of the text that are mapped so far. */
  #position = 0;
  #lastMs = 0;
  #lastSentMs = 0;
  /**
   * Says whether the times of each piece count from its own start. Most answers count from the start of the
   * speech.
   */
  #relative = false;
  #lost = false;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * Returns the alignment of a piece; undefined where it has none.
   * @param soundMs The length of the sound before the piece, in milliseconds.
   */
  read(
    { characters, character_start_times_seconds: starts }: CharacterTiming,
    soundMs: number,
  ): Alignment | undefined {
    if (this.#lost || characters.length === 0 || characters.length !== starts.length) return undefined;
    if (starts[0]! * 1_000 < this.#lastSentMs - jitterMs) this.#relative = true;
    const read = { characters: [] as string[], startMs: [] as number[] };
    for (const [index, character] of characters.entries()) {
      const sentMs = starts[index]! * 1_000;
      const known = this.#advanceTo(character);
      if (this.#lost || !Number.isFinite(sentMs)) break;
      this.#lastSentMs = sentMs;
      if (known === "") continue;
      this.#lastMs = Math.max(this.#lastMs, this.#relative ? soundMs + sentMs : sentMs);
      read.characters.push(known);
      read.startMs.push(this.#lastMs);
    }
    return read.characters.length === 0 ? undefined : read;
  }

  /**
   * Returns the part of the text that ends with this character; empty where the text has no such character
   * here.
   */
  #advanceTo(character: string): string {
    if (character === "") return "";
    const at = this.#indexOf(character);
    const skipped = at < 0 ? "" : this.#text.slice(this.#position, at).replaceAll(markup, "");
    if (at < 0 || speakable.test(skipped)) {
      if (speakable.test(character)) this.#lost = true;
      return "";
    }
    const end = at + character.length;
    const taken = this.#text.slice(this.#position, end);
    this.#position = end;
    return taken;
  }

  /**
   * Returns the next index of the character: here, or after the markup at this point, or later; -1 where
   * there is none.
   */
  #indexOf(character: string): number {
    if (this.#text.startsWith(character, this.#position)) return this.#position;
    const gap =
      /^(?:\s*(?:\[[^[\]]*\]|<[^<>]*>))+\s*/.exec(this.#text.slice(this.#position))?.[0].length ?? 0;
    return this.#text.indexOf(character, this.#position + gap);
  }
}
