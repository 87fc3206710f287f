import { extname } from "node:path";
import type { ServerLog } from "../../log/log.ts";
import type { Metrics } from "../../metrics/prometheus.ts";
import { within } from "../../shared/deadline.ts";
import { plainError } from "../../shared/errors.ts";
import type { JsonValue, LeaveData, LeaveModule } from "../../shared/protocol.ts";
import { providers } from "../../shared/providers/provider-table.ts";
import { loggedError } from "../log-error.ts";

/** The longest time that leaving for a dead thread may take, in milliseconds. */
const timeoutMs = 5_000;
/** The shortest text of the data that is taken for a secret, in characters: shorter ones may well occur in an error. */
const shortestSecret = 12;

/**
 * Leaves the calls of threads that ended without leaving, so that no silent participant stays in them. The edge decides
 * how: the module that the server has for it is imported when it is first needed.
 */
export class LeavesOnBehalf {
  readonly #log: ServerLog;
  readonly #metrics: Metrics;
  readonly #modules: ReadonlyMap<string, string>;
  readonly #underWay = new Set<Promise<void>>();

  /**
   * @param modules The `file:` URLs of the modules that leave, by provider.
   */
  constructor(modules: ReadonlyMap<string, string>, log: ServerLog, metrics: Metrics) {
    this.#modules = modules;
    this.#log = log;
    this.#metrics = metrics;
  }

  /** Begins to leave the call of this session. Never throws. */
  leave(sessionId: string, leaveData: LeaveData): void {
    const leaving = this.#leave(sessionId, leaveData);
    this.#underWay.add(leaving);
    void leaving.then(() => this.#underWay.delete(leaving));
  }

  /** Waits for all that are under way, each of which has a deadline. */
  async flush(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #leave(sessionId: string, { provider, data }: LeaveData): Promise<void> {
    const startedAt = performance.now();
    const over = new AbortController();
    try {
      await within(
        this.#runModule(provider, data, over.signal),
        timeoutMs,
        "To leave the call for a dead thread",
      );
      this.#metrics.leftOnBehalf("done");
      const ms = Math.round(performance.now() - startedAt);
      this.#log.info(
        { event: "call_left_on_behalf", session_id: sessionId, ms },
        "The server left a call for a dead thread",
      );
    } catch (error) {
      this.#metrics.leftOnBehalf("failed");
      const { name, message, code } = plainError(error);
      const err = loggedError({ name, message: withoutSecrets(message, data), code });
      this.#log.warn(
        { event: "call_not_left_on_behalf", session_id: sessionId, err },
        "The server could not leave a call for a dead thread",
      );
    } finally {
      over.abort(new Error("The time for leaving the call is over"));
    }
  }

  async #runModule(provider: string, data: LeaveData["data"], signal: AbortSignal): Promise<void> {
    const url = this.#modules.get(provider);
    if (url === undefined) {
      throw new TypeError(
        `No module is known that leaves calls of the edge ${JSON.stringify(provider)} (leaveModules of the launcher)`,
      );
    }
    const { leave } = (await import(url)) as Partial<LeaveModule>;
    if (typeof leave !== "function") throw new TypeError(`${url} has no function leave`);
    await leave(data, { signal });
  }
}

/** Returns a message without the texts of the data, since the texts of errors often quote them. */
function withoutSecrets(message: string, data: JsonValue): string {
  if (typeof data === "string") return data.length < shortestSecret ? message : message.replaceAll(data, "…");
  if (typeof data !== "object" || data === null) return message;
  return Object.values(data).reduce<string>(withoutSecrets, message);
}

// The extension is .ts in the clone and .js in the package.
const extension = extname(import.meta.url);

/**
 * The modules of Greenroom's own edges, by the edge's `provider`. A call in memory needs none: it ends with its thread.
 */
const ownModules = Object.entries(providers)
  .filter(([, { leavesCalls }]) => leavesCalls)
  .map(([name]) => [name, new URL(`../../providers/${name}/leave-module${extension}`, import.meta.url).href]);

/**
 * Returns the modules that leave calls for dead threads, by the edge's `provider`: a closed table of `file:` URLs. A
 * thread names a provider, and never a module, so that no agent's code decides what the main thread loads.
 * @param given The application's own modules, for edges of its own; they replace Greenroom's.
 */
export function leaveModulesOf(given: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries({ ...Object.fromEntries(ownModules), ...given }));
}
