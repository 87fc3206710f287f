import type { PcmFrame } from "../../audio/pcm-frame.ts";
import type { OutputQueue } from "../../audio/playback/output-queue.ts";
import type { QueuedSpeech } from "../../audio/playback/queued-speech.ts";
import type { Output, OutputEvents } from "./output.ts";
import { characterMs, nothingSaid, type SpokenProgress, spokenProgress } from "./spoken-progress.ts";

export interface SoundOutputOptions {
  readonly events: OutputEvents;
  readonly queue: OutputQueue;
  readonly openSpeech: () => QueuedSpeech;
}

/** The time between two pieces of what is being heard, in milliseconds. */
const tellIntervalMs = 200;

/** Sound as a model makes it, with its words, which count as heard in proportion to the sound. */
export class SoundOutput implements Output {
  readonly #options: SoundOutputOptions;
  #speech: QueuedSpeech | null = null;
  /** The words of the sound so far. */
  #words = "";
  /** The number of characters that were told as heard. */
  #told = 0;
  #telling: NodeJS.Timeout | undefined;
  #whole = false;
  #cutAt: { readonly heard: string; readonly ms: number } | null = null;

  constructor(options: SoundOutputOptions) {
    this.#options = options;
  }

  get heard(): string {
    if (this.#cutAt) return this.#cutAt.heard;
    return this.#words.slice(0, this.#speech?.report.heardCharacters ?? 0);
  }

  get heardMs(): number {
    return this.#cutAt?.ms ?? this.#speech?.report.heardMs ?? 0;
  }

  get progress(): SpokenProgress {
    if (this.#speech === null) return nothingSaid;
    const { sentMs, heardMs, totalMs } = this.#speech.report;
    const durationMs = this.#whole ? totalMs : Math.max(totalMs, this.#words.length * characterMs);
    return spokenProgress([{ text: this.#words, begun: sentMs > 0, heardMs, durationMs }], this.#whole);
  }

  write(text: string): void {
    if (this.#cutAt) return;
    this.#words += text;
    this.#open().addText(text);
  }

  play(frame: PcmFrame): void {
    if (this.#cutAt) return;
    this.#options.events.firstByte();
    this.#open().write(frame);
  }

  /** Sound is played as soon as it is there. */
  flush(): void {}

  pause(): void {
    this.#options.queue.pause();
  }

  duck(gain: number): void {
    this.#options.queue.duck(gain);
  }

  resume(): void {
    this.#options.queue.resume();
  }

  /** Cuts at once: nobody knows where a sentence ends in the sound. */
  async stopAfterSentence(): Promise<boolean> {
    const leftOut = !this.#whole || this.heard.length < this.#words.length;
    this.cut();
    return leftOut;
  }

  async finish(): Promise<boolean> {
    this.#whole = true;
    this.#speech?.end();
    await this.#options.queue.drained();
    clearInterval(this.#telling);
    if (this.#cutAt) return false;
    this.#tell();
    return true;
  }

  cut(): void {
    if (this.#cutAt) return;
    clearInterval(this.#telling);
    if (this.#speech) this.#options.queue.cut();
    const { heard, heardMs: ms } = this;
    this.#cutAt = { heard, ms };
  }

  /** Takes in that the first frame is with the edge. */
  sounds(_speech: QueuedSpeech, at: number): void {
    if (this.#cutAt) return;
    this.#options.events.firstFrame(at);
    this.#telling = setInterval(() => this.#tell(), tellIntervalMs).unref();
  }

  #open(): QueuedSpeech {
    this.#speech ??= this.#options.openSpeech();
    return this.#speech;
  }

  /** Tells the words that were heard since the last time, whole ones only. */
  #tell(): void {
    const heard = this.heard;
    const end = heard.length === this.#words.length ? heard.length : heard.lastIndexOf(" ");
    if (end <= this.#told) return;
    this.#options.events.heard(heard.slice(this.#told, end));
    this.#told = end;
  }
}
