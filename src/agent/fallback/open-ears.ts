import { within } from "../../shared/deadline.ts";
import { now } from "../../shared/protocol.ts";
import { permitFor, watchOfMember } from "../service.ts";
import type { ListenOptions, SpeechStream, STT } from "../stt.ts";
import { PermitTimeoutError } from "../thread/permits.ts";
import { AllFailedError } from "./all-failed-error.ts";
import type { Rotation } from "./rotation.ts";

/** A stream of one recogniser. */
export interface OpenEar {
  readonly member: STT;
  readonly stream: SpeechStream;
  /** Ends it for good. */
  readonly cancel: AbortController;
  /** The place among the requests to its provider, to be given back when it is closed. */
  readonly permit: Disposable;
  /** The time at which it was opened, by the clock of protocol.ts. */
  readonly openedAt: number;
}

/** Opens streams for one participant, of whoever of several can. */
export class OpenEars {
  readonly #rotation: Rotation<STT>;
  readonly #options: ListenOptions;

  constructor(rotation: Rotation<STT>, options: ListenOptions) {
    this.#rotation = rotation;
    this.#options = options;
  }

  /** Fires when the participant is not listened to any more. */
  get signal(): AbortSignal {
    return this.#options.signal;
  }

  /** Returns whether somebody is told of failures that the listener survives. */
  get watched(): boolean {
    return this.#options.watch?.onFailed !== undefined;
  }

  /**
   * Opens the first recogniser that can be opened and is not among the `failures`, and adds those that fail to them.
   * Rejects with an {@link AllFailedError}, or with the reason of the signal.
   */
  async open(failures: Map<STT, unknown>, signal: AbortSignal): Promise<OpenEar> {
    const { members } = this.#rotation;
    for (const member of this.#rotation.order()) {
      if (failures.has(member)) continue;
      this.asked(member);
      const isLast = failures.size === members.length - 1;
      try {
        return await this.#openOne(member, isLast ? null : this.#rotation.timeoutMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        failures.set(member, error);
        this.failed(member, error, !isLast);
      }
    }
    throw new AllFailedError([...failures].map(([service, error]) => ({ service, error })));
  }

  /**
   * Opens a recogniser that stands before this one, where it is time to try one again and it can be opened; resolves with
   * null otherwise. Never rejects.
   */
  async openBetter(than: STT, signal: AbortSignal): Promise<OpenEar | null> {
    const member = this.#rotation.better(than);
    if (member === undefined) return null;
    try {
      return await this.#openOne(member, this.#rotation.timeoutMs, signal);
    } catch (error) {
      if (!signal.aborted) this.failed(member, error, true);
      return null;
    }
  }

  isBefore(one: STT, other: STT): boolean {
    const { members } = this.#rotation;
    return members.indexOf(one) < members.indexOf(other);
  }

  /** Tells that this member is to listen from here on. */
  asked(member: STT): void {
    this.#options.watch?.onAsked?.(member);
  }

  /** Takes in that this member hears. */
  succeeded(member: STT): void {
    this.#rotation.succeeded(member);
  }

  /** Takes in that this member does not hear. `survived`: the listener survives it. */
  failed(member: STT, error: unknown, survived: boolean): void {
    this.#rotation.failed(member);
    if (survived) this.#options.watch?.onFailed?.(member, error);
  }

  async #openOne(member: STT, timeoutMs: number | null, signal: AbortSignal): Promise<OpenEar> {
    signal.throwIfAborted();
    const cancel = new AbortController();
    const { participantId, signal: life, watch } = this.#options;
    const permit = await this.#permit(member, timeoutMs, signal);
    const opening = member.listen({
      participantId,
      signal: AbortSignal.any([life, cancel.signal]),
      ...watchOfMember(watch),
    });
    try {
      const what = `${member.provider} ${member.model} to listen`;
      const option = "timeoutMs of fallback";
      const stream = await (timeoutMs === null ? opening : within(opening, timeoutMs, what, signal, option));
      signal.throwIfAborted();
      return { member, stream, cancel, permit, openedAt: now() };
    } catch (error) {
      cancel.abort(error);
      // One that opens too late is of no use.
      opening
        .then((late) => late.close())
        .catch(() => undefined)
        .finally(() => permit[Symbol.dispose]());
      throw error;
    }
  }

  async #permit(member: STT, timeoutMs: number | null, signal: AbortSignal): Promise<Disposable> {
    const late = new AbortController();
    const timer =
      timeoutMs === null
        ? undefined
        : setTimeout(() => late.abort(new PermitTimeoutError(member.provider, timeoutMs)), timeoutMs);
    try {
      return await permitFor(member, this.#options.watch?.permit, AbortSignal.any([signal, late.signal]));
    } finally {
      clearTimeout(timer);
    }
  }
}
