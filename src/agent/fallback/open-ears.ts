import { within } from "../../deadline.ts";
import type { ListenOptions, SpeechStream, STT } from "../stt.ts";
import { AllFailedError } from "./all-failed-error.ts";
import type { Rotation } from "./rotation.ts";

/** A stream of one recogniser, and what ends it for good. */
export interface OpenEar {
  readonly member: STT;
  readonly stream: SpeechStream;
  readonly cancel: AbortController;
}

/** Opens streams for one participant, of whoever of several can. */
export class OpenEars {
  readonly #rotation: Rotation<STT>;
  readonly #options: ListenOptions;

  constructor(rotation: Rotation<STT>, options: ListenOptions) {
    this.#rotation = rotation;
    this.#options = options;
  }

  /** That of the first one that opens. Rejects with an {@link AllFailedError}, or the reason of the signal. */
  async open(signal: AbortSignal): Promise<OpenEar> {
    const failures: { readonly service: STT; readonly error: unknown }[] = [];
    const order = this.#rotation.order();
    for (const member of order) {
      this.asked(member);
      const isLast = failures.length === order.length - 1;
      try {
        return await this.#openOne(member, isLast ? null : this.#rotation.timeoutMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        failures.push({ service: member, error });
        if (isLast) this.#rotation.failed(member);
        else this.failed(member, error);
      }
    }
    throw new AllFailedError(failures);
  }

  /** That of one which stands before this one, where it is time to try it again and it opens. Never rejects. */
  async openBetter(than: STT, signal: AbortSignal): Promise<OpenEar | null> {
    const member = this.#rotation.better(than);
    if (member === undefined) return null;
    try {
      return await this.#openOne(member, this.#rotation.timeoutMs, signal);
    } catch (error) {
      if (!signal.aborted) this.failed(member, error);
      return null;
    }
  }

  isBefore(one: STT, other: STT): boolean {
    const { members } = this.#rotation;
    return members.indexOf(one) < members.indexOf(other);
  }

  /** From here on it is the one that listens. */
  asked(member: STT): void {
    this.#options.watch?.onAsked?.(member);
  }

  /** It listens. */
  succeeded(member: STT): void {
    this.#rotation.succeeded(member);
  }

  /** It does not, which the listener survives. */
  failed(member: STT, error: unknown): void {
    this.#rotation.failed(member);
    this.#options.watch?.onFailed?.(member, error);
  }

  async #openOne(member: STT, timeoutMs: number | null, signal: AbortSignal): Promise<OpenEar> {
    signal.throwIfAborted();
    const cancel = new AbortController();
    const { participantId, signal: life } = this.#options;
    const opening = member.listen({ participantId, signal: AbortSignal.any([life, cancel.signal]) });
    try {
      const what = `${member.provider} ${member.model} to listen`;
      const stream = timeoutMs === null ? await opening : await within(opening, timeoutMs, what, signal);
      signal.throwIfAborted();
      return { member, stream, cancel };
    } catch (error) {
      cancel.abort(error);
      // One that opens too late is of no use.
      opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    }
  }
}
