import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { BackOff } from "../../shared/back-off.ts";
import { plainError } from "../../shared/errors.ts";
import { now } from "../../shared/protocol.ts";
import type { CallContext } from "../call/call-context.ts";
import { errorKind } from "../error-kind.ts";
import { ServiceUse } from "../service.ts";
import type { SpeechStream } from "../stt.ts";
import type { HeardEvent, TranscriptionOptions } from "./heard-event.ts";

export interface ParticipantTranscriberOptions extends Omit<TranscriptionOptions, "heard"> {
  readonly heard: (event: HeardEvent) => void;
}

/** Waits longer than a provider's handshake takes; what is said meanwhile is kept. 5 s of frames of 20 ms. */
const mostWaitingFrames = 250;
/** The longest pause, as a multiple of the first one. */
const longestPause = 12;
/** Sound that is counted at once, in milliseconds. */
const countedMs = 1_000;

/** Hears one participant, from their first frame on: by one stream after the other, where streams fail. */
export class ParticipantTranscriber {
  readonly #participantId: string;
  readonly #context: CallContext;
  readonly #options: ParticipantTranscriberOptions;
  readonly #backOff: BackOff;
  readonly #cancel = new AbortController();
  readonly #over: Promise<void>;
  readonly #service: ServiceUse;
  #stream: SpeechStream | null = null;
  /** The frames that came while no stream was open. */
  #waiting: PcmFrame[] = [];
  /** The part of this stream's sound that is measured, in milliseconds. */
  #measuredMs = 0;
  /** True once it was told that the participant cannot be heard. */
  #unheard = false;
  /** Streams in a row that failed before they had worked. */
  #failures = 0;

  constructor(context: CallContext, participantId: string, options: ParticipantTranscriberOptions) {
    this.#context = context;
    this.#participantId = participantId;
    this.#options = options;
    this.#service = new ServiceUse(context, "stt", options.stt);
    const { hearingRetryMs: firstMs } = context.limits;
    this.#backOff = new BackOff({ firstMs, mostMs: firstMs * longestPause });
    this.#over = this.#listen();
  }

  write(frame: PcmFrame): void {
    const stream = this.#stream;
    if (stream) {
      stream.write(frame);
      if (stream.audioDurationMs - this.#measuredMs >= countedMs) this.#measure(stream, null);
      return;
    }
    this.#waiting.push(frame);
    if (this.#waiting.length > mostWaitingFrames) this.#waiting.shift();
  }

  async close(): Promise<void> {
    this.#cancel.abort(new DOMException("The participant is not listened to any more", "AbortError"));
    await this.#closeStream();
    await this.#over;
  }

  async #closeStream(): Promise<void> {
    try {
      await this.#stream?.close();
    } catch (error) {
      this.#context.log.warn(
        { event: "transcription_unclosed", err: plainError(error) },
        "A stream of the recogniser was not closed",
      );
    }
  }

  /** Listens until it is cancelled, and again after each failure. It never rejects. */
  async #listen(): Promise<void> {
    const signal = AbortSignal.any([this.#context.signal, this.#cancel.signal]);
    while (!signal.aborted) {
      try {
        await this.#hear(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
        // A participant without a permit is heard as soon as another one has left.
        if (errorKind(error) === "permit_timeout") continue;
        await this.#giveUp(error, signal);
      }
    }
  }

  /** Holds the permit until the stream has ended. Throws what it ended of, unless nobody listens any more. */
  async #hear(signal: AbortSignal): Promise<void> {
    const { stt } = this.#options;
    const participantId = this.#participantId;
    using _permit = await this.#service.permit(signal);
    const stream = await stt.listen({ participantId, signal, watch: this.#service.watch });
    this.#stream = stream;
    this.#measuredMs = 0;
    // Some let everybody in, and hang up at once.
    const lasts = setTimeout(() => this.#works(), this.#context.limits.hearingRetryMs).unref();
    try {
      signal.throwIfAborted();
      for (const frame of this.#waiting.splice(0)) stream.write(frame);
      for await (const event of stream) {
        // A participant who has left does not take the floor with earlier words.
        if (signal.aborted) continue;
        if (event.type === "error") {
          if (event.fatal) throw event.error;
          this.#failed(event.error);
        } else {
          this.#works();
          if (event.type === "ended") this.#measure(stream, event.speechEndedAt);
          this.#options.heard(event);
        }
      }
      if (!signal.aborted) throw new Error(`${stt.provider} ${stt.model} has stopped to listen`);
    } finally {
      clearTimeout(lasts);
      this.#measure(stream, null);
      if (signal.aborted) await this.#closeStream();
      this.#stream = null;
    }
  }

  #works(): void {
    this.#failures = 0;
    if (!this.#unheard) return;
    this.#unheard = false;
    this.#options.heardAgain(this.#participantId);
  }

  /** Tells that the participant cannot be heard, and waits before they are listened to again. */
  async #giveUp(error: unknown, signal: AbortSignal): Promise<void> {
    if (!this.#unheard) this.#options.unheard(this.#participantId, error);
    this.#unheard = true;
    this.#failures += 1;
    await this.#backOff.pause(this.#failures, { signal, ref: false }).catch(() => undefined);
  }

  #measure(stream: SpeechStream, speechEndedAt: number | null): void {
    const { measure } = this.#context;
    const audioDurationMs = stream.audioDurationMs - this.#measuredMs;
    this.#measuredMs = stream.audioDurationMs;
    const latencyMs = speechEndedAt === null ? null : Math.max(0, now() - speechEndedAt);
    if (latencyMs === null && audioDurationMs === 0) return;
    measure({ kind: "stt", ...this.#service.labels, latencyMs, audioDurationMs });
  }

  #failed(error: unknown): void {
    const { measure, log } = this.#context;
    const { provider } = this.#service.labels;
    measure({ kind: "error", component: "stt", provider, error: errorKind(error) });
    log.warn(
      {
        event: "transcription_failed",
        provider,
        participant_id: this.#participantId,
        err: plainError(error),
      },
      "Speech recognition failed",
    );
  }
}
