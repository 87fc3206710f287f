import { setTimeout as sleep } from "node:timers/promises";
import { GreenroomError } from "../../shared/errors.ts";
import { loggedError } from "../../supervisor/log-error.ts";
import type { Exchange } from "../exchange.ts";
import { HttpError } from "../http/http-error.ts";

/**
 * The time between two judgements of the caller of an open stream, in milliseconds. The keys that callers are judged by
 * may be 2 s old, so that a revoked one ends its streams within 5 s.
 */
const intervalMs = 2_500;

/**
 * Judges the caller again and again while an answer goes on, as if the request had just come. The signal fires when the
 * caller is denied: the key was revoked, the token has expired, or a callback says so. A judgement that fails for
 * another reason, such as missing keys, changes nothing. `judge` throws the error that denies
 * the caller. Default: as for the session of the path. `stop` ends it.
 */
export function judgeAgain(
  exchange: Exchange,
  judge: (again: Exchange) => Promise<unknown> = (again) => again.judged(),
): { readonly denied: AbortSignal; stop(): void } {
  const denied = new AbortController();
  const over = new AbortController();
  const { signal } = over;
  const run = async () => {
    while (!signal.aborted) {
      await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted && (await isDenied(exchange, judge))) {
        denied.abort();
        return;
      }
    }
  };
  void run();
  return { denied: denied.signal, stop: () => over.abort() };
}

/** Resolves with whether the caller is denied by now. Never rejects. */
async function isDenied(exchange: Exchange, judge: (again: Exchange) => Promise<unknown>): Promise<boolean> {
  const { permissions, log } = exchange.plane;
  const again = exchange.again();
  try {
    await judge(again);
    return false;
  } catch (error) {
    if (isDenial(error)) return true;
    log.warn(
      { event: "stream_caller_unjudged", err: loggedError(error) },
      "The caller of an event stream could not be judged again",
    );
    return false;
  } finally {
    await permissions.release(again.scope);
  }
}

function isDenial(error: unknown): boolean {
  if (!HttpError.is(error) && !GreenroomError.is(error)) return false;
  return [401, 403, 404].includes(error.status);
}
