import { AfterSpeech } from "./after-speech.ts";
import type { DeepgramConnection, EmittedEvent, Recogniser } from "./connection.ts";
import { textsOf } from "./script.ts";
import type { HeardFrame } from "./voice-activity.ts";
import { shortTime, spokenPart, timedWords } from "./words.ts";

/** A silence of this length within a turn is a pause: the script may have another text after it. */
const pauseMs = 100;

/** The silence before the start of a turn that makes the sound before it a noise, in milliseconds. */
const noiseMs = 200;

/** The time between two Updates in the second behind speech, in milliseconds of sound. */
const nearEndMs = 80;
const longestNearMs = 1_000;

/**
 * `/v2/listen`. Turns follow the documented states (developers.deepgram.com/docs/flux/state):
 * `idle → StartOfTurn → speaking ⇄ (EagerEndOfTurn, TurnResumed) → EndOfTurn → idle`, with an Update every 0.24 s of sound in
 * which nothing else was said, and every 0.08 s behind speech. An eager transcript is never empty, and the one of EndOfTurn
 * equals it. As in recorded sessions, an Update may have words before StartOfTurn, which are gone again where it was a noise.
 */
export class FluxRecogniser implements Recogniser {
  readonly #connection: DeepgramConnection;
  readonly #eager: AfterSpeech;
  readonly #end: AfterSpeech;
  readonly #thresholds: { eot: number; eager: number | null; timeoutMs: number };
  #state: "idle" | "speaking" | "eager" = "idle";
  #sequence = 0;
  #turnIndex = 0;
  #windowStart = 0;
  /** The speech of this turn, in seconds of sound. */
  #spoken = { from: 0, to: 0 };
  #spokenMs = 0;
  #silenceMs = 0;
  #sinceEventMs = 0;
  /** True once there was any speech. */
  #heard = false;
  /** The number of pauses of the turn, and the length of the speech since the last one. */
  #stretch = { index: 0, ms: 0 };

  constructor(connection: DeepgramConnection) {
    const { params } = connection.query;
    const eager = params.get("eager_eot_threshold");
    this.#connection = connection;
    this.#thresholds = {
      eot: Number(params.get("eot_threshold") ?? 0.7),
      eager: eager === null ? null : Number(eager),
      timeoutMs: Number(params.get("eot_timeout_ms") ?? 5_000),
    };
    const { delays } = connection.world;
    this.#eager = new AfterSpeech(
      () => delays.eagerEndOfTurnMs,
      () => this.#endEagerly(),
    );
    this.#end = new AfterSpeech(
      () => Math.min(this.#modelEndMs(), this.#thresholds.timeoutMs),
      () => this.#endTurn(this.#modelEndMs() > this.#thresholds.timeoutMs ? "timeout" : "model"),
    );
    this.#send({ type: "Connected" });
  }

  hear(frames: readonly HeardFrame[]): void {
    for (const frame of frames) {
      if (frame.loud) this.#hearSpeech(frame);
      else this.#hearSilence(frame);
      this.#sinceEventMs += duration(frame);
      if (this.#sinceEventMs >= this.#updateMs()) this.#info("Update", this.#text());
    }
    this.#eager.settle(this.#silenceMs, this.#connection.lastSpeechAt);
    this.#end.settle(this.#silenceMs, this.#connection.lastSpeechAt);
  }

  message(message: { readonly type?: unknown }): boolean {
    switch (message.type) {
      case "CloseStream":
        if (this.#state !== "idle") this.#info("Update", this.#text());
        this.#connection.close();
        return true;
      case "Configure":
        this.#configure(message);
        return true;
      case "ForceEndTurn":
        if (this.#state !== "idle") this.#endTurn("manual");
        return true;
      default:
        return false;
    }
  }

  fail(code: string, description: string): void {
    this.#send({ type: "Error", code, description });
  }

  emit({ type = "TurnInfo", ...event }: EmittedEvent): void {
    if (type !== "TurnInfo") {
      this.#send({ type, ...event });
      return;
    }
    const { event: name = "Update", transcript = "" } = event;
    this.#info(String(name), String(transcript), event);
    if (name === "EndOfTurn") this.#nextTurn();
  }

  stop(): void {
    this.#eager.cancel();
    this.#end.cancel();
  }

  #updateMs(): number {
    const { updateMs } = this.#connection.world.delays;
    const near = this.#heard && this.#silenceMs > 0 && this.#silenceMs <= longestNearMs;
    return near ? Math.min(nearEndMs, updateMs) : updateMs;
  }

  #modelEndMs(): number {
    return this.#thresholds.eot === 1 ? Number.POSITIVE_INFINITY : this.#connection.world.delays.endOfTurnMs;
  }

  #hearSpeech(frame: HeardFrame): void {
    if (this.#state === "idle" && this.#spokenMs === 0) this.#spoken.from = frame.start;
    const paused = this.#state !== "idle" && (this.#silenceMs >= pauseMs || this.#state === "eager");
    if (paused) this.#stretch = { index: this.#stretch.index + 1, ms: 0 };
    this.#spoken.to = frame.end;
    this.#spokenMs += duration(frame);
    this.#stretch.ms += duration(frame);
    this.#silenceMs = 0;
    this.#heard = true;
    if (this.#state === "eager") {
      this.#state = "speaking";
      this.#info("TurnResumed", this.#text());
    }
    if (this.#state === "idle" && this.#spokenMs >= this.#connection.world.delays.startOfTurnMs) {
      this.#state = "speaking";
      this.#info("StartOfTurn", this.#text());
    }
    if (this.#state === "idle") return;
    if (this.#thresholds.eager !== null) this.#eager.begin();
    this.#end.begin();
  }

  #hearSilence(frame: HeardFrame): void {
    this.#silenceMs += duration(frame);
    if (this.#state === "idle") {
      if (this.#silenceMs >= noiseMs) this.#spokenMs = 0;
      return;
    }
    this.#eager.silence(this.#silenceMs);
    this.#end.silence(this.#silenceMs);
  }

  #endEagerly(): void {
    const text = this.#wholeText();
    if (text === "") return;
    this.#state = "eager";
    this.#info("EagerEndOfTurn", text);
  }

  #endTurn(trigger: "model" | "timeout" | "manual"): void {
    this.#info("EndOfTurn", this.#wholeText(), this.#connection.world.script.trigger ? { trigger } : {});
    this.#connection.world.turns++;
    this.#nextTurn();
  }

  #nextTurn(): void {
    this.stop();
    this.#state = "idle";
    this.#turnIndex++;
    this.#windowStart = this.#connection.position;
    this.#spokenMs = 0;
    this.#stretch = { index: 0, ms: 0 };
  }

  #texts(): readonly string[] {
    const { index, world } = this.#connection;
    return textsOf(world.script, { turn: world.turns, connection: index });
  }

  #wholeText(): string {
    return this.#texts()[this.#stretch.index] ?? this.#texts().at(-1) ?? "";
  }

  /** Returns the words that are understood so far. */
  #text(): string {
    if (this.#state === "idle" && this.#spokenMs === 0) return "";
    if (this.#state === "eager") return this.#wholeText();
    const { index, ms } = this.#stretch;
    const known = index === 0 ? "" : (this.#texts()[index - 1] ?? this.#wholeText());
    return spokenPart(this.#wholeText(), known, ms);
  }

  #info(event: string, transcript: string, extra: EmittedEvent = {}): void {
    const { position, world } = this.#connection;
    this.#sinceEventMs = 0;
    this.#send({
      type: "TurnInfo",
      event,
      turn_index: this.#turnIndex,
      audio_window_start: shortTime(this.#windowStart),
      audio_window_end: shortTime(position),
      transcript,
      words: timedWords(transcript, world.script.wordTimes && this.#spokenMs > 0 ? this.#spoken : null),
      end_of_turn_confidence: this.#confidence(event),
      ...extra,
    });
  }

  #confidence(event: string): number {
    if (event === "EndOfTurn") return Math.max(this.#thresholds.eot, 0.8513);
    if (event === "EagerEndOfTurn") return Math.max(this.#thresholds.eager ?? 0, 0.5625);
    // It rises with the silence, also where no turn is under way, and may come near the threshold without an end.
    const silent = Math.min(this.#silenceMs, longestNearMs) / longestNearMs;
    return this.#heard ? Number((0.0147 + silent * 0.68).toFixed(4)) : 0.0721;
  }

  #configure(message: object): void {
    const { thresholds = {}, keyterms = [] } = message as {
      thresholds?: Readonly<Record<string, number | null>>;
      keyterms?: readonly string[];
    };
    const { eot_threshold, eager_eot_threshold, eot_timeout_ms } = thresholds;
    const set = this.#thresholds;
    const eot = eot_threshold ?? set.eot;
    const eager = eager_eot_threshold === undefined ? set.eager : eager_eot_threshold;
    const timeoutMs = eot_timeout_ms ?? set.timeoutMs;
    if (eot < 0.5 || eot > 1 || (eager ?? 0.3) < 0.3 || (eager ?? 0.3) > 0.9 || timeoutMs < 500) {
      this.#send({ type: "ConfigureFailure" });
      return;
    }
    Object.assign(set, { eot, eager, timeoutMs });
    this.#send({
      type: "ConfigureSuccess",
      thresholds: { eot_threshold: eot, eager_eot_threshold: eager, eot_timeout_ms: timeoutMs },
      keyterms,
      profanity_filter: this.#connection.query.params.get("profanity_filter") === "true",
    });
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    this.#connection.send({
      ...message,
      request_id: this.#connection.requestId,
      sequence_id: this.#sequence++,
    });
  }
}

/** Returns the duration of a frame, in milliseconds. */
const duration = ({ start, end }: HeardFrame): number => Math.round((end - start) * 1_000);
