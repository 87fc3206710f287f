import {
  type Check,
  type Checks,
  either,
  fillWith,
  number,
  oneOf,
} from "../../agent/options/option-checks.ts";
import type { ListenOptions, SpeechStream, STT as STTInterface } from "../../agent/stt.ts";
import { type RecogniserAccess, sharedThreads } from "../../agent/thread/shared-threads.ts";
import type { EnergyGateOptions } from "../../audio/detection/energy-gate.ts";
import type { TurnDetectorOptions } from "../../audio/detection/turn-detector.ts";
import { VoiceActivity } from "../../audio/detection/voice-activity.ts";
import { DetectedSpeech } from "./detected-speech.ts";
import { isKeyterm, mostKeyterms } from "./recognition/messages.ts";
import { RecognisedSpeech } from "./recognition/recognised-speech.ts";

/** The options of the offline recogniser. */
export interface LocalSTTOptions extends TurnDetectorOptions, EnergyGateOptions {
  /**
   * Quiet after which the words are asked for, so that they are there when the turn ends, and an answer may be begun, in
   * milliseconds. Default 180. Less asks more often, for nothing.
   */
  readonly eagerMs?: number;
  /**
   * The shortest time between two captions while somebody speaks, in milliseconds. Default 500; 0: none. They let words interrupt
   * the agent at once; each costs the recognition of what was said so far, a tenth of the time at the most.
   */
  readonly captionMs?: number;
  /** Names and words to expect, such as those of places: at most 100, of 64 characters each. Default none. */
  readonly keyterms?: readonly string[];
}

const terms: Check = {
  fits: (value) => Array.isArray(value) && value.length <= mostKeyterms.terms && value.every(isKeyterm),
  expected: `a list of at most ${mostKeyterms.terms} texts, of ${mostKeyterms.characters} characters each`,
};

const checks: Checks<LocalSTTOptions> = {
  startMs: number(20, 2_000),
  endMs: number(100, 10_000),
  maxTurnMs: number(1_000, 600_000),
  overBackground: number(1, 100),
  minLevel: number(1, 32_768),
  eagerMs: number(60, 10_000),
  captionMs: either(oneOf([0]), number(100, 60_000)),
  keyterms: terms,
};

/**
 * Speech to text with no key and no network: English, by a small model (Moonshine tiny) that one thread of the process runs for all
 * sessions. It takes some 430 MiB once, and 17 % of a core for each caller while they talk. Where the server has none
 * (`--no-local-stt`, or the model is not installed), and in a thread of no server, it hears when somebody speaks and for how long, not
 * what: a turn ends with no text and `speechMs`.
 */
export class STT implements STTInterface {
  readonly provider = "local";
  readonly #options: LocalSTTOptions & Required<Pick<LocalSTTOptions, "eagerMs" | "captionMs" | "keyterms">>;
  readonly #access: RecogniserAccess | null = sharedThreads().recogniser;
  #warned = false;

  /** Throws a `TypeError` for an option that does not exist or cannot be. */
  constructor(options: LocalSTTOptions = {}) {
    const defaults = { eagerMs: 180, captionMs: 500, keyterms: [] };
    this.#options = fillWith("local.STT", options, checks, defaults);
  }

  /** Returns the name of the speech model, or `voice-activity` where there is none. */
  get model(): string {
    return this.#access?.model ?? "voice-activity";
  }

  /** Returns false where there is no speech model. */
  get words(): boolean {
    return this.#access !== null;
  }

  /** Returns the language of the speech model. */
  get language(): string | undefined {
    return this.#access === null ? undefined : "en";
  }

  async listen({ signal }: Pick<ListenOptions, "signal">): Promise<SpeechStream> {
    const activity = await VoiceActivity.create(this.#options);
    try {
      signal.throwIfAborted();
      return await this.#listen(activity, signal);
    } catch (error) {
      activity.free();
      throw error;
    }
  }

  async close(): Promise<void> {}

  async #listen(activity: VoiceActivity, signal: AbortSignal): Promise<SpeechStream> {
    const access = this.#access;
    if (access !== null) {
      try {
        return await RecognisedSpeech.open({ ...this.#options, access, activity, signal });
      } catch (error) {
        signal.throwIfAborted();
        this.#withoutWords(error);
      }
    }
    return new DetectedSpeech(activity, this.#options, signal);
  }

  #withoutWords(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    console.warn(`local.STT tells no words: ${error instanceof Error ? error.message : error}`);
  }
}
