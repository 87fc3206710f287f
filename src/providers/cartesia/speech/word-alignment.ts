import type { Alignment } from "../../../agent/tts.ts";
import { isRecord } from "../../listening/turn-signal.ts";

const speakable = /[\p{L}\p{N}]/u;
/** Markup that the voice performs, which is no word. */
const markup = /<[^<>]*>|\[[^[\]]*\]/g;

/**
 * Maps the words that Cartesia reports to the text that was sent. The time of a word is spread over its characters; what lies between
 * two words joins the second. Where the reported words differ from the text, no more of it is mapped.
 */
export class WordAlignment {
  readonly #text: string;
  #position = 0;
  #lastMs = 0;
  #lost = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** Returns the alignment of a message's words, `{words, start, end}` with times in seconds; undefined where there is none. */
  read(timestamps: unknown): Alignment | undefined {
    if (!isRecord(timestamps)) return undefined;
    const { words, start, end } = timestamps;
    if (!Array.isArray(words) || !Array.isArray(start) || !Array.isArray(end)) return undefined;
    const read = { characters: [] as string[], startMs: [] as number[] };
    for (const [index, word] of words.entries()) {
      const from = Number(start[index]) * 1_000;
      const until = Number(end[index]) * 1_000;
      if (this.#lost || typeof word !== "string" || !Number.isFinite(from) || !Number.isFinite(until)) break;
      this.#add(word.trim(), from, Math.max(from, until), read);
    }
    return read.characters.length === 0 ? undefined : read;
  }

  #add(word: string, from: number, until: number, read: { characters: string[]; startMs: number[] }): void {
    if (word === "") return;
    const at = this.#text.indexOf(word, this.#position);
    const skipped = at < 0 ? "" : this.#text.slice(this.#position, at);
    if (at < 0 || speakable.test(skipped.replaceAll(markup, ""))) {
      this.#lost = speakable.test(word);
      return;
    }
    const characters = [...word];
    characters[0] = skipped + characters[0];
    for (const [place, character] of characters.entries()) {
      this.#lastMs = Math.max(this.#lastMs, from + ((until - from) * place) / characters.length);
      read.characters.push(character);
      read.startMs.push(this.#lastMs);
    }
    this.#position = at + word.length;
  }
}
