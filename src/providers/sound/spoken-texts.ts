import type { SpeechChunk } from "../../agent/tts.ts";
import { BackOff, pause } from "../../shared/back-off.ts";
import { DeadlineError } from "../../shared/deadline.ts";

/** The first pause before a retry, in milliseconds; it doubles each time, and up to half of it is added at random. */
const backOff = new BackOff({ firstMs: 100, jitter: [1, 1.5] });

/** A failure of a request for speech. */
export interface SpeechFailure {
  /** Says whether the same request can succeed a moment later. */
  readonly retryable: boolean;
  /** The wait that the service asks for before another attempt, in milliseconds. */
  readonly retryAfterMs?: number | null | undefined;
  /** Says whether a kept connection had ended: the next request uses another one, in the end a new one, and is no retry. */
  readonly stale?: boolean;
}

/** One text that a voice speaks. */
export interface SpokenText {
  /** The signal of the caller: the text is not wanted any more. */
  readonly signal: AbortSignal;
  /** The service, for the message of the deadline. */
  readonly service: string;
  /** The longest wait for the first sound, in milliseconds. */
  readonly firstByteTimeoutMs: number;
  /** The number of times that the request is made again while no sound has arrived. */
  readonly maxRetries: number;
  /** Requests the sound once. The signal ends the request. */
  request(signal: AbortSignal): AsyncGenerator<SpeechChunk, void>;
  /** Returns what an error says about another attempt; null: there is none. */
  failureOf(error: unknown): SpeechFailure | null;
  /** Makes the error of an answer without any sound. */
  silent(message: string): Error;
}

/** The texts that a voice speaks at the moment: each has a deadline for its first sound, and all end with the voice. */
export class SpokenTexts {
  readonly #speaking = new Set<AbortController>();

  /** Yields the sound of a text. Throws the reason for which it ends before: that of the caller, the deadline, or the close. */
  async *speak(text: SpokenText): AsyncGenerator<SpeechChunk, void> {
    const { signal, service, firstByteTimeoutMs } = text;
    const cancel = new AbortController();
    const cancelled = () => cancel.abort(signal.reason);
    signal.addEventListener("abort", cancelled, { once: true });
    this.#speaking.add(cancel);
    const message = `${service}'${service.endsWith("s") ? "" : "s"} first sound took longer than ${firstByteTimeoutMs} ms`;
    const late = () => cancel.abort(new DeadlineError(message, "firstByteTimeoutMs"));
    const deadline = setTimeout(late, firstByteTimeoutMs);
    const deadlineAt = performance.now() + firstByteTimeoutMs;
    try {
      for await (const chunk of soundOf(text, cancel.signal, deadlineAt)) {
        clearTimeout(deadline);
        cancel.signal.throwIfAborted();
        yield chunk;
        cancel.signal.throwIfAborted();
      }
    } catch (error) {
      throw cancel.signal.aborted ? cancel.signal.reason : error;
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener("abort", cancelled);
      this.#speaking.delete(cancel);
      // This ends the rest of the request.
      cancel.abort();
    }
  }

  /** Ends all texts with this reason. */
  close(reason: Error): void {
    for (const cancel of this.#speaking) cancel.abort(reason);
  }
}

/** Makes the request, again where that helps, until the first sound arrives. After that nothing is repeated. */
async function* soundOf(
  { service, maxRetries, request, failureOf, silent }: SpokenText,
  signal: AbortSignal,
  deadlineAt: number,
): AsyncGenerator<SpeechChunk, void> {
  for (let retries = 0; ; ) {
    const chunks = request(signal);
    let first: SpeechChunk;
    try {
      const { done, value } = await chunks.next();
      if (done) throw silent(`${service} answered without any sound`);
      first = value;
    } catch (error) {
      const failure = failureOf(error);
      if (failure === null) throw error;
      if (failure.stale) continue;
      const pauseMs = Math.max(failure.retryAfterMs ?? 0, backOff.pauseMs(retries + 1));
      const inTime = performance.now() + pauseMs < deadlineAt;
      if (!failure.retryable || retries >= maxRetries || !inTime) throw error;
      retries++;
      await pause(pauseMs, { signal });
      continue;
    }
    try {
      yield first;
      yield* chunks;
      return;
    } finally {
      await chunks.return();
    }
  }
}
