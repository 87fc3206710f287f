import { DeadlineError } from "../../shared/deadline.ts";
import { permitFor, type Service, type ServiceWatch, watchOfMember } from "../service.ts";
import { PermitTimeoutError } from "../thread/permits.ts";
import { AllFailedError } from "./all-failed-error.ts";
import type { Rotation } from "./rotation.ts";

interface Request<Member extends Service, Piece> {
  readonly rotation: Rotation<Member>;
  readonly signal: AbortSignal;
  readonly watch: ServiceWatch | undefined;
  /** Asks one of them. */
  readonly open: (
    member: Member,
    options: { readonly signal: AbortSignal; readonly watch?: ServiceWatch },
  ) => AsyncIterable<Piece>;
  /** Returns whether the member has begun to serve with this piece. Earlier pieces are held back until it has. */
  readonly begins: (piece: Piece) => boolean;
}

/**
 * Yields the stream of the first one that serves. Each has its time for the first piece; from there on the request is
 * its own, and what goes wrong is thrown as it is. Throws an {@link AllFailedError} where none began.
 */
export async function* relay<Member extends Service, Piece>(
  request: Request<Member, Piece>,
): AsyncGenerator<Piece, void, void> {
  const { rotation, signal, watch } = request;
  const failures: { readonly service: Member; readonly error: unknown }[] = [];
  const order = rotation.order();
  for (const member of order) {
    signal.throwIfAborted();
    watch?.onAsked?.(member);
    const isLast = failures.length === order.length - 1;
    const attempt = new Attempt(request, member, isLast ? null : rotation.timeoutMs);
    try {
      return yield* attempt.run();
    } catch (error) {
      // A deadline of the turn is a failure of whoever let it pass; another end of the request is nobody's.
      const late = !attempt.begun && signal.reason instanceof DeadlineError;
      if (!signal.aborted || late) rotation.failed(member);
      signal.throwIfAborted();
      if (attempt.begun) throw error;
      failures.push({ service: member, error });
      if (!isLast) watch?.onFailed?.(member, error);
    }
  }
  throw new AllFailedError(failures);
}

/** A request to one of the members. */
class Attempt<Member extends Service, Piece> {
  /** True once its first piece has come. */
  begun = false;
  readonly #request: Request<Member, Piece>;
  readonly #member: Member;
  readonly #timeoutMs: number | null;

  constructor(request: Request<Member, Piece>, member: Member, timeoutMs: number | null) {
    this.#request = request;
    this.#member = member;
    this.#timeoutMs = timeoutMs;
  }

  async *run(): AsyncGenerator<Piece, void, void> {
    const { rotation, signal, watch, open, begins } = this.#request;
    const cancel = new AbortController();
    const { promise: givenUp, reject: giveUp } = Promise.withResolvers<never>();
    givenUp.catch(() => undefined);
    const abort = () => {
      cancel.abort(signal.reason);
      giveUp(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    let permitted = false;
    const expire = (timeoutMs: number) => {
      if (permitted) giveUp(this.#late(timeoutMs));
      else cancel.abort(new PermitTimeoutError(this.#member.provider, timeoutMs));
    };
    const timer = this.#timeoutMs === null ? undefined : setTimeout(expire, this.#timeoutMs, this.#timeoutMs);
    const held: Piece[] = [];
    let stream: AsyncIterator<Piece> | undefined;
    let over = false;
    try {
      using _permit = await permitFor(this.#member, watch?.permit, cancel.signal);
      permitted = true;
      const options = { signal: cancel.signal, ...watchOfMember(watch) };
      stream = open(this.#member, options)[Symbol.asyncIterator]();
      while (!over) {
        const next = stream.next();
        const step = this.begun ? await next : await Promise.race([next, givenUp]);
        if (!this.begun && (step.done || begins(step.value))) {
          this.begun = true;
          clearTimeout(timer);
          rotation.succeeded(this.#member);
          yield* held;
        }
        if (step.done) over = true;
        else if (this.begun) yield step.value;
        else held.push(step.value);
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      if (!over) {
        cancel.abort(new DOMException("The answer is not wanted any more", "AbortError"));
        // Not awaited: one that is stuck would never get to it.
        stream?.return?.().catch(() => undefined);
      }
    }
  }

  #late(timeoutMs: number): DeadlineError {
    const { provider, model } = this.#member;
    const message = `The first piece of ${provider} ${model} took longer than ${timeoutMs} ms`;
    return new DeadlineError(message, "timeoutMs of fallback");
  }
}
