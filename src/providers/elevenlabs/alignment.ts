import type { Alignment } from "../../agent/tts.ts";

/** The timing of some characters, as ElevenLabs sends it. */
export interface Timing {
  readonly characters: readonly string[];
  readonly character_start_times_seconds: readonly number[];
}

/** The time by which a start may lie back before it is taken as counted from its own piece, in milliseconds. */
const jitterMs = 50;
const speakable = /[\p{L}\p{N}]/u;
/** Markup that a model performs: it may be told of, or not. */
const markup = /\[[^[\]]*\]|<[^<>]*>/g;

/**
 * Maps what ElevenLabs tells of characters to the text that was sent: spaces that it adds are left out, and what it leaves
 * out goes with the character that follows. So the characters of all pieces are the beginning of the text, always; where
 * its words are others altogether, no more are told.
 */
export class AlignmentReader {
  readonly #text: string;
  /** Characters of the text that are told so far. */
  #position = 0;
  #lastMs = 0;
  #lastSentMs = 0;
  /** Some answers count the times of each piece from its own start, most from the start of the speech. */
  #relative = false;
  #lost = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** @param soundMs How much sound came before the piece that this timing came with, in milliseconds. */
  read(
    { characters, character_start_times_seconds: starts }: Timing,
    soundMs: number,
  ): Alignment | undefined {
    if (this.#lost || characters.length === 0 || characters.length !== starts.length) return undefined;
    if (starts[0]! * 1_000 < this.#lastSentMs - jitterMs) this.#relative = true;
    const read = { characters: [] as string[], startMs: [] as number[] };
    for (const [index, character] of characters.entries()) {
      const sentMs = starts[index]! * 1_000;
      const known = this.#take(character);
      if (this.#lost || !Number.isFinite(sentMs)) break;
      this.#lastSentMs = sentMs;
      if (known === "") continue;
      this.#lastMs = Math.max(this.#lastMs, this.#relative ? soundMs + sentMs : sentMs);
      read.characters.push(known);
      read.startMs.push(this.#lastMs);
    }
    return read.characters.length === 0 ? undefined : read;
  }

  /** The part of the text that ends with this character; empty where the text has no such character here. */
  #take(character: string): string {
    if (character === "") return "";
    const at = this.#placeOf(character);
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
   * Returns the next place of the character: here, or behind the markup that stands here, or later; -1 where there is none.
   */
  #placeOf(character: string): number {
    if (this.#text.startsWith(character, this.#position)) return this.#position;
    const gap =
      /^(?:\s*(?:\[[^[\]]*\]|<[^<>]*>))+\s*/.exec(this.#text.slice(this.#position))?.[0].length ?? 0;
    return this.#text.indexOf(character, this.#position + gap);
  }
}
