import type { SpeechChunk } from "../../agent/tts.ts";
import { DeadlineError } from "../../shared/deadline.ts";

/** One text that a voice speaks. */
export interface SpokenText {
  /** The signal of the caller: the text is not wanted any more. */
  readonly signal: AbortSignal;
  /** The service, for the message of the deadline. */
  readonly service: string;
  /** The longest wait for the first sound, in milliseconds. */
  readonly firstByteTimeoutMs: number;
  /** Makes the sound. The signal ends its requests; `deadlineAt` is the deadline by `performance.now()`. */
  begin(signal: AbortSignal, deadlineAt: number): AsyncIterable<SpeechChunk>;
}

/** The texts that a voice speaks at the moment: each has a deadline for its first sound, and all end with the voice. */
export class SpokenTexts {
  readonly #speaking = new Set<AbortController>();

  /** Yields the sound of a text. Throws the reason for which it ends before: that of the caller, the deadline, or the close. */
  async *speak({
    signal,
    service,
    firstByteTimeoutMs,
    begin,
  }: SpokenText): AsyncGenerator<SpeechChunk, void> {
    const cancel = new AbortController();
    const cancelled = () => cancel.abort(signal.reason);
    signal.addEventListener("abort", cancelled, { once: true });
    this.#speaking.add(cancel);
    const message = `${service}'${service.endsWith("s") ? "" : "s"} first sound took longer than ${firstByteTimeoutMs} ms`;
    const late = () => cancel.abort(new DeadlineError(message, "firstByteTimeoutMs"));
    const deadline = setTimeout(late, firstByteTimeoutMs);
    const deadlineAt = performance.now() + firstByteTimeoutMs;
    try {
      for await (const chunk of begin(cancel.signal, deadlineAt)) {
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
