import { OutputQueue } from "../../audio/playback/output-queue.ts";
import type { QueuedSpeech } from "../../audio/playback/queued-speech.ts";
import type { CallContext } from "../call/call-context.ts";
import type { ConnectionAudio } from "../edge.ts";
import { isSilent, type SpeechTextOptions } from "../speech-text/speech-text.ts";
import type { TTS } from "../tts.ts";
import type { Output, OutputEvents } from "./output.ts";
import { SpeechOutput } from "./speech-output.ts";

export interface SpeechSynthesisOptions {
  readonly audio: ConnectionAudio;
  readonly tts: TTS;
  /** The changes that the text goes through before it is spoken. */
  readonly text: Pick<SpeechTextOptions, "transforms" | "pronunciations">;
}

/** The agent's voice in one call: turns text into speech, and speech into frames at their time. */
export class SpeechSynthesis {
  readonly #context: CallContext;
  readonly #options: SpeechSynthesisOptions;
  readonly #queue: OutputQueue;
  /** The outputs whose sound is in the queue. */
  readonly #outputs = new WeakMap<QueuedSpeech, SpeechOutput>();
  #speeches = 0;

  constructor(context: CallContext, options: SpeechSynthesisOptions) {
    this.#context = context;
    this.#options = options;
    this.#queue = new OutputQueue({
      audio: options.audio,
      onStart: (speech, at) => this.#outputs.get(speech)?.sounds(speech, at),
      onPacing: ({ worstMs, p99Ms, frames }) => context.measure({ kind: "pacing", worstMs, p99Ms, frames }),
    });
    // The first use in a thread compiles patterns for some 20 ms, which the first sentence would have to wait for.
    setImmediate(() => isSilent("Hello. How are you?", {}));
  }

  /** The way to be heard for one turn. */
  open(events: OutputEvents): Output {
    const { tts } = this.#options;
    const output = new SpeechOutput(this.#context, {
      tts,
      text: this.#speechText,
      events,
      queue: this.#queue,
      openSpeech: (text, offset) => {
        this.#speeches += 1;
        const speech = this.#queue.open({ id: `speech_${this.#speeches}`, text, offset });
        this.#outputs.set(speech, output);
        return speech;
      },
    });
    return output;
  }

  /** Returns whether there is nothing to say of this text. */
  isSilent(text: string): boolean {
    return isSilent(text, this.#speechText);
  }

  get #speechText(): SpeechTextOptions {
    const { text, tts } = this.#options;
    return { ...text, ...(tts.markup ? { markup: tts.markup } : {}) };
  }

  close(): void {
    this.#queue.close();
  }
}
