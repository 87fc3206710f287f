import type { ConnectionAudio } from "../edge.ts";
import { BargeIn, type BargeInOptions } from "../hearing/barge-in.ts";
import { SpokenTurns } from "../hearing/spoken-turns.ts";
import { Transcription } from "../hearing/transcription.ts";
import type { Output, OutputEvents } from "../speaking/output.ts";
import { SpeechSynthesis } from "../speaking/speech-synthesis.ts";
import type { SpeechTextOptions } from "../speech-text/speech-text.ts";
import type { STT } from "../stt.ts";
import type { TTS } from "../tts.ts";
import type { Turn } from "../turns/turn.ts";
import type { TurnQueue } from "../turns/turn-queue.ts";
import type { CallContext } from "./call-context.ts";

export interface CallAudioOptions {
  readonly audio: ConnectionAudio;
  readonly stt: STT | undefined;
  readonly tts: TTS | undefined;
  /** The changes that the text goes through before it is spoken. */
  readonly text: Pick<SpeechTextOptions, "transforms" | "pronunciations">;
  readonly queue: TurnQueue;
  readonly bargeIn: BargeInOptions;
  readonly listen: () => Turn;
  /** Called when somebody began to speak, or is done. */
  readonly onChange: () => void;
  /** A participant has spoken words. */
  readonly onWords: () => void;
  /** A participant cannot be heard, though they are tried to be. */
  readonly unheard: (participantId: string, error: unknown) => void;
  readonly heardAgain: (participantId: string) => void;
}

/** Returns the text that tells the model of speech whose words nobody can tell. */
export const wordlessSpeech = (speechMs: number): string =>
  `(spoke for ${(speechMs / 1_000).toFixed(1)} seconds; there is no speech recognition)`;

/** The sound of one call: what is heard becomes turns, and what the agent says becomes speech. */
export class CallAudio {
  readonly #synthesis: SpeechSynthesis | null;
  readonly #transcription: Transcription | null;
  readonly #flow: SpokenTurns;
  readonly #audio: ConnectionAudio;

  constructor(context: CallContext, options: CallAudioOptions) {
    const { audio, stt, tts, text } = options;
    this.#audio = audio;
    this.#synthesis = tts ? new SpeechSynthesis(context, { audio, tts, text }) : null;
    this.#flow = new SpokenTurns({
      queue: options.queue,
      listen: options.listen,
      wordless: wordlessSpeech,
      bargeIn: new BargeIn(options.bargeIn, stt?.language),
      tellsWords: stt?.words !== false,
      stalledMs: context.limits.stalledTurnMs,
      releaseFloor: () => this.#transcription?.release(),
      onChange: options.onChange,
      onWords: options.onWords,
    });
    this.#transcription = stt
      ? new Transcription(context, {
          stt,
          audio,
          heard: (participantId, event) => this.#flow.heard(participantId, event),
          overheard: (participantId, text) => this.#flow.overheard(participantId, text),
          unheard: (participantId, error) => {
            this.#flow.lost(participantId);
            options.unheard(participantId, error);
          },
          heardAgain: options.heardAgain,
        })
      : null;
  }

  /** Returns whether somebody is speaking. */
  get listening(): boolean {
    return this.#flow.listening;
  }

  /** Opens the voice for a turn. Returns null where the agent has no voice, or nobody hears it, and it answers in text. */
  open(events: OutputEvents): Output | null {
    return this.#voice?.open(events) ?? null;
  }

  /** Returns whether the voice has nothing to say of this text. Without a voice it is read, whatever it is. */
  isSilent(text: string): boolean {
    return this.#voice?.isSilent(text) ?? false;
  }

  get #voice(): SpeechSynthesis | null {
    return this.#audio.heard === false ? null : this.#synthesis;
  }

  participantLeft(participantId: string): void {
    this.#flow.lost(participantId);
    void this.#transcription?.forget(participantId);
  }

  /** The conversation is over: what is being said is no turn any more. */
  stopListening(): void {
    this.#flow.close();
  }

  async close(): Promise<void> {
    this.#flow.close();
    this.#synthesis?.close();
    await this.#transcription?.close();
  }
}
