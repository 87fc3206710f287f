import { AfterSpeech } from "./after-speech.ts";
import type { DeepgramConnection, EmittedEvent, Recogniser } from "./connection.ts";
import { textsOf } from "./script.ts";
import type { HeardFrame } from "./voice-activity.ts";
import { shortTime, spokenPart, timedWords } from "./words.ts";

/** The longest stretch without words until its result is final, in milliseconds of sound. */
const emptyFinalMs = 3_000;

/** Noise behind an utterance: when it is noticed, and when its result without a word is final, in milliseconds of silence. */
const noiseNoticedMs = 200;
const noiseFinalMs = 580;

const modelUuid = "00000000-0000-0000-0000-000000000000";
const modelInfo = { name: "general-nova-3", version: "2025-01-01.0", arch: "nova-3" };

/**
 * `/v1/listen`: results that are interim until `is_final`, pieces that belong together until `speech_final`, SpeechStarted,
 * and UtteranceEnd for when the pause is not recognised. A phrase of several strings is so many final pieces. As in recorded
 * sessions, UtteranceEnd comes also, late, for what has ended; noise behind an utterance is noticed as speech and brings no
 * word; and an interim result may take words back.
 */
export class NovaRecogniser implements Recogniser {
  readonly #connection: DeepgramConnection;
  readonly #end: AfterSpeech;
  readonly #utterance: AfterSpeech;
  readonly #endpointingMs: number;
  readonly #utteranceEndMs: number | null;
  readonly #interim: boolean;
  readonly #speechEvents: boolean;
  #speaking = false;
  #spoken = { from: 0, to: 0 };
  #spokenMs = 0;
  #silenceMs = 0;
  #sinceResultMs = 0;
  #finalUntil = 0;
  #interims = 0;
  /** The noise behind the last utterance. */
  #noise: "none" | "to come" | "noticed" = "none";

  constructor(connection: DeepgramConnection) {
    const { params } = connection.query;
    const endpointing = params.get("endpointing") ?? "10";
    const utteranceEnd = params.get("utterance_end_ms");
    this.#connection = connection;
    this.#endpointingMs = endpointing === "false" ? Number.POSITIVE_INFINITY : Number(endpointing);
    this.#utteranceEndMs = utteranceEnd === null ? null : Number(utteranceEnd);
    this.#interim = params.get("interim_results") === "true";
    this.#speechEvents = params.get("vad_events") === "true";
    this.#end = new AfterSpeech(
      () => this.#endpointingMs + connection.world.delays.finalMs,
      () => this.#finish(connection.world.script.speechFinal),
    );
    this.#utterance = new AfterSpeech(
      () => this.#utteranceEndMs ?? Number.POSITIVE_INFINITY,
      () => this.#send({ type: "UtteranceEnd", channel: [0, 1], last_word_end: shortTime(this.#spoken.to) }),
    );
  }

  hear(frames: readonly HeardFrame[]): void {
    for (const frame of frames) {
      const ms = Math.round((frame.end - frame.start) * 1_000);
      this.#sinceResultMs += ms;
      if (frame.loud) this.#hearSpeech(frame, ms);
      else this.#hearSilence(ms);
      const { interimMs } = this.#connection.world.delays;
      if (!this.#speaking && this.#sinceFinalMs() >= emptyFinalMs) {
        this.#results("", { is_final: true, speech_final: true });
      } else if (this.#interim && this.#sinceResultMs >= interimMs) {
        this.#results(this.#interimText(), {});
      }
    }
    this.#end.settle(this.#silenceMs, this.#connection.lastSpeechAt);
    this.#utterance.settle(this.#silenceMs, this.#connection.lastSpeechAt);
  }

  message(message: { readonly type?: unknown }): boolean {
    switch (message.type) {
      case "KeepAlive":
        return true;
      case "Finalize":
        if (this.#speaking) this.#finish(true, { from_finalize: true });
        else this.#results("", { is_final: true, from_finalize: true });
        return true;
      case "CloseStream":
        if (this.#speaking) this.#finish(true);
        this.#results("", { is_final: true, speech_final: true });
        this.#send({
          type: "Metadata",
          transaction_key: "deprecated",
          request_id: this.#connection.requestId,
          sha256: "0".repeat(64),
          created: new Date().toISOString(),
          duration: shortTime(this.#connection.position),
          channels: 1,
          models: [modelUuid],
          model_info: { [modelUuid]: modelInfo },
        });
        this.#connection.close(1_000);
        return true;
      default:
        return false;
    }
  }

  /** Nova's has its code in `variant`, and again as the message. */
  fail(variant: string, description: string): void {
    this.#send({ type: "Error", variant, message: variant, description });
  }

  emit({ type = "Results", transcript, ...event }: EmittedEvent): void {
    if (type === "Results") this.#results(String(transcript ?? ""), event);
    else this.#send({ type, ...event });
  }

  stop(): void {
    this.#end.cancel();
    this.#utterance.cancel();
  }

  #hearSpeech(frame: HeardFrame, ms: number): void {
    const { startOfTurnMs } = this.#connection.world.delays;
    if (!this.#speaking && this.#spokenMs === 0) this.#spoken.from = frame.start;
    this.#spoken.to = frame.end;
    this.#spokenMs += ms;
    this.#silenceMs = 0;
    if (!this.#speaking && this.#spokenMs >= startOfTurnMs) {
      this.#speaking = true;
      this.#noise = "none";
      if (this.#speechEvents) {
        this.#send({ type: "SpeechStarted", channel: [0, 1], timestamp: shortTime(this.#spoken.from) });
      }
    }
    if (!this.#speaking) return;
    this.#end.begin();
    this.#utterance.begin();
  }

  #hearSilence(ms: number): void {
    this.#silenceMs += ms;
    this.#end.silence(this.#silenceMs);
    this.#utterance.silence(this.#silenceMs);
    if (!this.#speaking) this.#spokenMs = 0;
    this.#makeNoise();
  }

  #makeNoise(): void {
    if (this.#noise === "to come" && this.#silenceMs >= noiseNoticedMs) {
      this.#noise = "noticed";
      if (this.#speechEvents) {
        const timestamp = shortTime(this.#connection.position);
        this.#send({ type: "SpeechStarted", channel: [0, 1], timestamp });
      }
    }
    if (this.#noise === "noticed" && this.#silenceMs >= noiseFinalMs) {
      this.#noise = "none";
      this.#results("", { is_final: true, speech_final: true });
    }
  }

  #sinceFinalMs(): number {
    return Math.round((this.#connection.position - this.#finalUntil) * 1_000);
  }

  /** Returns the words that are understood so far. */
  #interimText(): string {
    if (!this.#speaking) return "";
    this.#interims++;
    if (this.#connection.world.script.secondThoughts && this.#interims === 2) return "";
    return spokenPart(this.#texts().join(" "), "", this.#spokenMs);
  }

  /** The pause is recognised, or asked for. */
  #finish(speechFinal: boolean, extra: EmittedEvent = {}): void {
    const texts = this.#texts();
    texts.forEach((text, index) => {
      const last = index === texts.length - 1;
      this.#results(text, { is_final: true, speech_final: last && speechFinal, ...extra });
    });
    this.#connection.world.turns++;
    this.#end.cancel();
    this.#speaking = false;
    this.#spokenMs = 0;
    this.#interims = 0;
    if (speechFinal && this.#connection.world.script.noise) this.#noise = "to come";
  }

  #texts(): readonly string[] {
    const { index, world } = this.#connection;
    return textsOf(world.script, { turn: world.turns, connection: index });
  }

  #results(transcript: string, extra: EmittedEvent): void {
    const { position, requestId, world } = this.#connection;
    const spoken = world.script.wordTimes ? this.#spoken : null;
    const words = timedWords(transcript, spoken).map((word) => ({
      ...word,
      word: word.word.toLowerCase().replaceAll(/[^\p{L}\p{N}'-]/gu, ""),
      punctuated_word: word.word,
    }));
    this.#sinceResultMs = 0;
    this.#send({
      type: "Results",
      channel_index: [0, 1],
      start: shortTime(this.#finalUntil),
      duration: shortTime(position - this.#finalUntil),
      is_final: false,
      speech_final: false,
      from_finalize: false,
      channel: { alternatives: [{ transcript, confidence: transcript === "" ? 0 : 0.99, words }] },
      metadata: {
        request_id: requestId,
        model_info: modelInfo,
        model_uuid: modelUuid,
      },
      ...extra,
    });
    if (extra.is_final === true) this.#finalUntil = position;
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    this.#connection.send(message);
  }
}
