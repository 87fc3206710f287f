import { several } from "../service.ts";
import type { ListenOptions, SpeechStream, STT } from "../stt.ts";
import { all } from "./all.ts";
import { OpenEars } from "./open-ears.ts";
import { type FallbackOptions, Rotation } from "./rotation.ts";
import { FallbackSpeechStream } from "./speech-stream.ts";

/** Several recognisers as one. Its name is that of the first; `ListenOptions.watch` tells which of them listens. */
export class FallbackStt implements STT {
  readonly #rotation: Rotation<STT>;

  constructor(members: readonly STT[], options?: FallbackOptions) {
    this.#rotation = new Rotation(members, options);
  }

  get provider(): string {
    return this.#rotation.first.provider;
  }

  get model(): string {
    return this.#rotation.first.model;
  }

  /** Returns the language of all members, where they have the same. */
  get language(): string | undefined {
    const { first, members } = this.#rotation;
    return members.every(({ language }) => language === first.language) ? first.language : undefined;
  }

  get words(): boolean {
    return this.#rotation.members.some(({ words }) => words !== false);
  }

  get [several](): readonly STT[] {
    return this.#rotation.members;
  }

  async warm(signal: AbortSignal): Promise<void> {
    await all(this.#rotation.members, (member) => member.warm?.(signal));
  }

  async listen(options: ListenOptions): Promise<SpeechStream> {
    const transcription = new OpenEars(this.#rotation, options);
    const failures = new Map<STT, unknown>();
    const first = await transcription.open(failures, options.signal);
    return new FallbackSpeechStream(transcription, first, failures);
  }

  async close(): Promise<void> {
    await all(this.#rotation.members, (member) => member.close());
  }
}
