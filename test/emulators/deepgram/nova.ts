import { AfterSpeech } from "./after-speech.ts";
import type { DeepgramConnection, EmittedEvent, Recogniser } from "./connection.ts";
import { textsOf } from "./script.ts";
import type { HeardFrame } from "./voice-activity.ts";
import { hundredths, spokenPart, timedWords } from "./words.ts";

/** How often a result is final although nothing was said, in milliseconds of sound. */
const emptyFinalMs = 3_000;

/**
 * `/v1/listen`: results that are interim until `is_final`, pieces that belong together until `speech_final`, SpeechStarted,
 * and UtteranceEnd for when the pause is not recognised. A phrase of several strings is so many final pieces.
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
      () => this.#send({ type: "UtteranceEnd", channel: [0, 1], last_word_end: hundredths(this.#spoken.to) }),
    );
  }

  hear(frames: readonly HeardFrame[]): void {
    for (const frame of frames) {
      const ms = Math.round((frame.end - frame.start) * 1_000);
      this.#sinceResultMs += ms;
      if (frame.loud) this.#hearSpeech(frame, ms);
      else this.#hearSilence(ms);
      const { interimMs } = this.#connection.world.delays;
      if (this.#speaking && this.#interim && this.#sinceResultMs >= interimMs) {
        this.#results(spokenPart(this.#texts().join(" "), "", this.#spokenMs), {});
      } else if (!this.#speaking && this.#sinceResultMs >= emptyFinalMs) {
        this.#results("", { is_final: true, speech_final: true });
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
        this.#send({
          type: "Metadata",
          transaction_key: "deprecated",
          request_id: this.#connection.requestId,
          sha256: "0".repeat(64),
          created: new Date().toISOString(),
          duration: hundredths(this.#connection.position),
          channels: 1,
        });
        this.#connection.close(1_000);
        return true;
      default:
        return false;
    }
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
      if (this.#speechEvents) {
        this.#send({ type: "SpeechStarted", channel: [0], timestamp: hundredths(this.#spoken.from) });
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
    if (speechFinal) this.#utterance.cancel();
    this.#speaking = false;
    this.#spokenMs = 0;
  }

  #texts(): readonly string[] {
    const { index, world } = this.#connection;
    return textsOf(world.script, { turn: world.turns, connection: index });
  }

  #results(transcript: string, extra: EmittedEvent): void {
    const { position, requestId, world } = this.#connection;
    const spoken = world.script.wordTimes ? this.#spoken : null;
    const words = timedWords(transcript, spoken).map((word) => ({ ...word, punctuated_word: word.word }));
    this.#sinceResultMs = 0;
    this.#send({
      type: "Results",
      channel_index: [0, 1],
      start: hundredths(this.#finalUntil),
      duration: hundredths(position - this.#finalUntil),
      is_final: false,
      speech_final: false,
      from_finalize: false,
      channel: { alternatives: [{ transcript, confidence: transcript === "" ? 0 : 0.99, words }] },
      metadata: {
        request_id: requestId,
        model_info: { name: "general-nova-3", version: "2025-01-01.0", arch: "nova-3" },
        model_uuid: "00000000-0000-0000-0000-000000000000",
      },
      ...extra,
    });
    if (extra.is_final === true) this.#finalUntil = position;
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    this.#connection.send(message);
  }
}
