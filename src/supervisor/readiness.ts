import { GreenroomError } from "../shared/errors.ts";
import type { JsonValue } from "../shared/protocol.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { ThreadMonitor } from "./monitor/thread-monitor.ts";
import type { Admission } from "./starts/admission.ts";
import type { CrashStorm } from "./starts/crash-storm.ts";
import type { Pool } from "./threads/pool.ts";
import type { WarmUp } from "./warm-up/warm-up.ts";

export interface ReadinessOptions {
  readonly lifecycle: Lifecycle;
  readonly warmUp: WarmUp;
  readonly monitor: ThreadMonitor;
  readonly crashStorm: CrashStorm;
  readonly pool: Pool;
  readonly admission: Admission;
  /** Returns whether the registry has to answer for the first time before anything is served, and has not. */
  readonly awaitsRegistry: () => boolean;
  /** Returns whether the registry cannot be written to at the moment, and starts are refused while that is so. */
  readonly registryRefuses: () => boolean;
  /** Accepts starts whatever the load guard says. */
  readonly ignoreLoad: boolean;
}

/** Judges whether a session could start here now, and why not. */
export class Readiness {
  readonly #options: ReadinessOptions;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Returns the reason why a start would be refused now, or null. */
  unreadiness(): GreenroomError | null {
    const own = this.#ownUnreadiness();
    if (own !== null && own.code !== "POOL_FULL") return own;
    return this.#options.registryRefuses() ? new GreenroomError("REGISTRY_UNAVAILABLE") : own;
  }

  /** Does the same as {@link unreadiness} without the registry, through which peers hear of it. */
  #ownUnreadiness(): GreenroomError | null {
    const { lifecycle, pool, admission } = this.#options;
    if (lifecycle.state === "announced") return new GreenroomError("DRAINING");
    const refusal = this.refusal();
    if (refusal) return refusal;
    if (pool.failure) return new GreenroomError("AGENT_UNAVAILABLE");
    return admission.full ? new GreenroomError("POOL_FULL") : null;
  }

  /**
   * Returns whether a start would be accepted as soon as there is room: room comes and goes faster than peers hear of
   * it.
   */
  wouldStart(): boolean {
    const unreadiness = this.#ownUnreadiness();
    return unreadiness === null || unreadiness.code === "POOL_FULL";
  }

  /** Returns the reason why no start of this caller is accepted, or null. */
  refusalOf(createdBy: JsonValue): GreenroomError | null {
    return this.refusal() ?? storm(this.#options.crashStorm.secondsLeftFor(createdBy));
  }

  /**
   * Returns the reason why no start of any caller is accepted, or null. The admission decides whether there is room.
   */
  refusal(): GreenroomError | null {
    const { lifecycle, monitor, crashStorm, ignoreLoad } = this.#options;
    if (lifecycle.state === "idle") return new GreenroomError("NOT_STARTED");
    if (lifecycle.state === "warming") return this.#coldness();
    if (!lifecycle.accepting) return new GreenroomError("DRAINING");
    if (!ignoreLoad && monitor.loadGuard.causes().length > 0) {
      return new GreenroomError("OVERLOADED", undefined, { retryAfterSeconds: 5 });
    }
    return storm(crashStorm.secondsLeft);
  }

  /** Returns the reason why no thread is warm: it takes its time, or the agent is at fault. */
  #coldness(): GreenroomError {
    const { warmUp, pool, awaitsRegistry } = this.#options;
    const cause = warmUp.failure ?? pool.failure ?? undefined;
    if (cause !== undefined) return new GreenroomError("AGENT_UNAVAILABLE", undefined, { cause });
    return new GreenroomError(awaitsRegistry() ? "REGISTRY_UNAVAILABLE" : "WARMING_UP");
  }
}

function storm(retryAfterSeconds: number): GreenroomError | null {
  return retryAfterSeconds > 0 ? new GreenroomError("CRASH_STORM", undefined, { retryAfterSeconds }) : null;
}
