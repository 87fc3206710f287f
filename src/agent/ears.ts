import { plainError } from "../errors.ts";
import { type Measurement, now } from "../protocol.ts";
import type { ConnectionAudio } from "./edge.ts";
import { errorKind } from "./error-kind.ts";
import type { Log } from "./host.ts";
import { ServiceLabels } from "./service.ts";
import type { SpeechEvent, SpeechStream, STT } from "./stt.ts";

/** What is heard of the participant who has the floor. */
export type HeardEvent = Exclude<SpeechEvent, { readonly type: "error" }>;

export interface EarsOptions {
  readonly stt: STT;
  readonly audio: ConnectionAudio;
  readonly heard: (participantId: string, event: HeardEvent) => void;
  /** A participant can be heard no more. */
  readonly deaf: (participantId: string, error: Error) => void;
  readonly permit: (provider: string, signal: AbortSignal) => Promise<Disposable>;
  readonly measure: (measurement: Measurement) => void;
  readonly log: Log;
  /** Fires when the agent leaves. */
  readonly signal: AbortSignal;
}

/** Waits longer than a provider's handshake takes; what is said meanwhile is kept. */
const mostWaitingFrames = 250;
/** Participants who are heard at the same time; further ones are not. */
const mostStreams = 8;

/**
 * Listens to the participants, each by a stream of their own. The first who speaks holds the floor until their turn is
 * over; what others say meanwhile is not heard.
 */
export class Ears {
  readonly #options: EarsOptions;
  readonly #streams = new Map<string, Ear>();
  readonly #stopListening: () => void;
  #floor: string | null = null;

  constructor(options: EarsOptions) {
    this.#options = options;
    this.#stopListening = options.audio.listen((participantId, frame) => {
      let ear = this.#streams.get(participantId);
      if (ear === undefined) {
        if (this.#streams.size >= mostStreams) return;
        ear = new Ear(participantId, options, (event) => this.#heard(participantId, event));
        this.#streams.set(participantId, ear);
      }
      ear.write(frame);
    });
  }

  /** A participant has left, or is not to be heard any more. */
  async forget(participantId: string): Promise<void> {
    const ear = this.#streams.get(participantId);
    this.#streams.delete(participantId);
    if (this.#floor === participantId) this.#floor = null;
    await ear?.close();
  }

  /** The floor is free: whoever has it is not waited for any longer. */
  release(): void {
    this.#floor = null;
  }

  async close(): Promise<void> {
    this.#stopListening();
    await Promise.all([...this.#streams.keys()].map((participantId) => this.forget(participantId)));
  }

  #heard(participantId: string, event: HeardEvent): void {
    if (this.#floor === null && event.type !== "ended" && event.type !== "resumed") {
      this.#floor = participantId;
      // Who spoke on while another had the floor is heard from here on.
      if (event.type !== "started") this.#options.heard(participantId, { type: "started" });
    }
    if (this.#floor !== participantId) return;
    if (event.type === "ended") this.#floor = null;
    this.#options.heard(participantId, event);
    // A start without an end before it gives up the turn before, and the floor with it.
    if (event.type === "started") this.#floor = participantId;
  }
}

type Frame = Parameters<SpeechStream["write"]>[0];

/** One participant's stream, from their first frame on. */
class Ear {
  readonly #participantId: string;
  readonly #options: EarsOptions;
  readonly #heard: (event: HeardEvent) => void;
  readonly #cancel = new AbortController();
  readonly #over: Promise<void>;
  readonly #service: ServiceLabels;
  #stream: SpeechStream | null = null;
  /** What came before the stream was open. */
  #waiting: Frame[] = [];
  #measuredMs = 0;

  constructor(participantId: string, options: EarsOptions, heard: (event: HeardEvent) => void) {
    this.#participantId = participantId;
    this.#options = options;
    this.#heard = heard;
    this.#service = new ServiceLabels(options.stt, "stt", options.measure);
    this.#over = this.#listen();
  }

  write(frame: Frame): void {
    if (this.#stream) {
      this.#stream.write(frame);
      return;
    }
    this.#waiting.push(frame);
    if (this.#waiting.length > mostWaitingFrames) this.#waiting.shift();
  }

  async close(): Promise<void> {
    this.#cancel.abort(new DOMException("The participant is not listened to any more", "AbortError"));
    await this.#stream?.close();
    await this.#over;
  }

  async #listen(): Promise<void> {
    const { stt, log, deaf, permit } = this.#options;
    const participantId = this.#participantId;
    const signal = AbortSignal.any([this.#options.signal, this.#cancel.signal]);
    try {
      using _permit = await permit(stt.provider, signal);
      const stream = await stt.listen({ participantId, signal, watch: this.#service.watch });
      this.#stream = stream;
      for (const frame of this.#waiting.splice(0)) stream.write(frame);
      for await (const event of stream) {
        // Who has gone does not take the floor with what they said before.
        if (signal.aborted) continue;
        if (event.type === "error") {
          this.#failed(event.error);
          if (event.fatal) deaf(participantId, event.error);
        } else {
          if (event.type === "ended") this.#measure(stream, event.speechEndedAt);
          this.#heard(event);
        }
      }
      this.#measure(stream, null);
    } catch (error) {
      if (signal.aborted) return;
      this.#failed(error);
      deaf(participantId, error instanceof Error ? error : new Error(String(error)));
    } finally {
      if (signal.aborted && this.#stream) {
        await this.#stream
          .close()
          .catch((error: unknown) => log.warn({ err: plainError(error) }, "an ear stayed open"));
      }
    }
  }

  #measure(stream: SpeechStream, speechEndedAt: number | null): void {
    const { measure } = this.#options;
    const audioDurationMs = stream.audioDurationMs - this.#measuredMs;
    this.#measuredMs = stream.audioDurationMs;
    const latencyMs = speechEndedAt === null ? null : Math.max(0, now() - speechEndedAt);
    if (latencyMs === null && audioDurationMs === 0) return;
    measure({ kind: "stt", ...this.#service.labels, latencyMs, audioDurationMs });
  }

  #failed(error: unknown): void {
    const { measure, log } = this.#options;
    const { provider } = this.#service.labels;
    measure({ kind: "error", component: "stt", provider, error: errorKind(error) });
    log.warn(
      { provider, participant_id: this.#participantId, err: plainError(error) },
      "speech to text failed",
    );
  }
}
