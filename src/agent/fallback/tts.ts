import { several } from "../service.ts";
import { type SpeechMarkup, withoutMarkup } from "../speech-text/voice-markup.ts";
import type { SpeakOptions, SpeechChunk, TTS } from "../tts.ts";
import { all } from "./all.ts";
import { relay } from "./relay.ts";
import { type FallbackOptions, Rotation } from "./rotation.ts";

/** Several voices as one. Its name is that of the first; `SpeakOptions.watch` tells which of them speaks. */
export class FallbackTts implements TTS {
  readonly #rotation: Rotation<TTS>;

  constructor(members: readonly TTS[], options?: FallbackOptions) {
    this.#rotation = new Rotation(members, options);
  }

  get provider(): string {
    return this.#rotation.first.provider;
  }

  get model(): string {
    return this.#rotation.first.model;
  }

  /** Returns the markup that any of the members performs. It is taken out of the text for a member that does not perform it. */
  get markup(): SpeechMarkup {
    const all = this.#rotation.members.map(({ markup = {} }) => markup);
    return {
      tags: all.flatMap(({ tags = [] }) => tags),
      directions: all.some(({ directions = false }) => directions),
    };
  }

  get [several](): readonly TTS[] {
    return this.#rotation.members;
  }

  async warm(signal: AbortSignal): Promise<void> {
    await all(this.#rotation.members, (member) => member.warm?.(signal));
  }

  speak(text: string, { signal, watch, ...context }: SpeakOptions): AsyncIterable<SpeechChunk> {
    return relay({
      rotation: this.#rotation,
      signal,
      watch,
      open: (member, options) => member.speak(withoutMarkup(text, member.markup), { ...context, ...options }),
      begins: ({ samples }) => samples.length > 0,
    });
  }

  async close(): Promise<void> {
    await all(this.#rotation.members, (member) => member.close());
  }
}
