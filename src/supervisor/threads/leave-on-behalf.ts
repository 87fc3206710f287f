import type { Logger } from "pino";
import type { Metrics } from "../../metrics/prometheus.ts";
import { within } from "../../shared/deadline.ts";
import { plainError } from "../../shared/errors.ts";
import type { Farewell, FarewellModule, JsonValue } from "../../shared/protocol.ts";
import { loggedError } from "../log-error.ts";

/** The longest time that leaving for a dead thread may take, in milliseconds. */
const timeoutMs = 5_000;
/** The shortest text of the data that is taken for a secret, in characters: shorter ones may well occur in an error. */
const shortestSecret = 12;

/**
 * Leaves the calls of threads that died in them, so that nobody is left with a silent participant who is not there. The
 * edge decides how: the module that the server has for it is imported when the first such thread has died.
 */
export class Farewells {
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #modules: ReadonlyMap<string, string>;
  readonly #underWay = new Set<Promise<void>>();

  /**
   * @param modules The `file:` URLs of the modules that leave, by provider.
   */
  constructor(modules: ReadonlyMap<string, string>, log: Logger, metrics: Metrics) {
    this.#modules = modules;
    this.#log = log;
    this.#metrics = metrics;
  }

  /** Begins to leave the call of this session. Never throws. */
  bid(sessionId: string, farewell: Farewell): void {
    const bidding = this.#bid(sessionId, farewell);
    this.#underWay.add(bidding);
    void bidding.then(() => this.#underWay.delete(bidding));
  }

  /** Waits for all that are under way, each of which has a deadline. */
  async flush(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #bid(sessionId: string, { provider, data }: Farewell): Promise<void> {
    const startedAt = performance.now();
    const over = new AbortController();
    try {
      await within(this.#leave(provider, data, over.signal), timeoutMs, "To leave for a thread that died");
      this.#metrics.farewell("done");
      const ms = Math.round(performance.now() - startedAt);
      this.#log.info({ session_id: sessionId, ms }, "left the call for a thread that died");
    } catch (error) {
      this.#metrics.farewell("failed");
      const { name, message, code } = plainError(error);
      const err = loggedError({ name, message: withoutSecrets(message, data), code });
      this.#log.warn({ session_id: sessionId, err }, "could not leave the call for a thread that died");
    } finally {
      over.abort(new Error("Nobody waits for the farewell"));
    }
  }

  async #leave(provider: string, data: Farewell["data"], signal: AbortSignal): Promise<void> {
    const url = this.#modules.get(provider);
    if (url === undefined) {
      throw new TypeError(
        `No module is known that leaves calls of the edge ${JSON.stringify(provider)} (farewells of the launcher)`,
      );
    }
    const { farewell } = (await import(url)) as Partial<FarewellModule>;
    if (typeof farewell !== "function") throw new TypeError(`${url} has no function farewell`);
    await farewell(data, { signal });
  }
}

/** Returns a message without the texts of the data, which errors like to quote. */
function withoutSecrets(message: string, data: JsonValue): string {
  if (typeof data === "string") return data.length < shortestSecret ? message : message.replaceAll(data, "…");
  if (typeof data !== "object" || data === null) return message;
  return Object.values(data).reduce<string>(withoutSecrets, message);
}
