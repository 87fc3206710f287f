import type { Output, OutputEvents } from "../speaking/output.ts";
import { nothingSaid, type SpokenProgress } from "../speaking/spoken-progress.ts";
import type { Heard } from "./heard.ts";
import type { AnswerPart } from "./responder.ts";

/** The kinds of answers: text that is to be spoken or read, or sound that is to be heard as it is. */
export type OutputKind = "text" | "sound";

/** Makes the way to the other side for one turn. */
export type OpenOutput = (kind: OutputKind, events: OutputEvents) => Output;

/** The way that one turn takes to the other side, which is opened with the first words or sound. */
export class TurnOutput {
  readonly #open: OpenOutput;
  readonly #events: OutputEvents;
  #output: Output | null = null;
  #kind: OutputKind | null = null;
  #paused = false;

  constructor(open: OpenOutput, events: OutputEvents) {
    this.#open = open;
    this.#events = events;
  }

  get progress(): SpokenProgress {
    return this.#output?.progress ?? nothingSaid;
  }

  /** Returns the words that were heard. */
  get words(): string {
    return this.#output?.heard ?? "";
  }

  get heard(): Heard {
    return { ms: this.#output?.heardMs ?? 0, characters: this.words.length };
  }

  /** Throws where an answer is text and sound by turns, which nobody could put in order. */
  give(part: Extract<AnswerPart, { readonly type: "text" | "sound" | "words" }>): void {
    const kind = part.type === "text" ? "text" : "sound";
    this.#kind ??= kind;
    if (this.#kind !== kind) throw new Error("An answer is either text or sound, and this one is both");
    this.#output ??= this.#opened(kind);
    if (part.type === "sound") this.#output.play(part.frame);
    else this.#output.write(part.delta, part.type === "text" && part.endsSentence === true);
  }

  flush(): void {
    this.#output?.flush();
  }

  pause(): void {
    this.#paused = true;
    this.#output?.pause();
  }

  duck(gain: number): void {
    this.#output?.duck(gain);
  }

  resume(): void {
    this.#paused = false;
    this.#output?.resume();
  }

  /** Resolves like {@link Output.stopAfterSentence}; with false where nothing was said. */
  async stopAfterSentence(leftMs?: number): Promise<boolean> {
    return (await this.#output?.stopAfterSentence(leftMs)) ?? false;
  }

  /** Returns like {@link Output.letGo}; false where nothing was said. */
  letGo(): boolean {
    return this.#output?.letGo?.() ?? false;
  }

  /** Resolves like {@link Output.finish}. */
  async finish(): Promise<boolean> {
    return (await this.#output?.finish()) ?? true;
  }

  cut(): void {
    this.#output?.cut();
  }

  #opened(kind: OutputKind): Output {
    const output = this.#open(kind, this.#events);
    if (this.#paused) output.pause();
    return output;
  }
}
