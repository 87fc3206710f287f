import type { DeepgramClient } from "@deepgram/sdk";
import {
  isRecord,
  type JsonRecord,
  type MessageReader,
  noSignals,
  secondsIn,
  type TurnSignal,
  type TurnSignals,
  textIn,
} from "../../listening/turn-signal.ts";
import type { FilledDeepgramOptions } from "../options.ts";
import { lastWordEnd, type OpenSocket, type Protocol } from "./protocol.ts";

/** Speech that is not followed by a word within so many seconds of sound was noise. */
const noiseSeconds = 2;

/**
 * A turn is over after a gap without words of so many times the option `utteranceEndMs`, although Deepgram
 * has not reported its end.
 */
const longestGapShare = 2;

/**
 * The protocol of Nova, `/v1/listen`: a transcript in pieces, and pauses. A turn is what is said up to a
 * pause: the final pieces, until one ends with the speech. See
 * developers.deepgram.com/docs/understand-endpointing-interim-results.
 */
export class Nova implements Protocol {
  readonly #options: FilledDeepgramOptions;

  constructor(options: FilledDeepgramOptions) {
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

  reader(): MessageReader {
    return new NovaReader(this.#options);
  }
}

class NovaReader implements MessageReader {
  /** The longest gap within a turn, in seconds of sound. */
  readonly #longestGap: number;
  /** The pieces of this turn that do not change any more. */
  #finals: string[] = [];
  #speechEnd: number | null = null;
  /** The position at which speech was detected that has brought no word yet, in seconds of sound. */
  #noticedAt: number | null = null;
  /** The end of the last turn, in seconds of sound. */
  #endedAt = 0;
  /** Says whether the utterance has ended while its words are not final yet. */
  #overdue = false;

  constructor({ utteranceEndMs }: FilledDeepgramOptions) {
    this.#longestGap = (utteranceEndMs / 1_000) * longestGapShare;
  }

  read(message: unknown): TurnSignals {
    if (!isRecord(message)) return noSignals;
    switch (message.type) {
      case "SpeechStarted":
        this.#noticedAt ??= secondsIn(message.timestamp) ?? 0;
        return { signals: [{ type: "start" }], heardUntil: null };
      case "Results":
        return this.#results(message);
      case "UtteranceEnd":
        return { signals: this.#utteranceEnd(message.last_word_end), heardUntil: null };
      default:
        return noSignals;
    }
  }

  #results(message: JsonRecord): TurnSignals {
    const start = secondsIn(message.start);
    const duration = secondsIn(message.duration);
    const heardUntil = start === null || duration === null ? null : start + duration;
    const channel = isRecord(message.channel) ? message.channel : {};
    const best: unknown = Array.isArray(channel.alternatives) ? channel.alternatives[0] : null;
    const piece = isRecord(best) ? textIn(best.transcript).trim() : "";
    if (piece !== "" && isRecord(best)) {
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
   * Handles the end of an utterance, the fallback where noise hides the pause. It may come late, for a turn
   * that has ended, or with -1, where all its words were final before: the words since then may begin the
   * next sentence.
   */
  #utteranceEnd(lastWordEnd: unknown): TurnSignal[] {
    const lastWordEndsAt = secondsIn(lastWordEnd);
    if (typeof lastWordEnd === "number" && lastWordEndsAt === null) return [];
    if (lastWordEndsAt !== null && lastWordEndsAt <= this.#endedAt) return [];
    if (this.#finals.length > 0) return [this.#end(this.#finals.join(" "), lastWordEndsAt)];
    this.#overdue = this.#speechEnd !== null;
    return [];
  }

  /**
   * Returns whether no word has come for so long that the turn is over, although Deepgram has not reported
   * that.
   */
  #longSilent(heardUntil: number | null): boolean {
    if (this.#finals.length === 0 || this.#speechEnd === null || heardUntil === null) return false;
    return heardUntil - this.#speechEnd >= this.#longestGap;
  }

  /** Returns the position at which speech was detected, or words that were withdrawn since, in seconds of sound. */
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
