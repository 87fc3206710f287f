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
    return new NovaReader();
  }
}

class NovaReader implements Reader {
  /** The pieces of this turn that do not change any more. */
  #finals: string[] = [];
  #speechEnd: number | null = null;
  /** Where speech was noticed that has brought no word yet. */
  #noticedAt: number | null = null;
  /** Where the last turn ended. */
  #endedAt = 0;
  /** The utterance has ended, but its words are not final yet. */
  #overdue = false;

  read(message: unknown): Reading {
    if (!isJson(message)) return nothing;
    switch (message.type) {
      case "SpeechStarted":
        this.#noticedAt ??= secondsIn(message.timestamp) ?? 0;
        return { signals: [{ type: "start" }], heardUntil: null };
      case "Results":
        return this.#results(message);
      case "UtteranceEnd":
        return { signals: this.#utteranceEnd(secondsIn(message.last_word_end)), heardUntil: null };
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
    const over = message.is_final === true && (message.speech_final === true || this.#overdue);
    if (over ? text !== "" || this.#noticedAt !== null : this.#onlyNoise(text, heardUntil)) {
      return { signals: [this.#end(text, heardUntil)], heardUntil };
    }
    return { signals: [{ type: "text", text, speechEnd: this.#speechEnd }], heardUntil };
  }

  /** The fallback where noise hides the pause. It may also come late, for a turn that has ended. */
  #utteranceEnd(lastWordEndsAt: number | null): TurnSignal[] {
    if (lastWordEndsAt !== null && lastWordEndsAt <= this.#endedAt) return [];
    if (this.#finals.length > 0) return [this.#end(this.#finals.join(" "), lastWordEndsAt)];
    this.#overdue = this.#speechEnd !== null;
    return [];
  }

  #onlyNoise(text: string, heardUntil: number | null): boolean {
    return (
      text === "" &&
      this.#noticedAt !== null &&
      heardUntil !== null &&
      heardUntil - this.#noticedAt >= noiseSeconds
    );
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
