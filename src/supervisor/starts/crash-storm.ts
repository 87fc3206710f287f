import { type EndReason, endReasons } from "../../shared/end-reasons.ts";
import { type ErrorLocation, placesIn } from "../../shared/error-location.ts";
import type { PlainError } from "../../shared/errors.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import type { Session } from "../session/session.ts";
import { callerIdentity } from "./caller-identity.ts";

/** The time for which a crash counts, in milliseconds. */
const windowMs = 60_000;
/** The key that stands for all callers where `getCurrentUser` is not set. */
const unknown = "unknown";

type Deaths = Map<string, number[]>;

/**
 * Counts crashes of threads, and refuses starts during a crash storm. Many threads that crashed within a minute at one
 * place of the agent's code mean that the next session would crash there too: no more are started until the minute is
 * over. The crashes of one caller's sessions stop that caller's starts alone, since their `config` may be the cause.
 * They stop all starts where other callers' sessions crash there as well, or where callers are not told apart. A
 * session that was asked to close, such as one over its memory limit, does not count.
 */
export class CrashStorm {
  readonly #limit: number;
  /** The times of the crashes, in milliseconds, by the place in the code, then by the caller. */
  readonly #deaths = new Map<string, Deaths>();

  /** @param limit The number of crashes at one place in a minute that make a storm. 0 turns the guard off. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns the seconds until everybody's sessions may start again; 0 where there is no storm. */
  get secondsLeft(): number {
    return this.#longest((deaths, at) => {
      const known = [...deaths].filter(([caller]) => caller !== unknown).map(([, times]) => times);
      const nameless = deaths.get(unknown) ?? [];
      if (nameless.length === 0 && known.length < 2) return 0;
      // The crashes of one caller count as half of a storm at most.
      const half = Math.ceil(this.#limit / 2);
      const counted = [...nameless, ...known.flatMap((times) => times.slice(-half))].sort((a, b) => a - b);
      return this.#leftOf(counted, at);
    });
  }

  /** Returns the seconds until sessions of this caller may start again; 0 where nothing speaks against it. */
  secondsLeftFor(createdBy: JsonValue): number {
    const caller = callerOf(createdBy);
    return Math.max(
      this.secondsLeft,
      this.#longest((deaths, at) => this.#leftOf(deaths.get(caller) ?? [], at)),
    );
  }

  /** Counts a session whose thread crashed. Returns the place in the code where this crash begins a storm; null otherwise. */
  count(session: Pick<Session, "endReason" | "error" | "createdBy">): string | null {
    const { endReason, error, createdBy } = session;
    if (this.#limit === 0 || !endReason || !endReasons[endReason].isCrash || error === null) return null;
    const before = this.secondsLeftFor(createdBy);
    const where = codeOf(endReason, error);
    const deaths = this.#deaths.get(where) ?? new Map<string, number[]>();
    const caller = callerOf(createdBy);
    deaths.set(caller, [...(deaths.get(caller) ?? []).slice(-99), performance.now()]);
    this.#deaths.set(where, deaths);
    return before === 0 && this.secondsLeftFor(createdBy) > 0 ? where : null;
  }

  #longest(left: (deaths: Deaths, at: number) => number): number {
    const at = performance.now();
    let longest = 0;
    for (const [where, deaths] of this.#deaths) {
      forgetOld(deaths, at);
      if (deaths.size === 0) this.#deaths.delete(where);
      else longest = Math.max(longest, left(deaths, at));
    }
    return Math.ceil(longest / 1_000);
  }

  /**
   * Returns the milliseconds until a storm is over: until enough crashes are more than a minute old to fall below the
   * limit.
   */
  #leftOf(times: readonly number[], at: number): number {
    const decisive = this.#limit > 0 ? times.at(-this.#limit) : undefined;
    return decisive === undefined ? 0 : windowMs - (at - decisive);
  }
}

function forgetOld(deaths: Deaths, at: number): void {
  for (const [caller, times] of deaths) {
    const recent = times.filter((time) => at - time < windowMs);
    if (recent.length === 0) deaths.delete(caller);
    else deaths.set(caller, recent);
  }
}

const callerOf = (createdBy: JsonValue): string =>
  createdBy === null ? unknown : JSON.stringify(callerIdentity(createdBy));

/**
 * Returns the innermost line of the user's code; where none is known, the reason and the names of the error, without
 * its text.
 */
function codeOf(reason: EndReason, error: PlainError): string {
  const place = innermost(error);
  if (place !== undefined) return `${place.path}:${place.line}`;
  return [reason, error.name, error.code].filter((part) => part !== undefined).join(" ");
}

function innermost({ stack, cause }: PlainError): ErrorLocation | undefined {
  return placesIn(stack, 1)[0] ?? (cause && innermost(cause));
}
