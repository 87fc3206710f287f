import { OutputQueue } from "../../audio/playback/output-queue.ts";
import type { QueuedSpeech } from "../../audio/playback/queued-speech.ts";
import type { CallContext } from "../call/call-context.ts";
import type { ConnectionAudio } from "../edge.ts";
import { isSilent, type SpeechTextOptions } from "../speech-text/speech-text.ts";
import { registerPreload } from "../thread/preload.ts";
import type { TTS } from "../tts.ts";
import type { Output, OutputEvents } from "./output.ts";
import { SoundOutput } from "./sound-output.ts";
import { SpeechOutput } from "./speech-output.ts";

export interface PlaybackOptions {
  readonly audio: ConnectionAudio;
  /** Returns the agent's own voice, where it has one. It may be another one in each turn. */
  readonly tts: () => TTS | undefined;
  /** The changes that the text goes through before it is spoken. */
  readonly text: Pick<SpeechTextOptions, "transforms" | "pronunciations">;
}

/** Has the patterns of spoken text compiled, by their first use in a thread: some 20 ms, for which the first sentence would wait. */
const compilePatterns = (): boolean => isSilent("Hello. How are you?", {});

// A session in which nobody listens does without.
registerPreload(async () => compilePatterns(), "idle");

/** The agent's side of the sound of a call: text that a voice speaks, and sound as a model makes it, become frames at their time. */
export class Playback {
  readonly #context: CallContext;
  readonly #options: PlaybackOptions;
  readonly #queue: OutputQueue;
  /** The outputs whose sound is in the queue. */
  readonly #outputs = new WeakMap<QueuedSpeech, SpeechOutput | SoundOutput>();
  #speeches = 0;

  constructor(context: CallContext, options: PlaybackOptions) {
    this.#context = context;
    this.#options = options;
    this.#queue = new OutputQueue({
      audio: options.audio,
      onStart: (speech, at) => this.#outputs.get(speech)?.sounds(speech, at),
      onPacing: ({ worstMs, p99Ms, frames }) => context.measure({ kind: "pacing", worstMs, p99Ms, frames }),
    });
    if (options.tts() && this.#heard) setImmediate(compilePatterns);
  }

  /** Opens the way for text that is to be spoken. Returns null where the agent has no voice, or nobody hears it: text is read. */
  openText(events: OutputEvents): Output | null {
    const tts = this.#options.tts();
    if (tts === undefined || !this.#heard) return null;
    const output: SpeechOutput = new SpeechOutput(this.#context, {
      tts,
      text: this.#speechText(tts),
      events,
      queue: this.#queue,
      openSpeech: (text, offset) => this.#open(output, text, offset),
    });
    return output;
  }

  /** Opens the way for sound as a model makes it. Returns null where nobody hears it: its words are read. */
  openSound(events: OutputEvents): Output | null {
    if (!this.#heard) return null;
    const output: SoundOutput = new SoundOutput({
      events,
      queue: this.#queue,
      openSpeech: () => this.#open(output, "", 0),
    });
    return output;
  }

  /** Returns whether the voice has nothing to say of this text. Without a voice it is read, whatever it is. */
  isSilent(text: string): boolean {
    const tts = this.#options.tts();
    return tts !== undefined && this.#heard && isSilent(text, this.#speechText(tts));
  }

  /** Returns the time until all that was said is heard, in milliseconds; infinite while more of its sound is made. */
  get leftMs(): number {
    return this.#queue.leftMs;
  }

  /** Resolves when all that was said is heard. */
  drained(): Promise<void> {
    return this.#queue.drained();
  }

  /** Says nothing for so many milliseconds, while another agent is heard to its end. */
  hold(ms: number): void {
    this.#queue.hold(ms);
  }

  close(): void {
    this.#queue.close();
  }

  get #heard(): boolean {
    return this.#options.audio.heard !== false;
  }

  #open(output: SpeechOutput | SoundOutput, text: string, offset: number): QueuedSpeech {
    this.#speeches += 1;
    const speech = this.#queue.open({ id: `speech_${this.#speeches}`, text, offset });
    this.#outputs.set(speech, output);
    return speech;
  }

  #speechText({ markup }: TTS): SpeechTextOptions {
    return { ...this.#options.text, ...(markup ? { markup } : {}) };
  }
}
