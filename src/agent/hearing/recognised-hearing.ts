import type { CallContext } from "../call/call-context.ts";
import type { ConnectionAudio } from "../edge.ts";
import type { STT } from "../stt.ts";
import { BargeIn, type BargeInOptions } from "./barge-in.ts";
import type { Hearing } from "./hearing.ts";
import { SpokenTurns, type SpokenTurnsOptions } from "./spoken-turns.ts";
import { Transcription } from "./transcription.ts";

export interface RecognisedHearingOptions
  extends Pick<SpokenTurnsOptions, "queue" | "listen" | "onChange" | "onWords"> {
  readonly audio: ConnectionAudio;
  readonly stt: STT;
  readonly bargeIn: BargeInOptions;
  /** A participant cannot be heard, though they are tried to be. */
  readonly unheard: (participantId: string, error: unknown) => void;
  readonly heardAgain: (participantId: string) => void;
}

/** Returns the text that tells the model of speech whose words nobody can tell. */
export const wordlessSpeech = (speechMs: number): string =>
  `(spoke for ${(speechMs / 1_000).toFixed(1)} seconds; there is no speech recognition)`;

/** Hears by a recogniser, which tells the words of each participant and when they have finished. */
export class RecognisedHearing implements Hearing {
  readonly #transcription: Transcription;
  readonly #turns: SpokenTurns;

  constructor(context: CallContext, options: RecognisedHearingOptions) {
    const { audio, stt, queue, listen, bargeIn, onChange, onWords, unheard, heardAgain } = options;
    this.#turns = new SpokenTurns({
      queue,
      listen,
      wordless: wordlessSpeech,
      bargeIn: new BargeIn(bargeIn, stt.language),
      tellsWords: stt.words !== false,
      stalledMs: context.limits.stalledTurnMs,
      releaseFloor: () => this.#transcription.release(),
      onChange,
      onWords,
    });
    this.#transcription = new Transcription(context, {
      stt,
      audio,
      heard: (participantId, event) => this.#turns.heard(participantId, event),
      overheard: (participantId, text) => this.#turns.overheard(participantId, text),
      unheard: (participantId, error) => {
        this.#turns.lost(participantId);
        unheard(participantId, error);
      },
      heardAgain,
    });
  }

  get listening(): boolean {
    return this.#turns.listening;
  }

  get participants(): Iterable<string> {
    return this.#transcription.participants;
  }

  participantLeft(participantId: string): void {
    this.#turns.lost(participantId);
    void this.#transcription.forget(participantId);
  }

  stop(): void {
    this.#turns.close();
  }

  async close(): Promise<void> {
    this.stop();
    await this.#transcription.close();
  }
}
