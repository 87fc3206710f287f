import type { DeepgramClient } from "@deepgram/sdk";
import type { FilledOptions } from "./options.ts";
import {
  isJson,
  type Json,
  lastWordEnd,
  nothing,
  type OpenSocket,
  type Protocol,
  type Reader,
  type Reading,
  secondsIn,
  type TurnSignal,
  textIn,
} from "./protocol.ts";

/** Speech that brings no word for so long, in seconds of sound, was none. */
const noiseSeconds = 2;

/** A turn without a word for so many times the gap that should end it is over, although Deepgram has not said so. */
const longestGapShare = 2;

/**
 * `/v1/listen`: a transcript in pieces, and pauses. A turn is what is said up to a pause: the pieces that are final, until
 * one ends with the speech. developers.deepgram.com/docs/understand-endpointing-interim-results
 */
export class Nova implements Protocol {
  readonly #options: FilledOptions;

  constructor(options: FilledOptions) {
    this.#options = options;
  }

  takes(sampleRate: number): boolean {
    return sampleRate >= 8_000 && sampleRate <= 48_000;
  }

  async open(
    client: DeepgramClient,
    sampleRate: number,
    connectionTimeoutInSeconds: number,
  ): Promise<OpenSocket> {
    const { model, language, keyterms, tags, mipOptOut, endpointingMs, utteranceEndMs } = this.#options;
    const socket = await client.listen.v1.connect({
      model,
      encoding: "linear16",
      sample_rate: sampleRate,
      channels: 1,
      interim_results: "true",
      punctuate: "true",
      vad_events: "true",
      endpointing: endpointingMs,
      utterance_end_ms: utteranceEndMs,
      ...(language === null ? {} : { language }),
      ...(keyterms.length === 0 ? {} : { keyterm: keyterms }),
      ...(tags.length === 0 ? {} : { tag: tags }),
      ...(mipOptOut ? { mip_opt_out: true } : {}),
      reconnectAttempts: 0,
      connectionTimeoutInSeconds,
    });
    return { socket, keepAlive: () => socket.sendKeepAlive({ type: "KeepAlive" }) };
  }

  reader(): Reader {
    return new NovaReader(this.#options);
  }
}

class NovaReader implements Reader {
  /** The longest gap within a turn, in seconds of sound. */
  readonly #longestGap: number;
  /** The pieces of this turn that do not change any more. */
  #finals: string[] = [];
  #speechEnd: number | null = null;
  /** The place where speech was noticed that has brought no word yet. */
  #noticedAt: number | null = null;
  /** The end of the last turn. */
  #endedAt = 0;
  /** The utterance has ended, but its words are not final yet. */
  #overdue = false;

  constructor({ utteranceEndMs }: FilledOptions) {
    this.#longestGap = (utteranceEndMs / 1_000) * longestGapShare;
  }

  read(message: unknown): Reading {
    if (!isJson(message)) return nothing;
    switch (message.type) {
      case "SpeechStarted":
        this.#noticedAt ??= secondsIn(message.timestamp) ?? 0;
        return { signals: [{ type: "start" }], heardUntil: null };
      case "Results":
        return this.#results(message);
      case "UtteranceEnd":
        return { signals: this.#utteranceEnd(message.last_word_end), heardUntil: null };
      default:
        return nothing;
    }
  }

  #results(message: Json): Reading {
    const start = secondsIn(message.start);
    const duration = secondsIn(message.duration);
    const heardUntil = start === null || duration === null ? null : start + duration;
    const channel = isJson(message.channel) ? message.channel : {};
    const best: unknown = Array.isArray(channel.alternatives) ? channel.alternatives[0] : null;
    const piece = isJson(best) ? textIn(best.transcript).trim() : "";
    if (piece !== "" && isJson(best)) {
      this.#speechEnd = lastWordEnd(best.words) ?? heardUntil ?? this.#speechEnd;
    }
    const text = [...this.#finals, piece].filter(Boolean).join(" ");
    if (message.is_final === true && piece !== "") this.#finals.push(piece);
    const over =
      (message.is_final === true && (message.speech_final === true || this.#overdue)) ||
      (piece === "" && this.#longSilent(heardUntil));
    if (over ? text !== "" || this.#noticed !== null : this.#onlyNoise(text, heardUntil)) {
      return { signals: [this.#end(text, heardUntil)], heardUntil };
    }
    return { signals: [{ type: "text", text, speechEnd: this.#speechEnd }], heardUntil };
  }

  /**
   * The fallback where noise hides the pause. It may also come late, for a turn that has ended; or with -1, where all the
   * words that it ends were final before: what was final since may be the beginning of the next sentence.
   */
  #utteranceEnd(lastWordEnd: unknown): TurnSignal[] {
    const lastWordEndsAt = secondsIn(lastWordEnd);
    if (typeof lastWordEnd === "number" && lastWordEndsAt === null) return [];
    if (lastWordEndsAt !== null && lastWordEndsAt <= this.#endedAt) return [];
    if (this.#finals.length > 0) return [this.#end(this.#finals.join(" "), lastWordEndsAt)];
    this.#overdue = this.#speechEnd !== null;
    return [];
  }

  /** Returns whether no word has come for so long that the turn is over, although nothing said so. */
  #longSilent(heardUntil: number | null): boolean {
    if (this.#finals.length === 0 || this.#speechEnd === null || heardUntil === null) return false;
    return heardUntil - this.#speechEnd >= this.#longestGap;
  }

  /** The place where speech was noticed, or where words were understood that were taken back since. */
  get #noticed(): number | null {
    return this.#noticedAt ?? this.#speechEnd;
  }

  #onlyNoise(text: string, heardUntil: number | null): boolean {
    const since = this.#noticed;
    return text === "" && since !== null && heardUntil !== null && heardUntil - since >= noiseSeconds;
  }

  #end(text: string, endedAt: number | null): TurnSignal {
    const speechEnd = text === "" ? null : this.#speechEnd;
    this.#finals = [];
    this.#speechEnd = null;
    this.#noticedAt = null;
    this.#overdue = false;
    this.#endedAt = Math.max(this.#endedAt, endedAt ?? 0, speechEnd ?? 0);
    return { type: "end", text, speechEnd };
  }
}
