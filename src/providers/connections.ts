import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { setImmediate as nextRound } from "node:timers/promises";
import { proxyOptions } from "../network/proxy.ts";
import { wellFormedJson } from "../shared/text.ts";

/**
 * The time that an unused connection is kept, in milliseconds: longer than most pauses in a call, and shorter than
 * firewalls and load balancers remember one. Node's own fetch keeps it for 4 s: nearly every turn would begin with a TLS
 * handshake.
 */
const longestIdleMs = 180_000;

const openTimeoutMs = 10_000;

/** The connections of this thread, by origin. */
const pools = new Map<string, Connections>();

/** The connections of this thread to one server, kept open between requests. */
export class Connections {
  readonly #origin: string;
  readonly #agent: HttpAgent;
  #users = 0;
  #closed = false;
  #opening: Promise<void> | null = null;

  private constructor(origin: string) {
    this.#origin = origin;
    const options = {
      keepAlive: true,
      // Probes of the operating system, which also keep a firewall's entry alive.
      keepAliveMsecs: 30_000,
      maxFreeSockets: 4,
      timeout: longestIdleMs,
      ...proxyOptions(origin),
    };
    this.#agent = origin.startsWith("https:") ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /**
   * Returns the connections to the server of a URL. They are shared, so that one that was opened before a provider exists
   * is used by it.
   */
  static to(url: string): Connections {
    const { origin } = new URL(url);
    const known = pools.get(origin);
    if (known !== undefined) return known;
    const connections = new Connections(origin);
    pools.set(origin, connections);
    return connections;
  }

  /** Their last user is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Counts a user; each releases them once. */
  hold(): this {
    this.#users++;
    return this;
  }

  /** Closes them all when their last user is gone. */
  release(): void {
    if (--this.#users > 0) return;
    this.#closed = true;
    this.#agent.destroy();
    pools.delete(this.#origin);
  }

  /** Sends a request over one of them. Its body is JSON, and leaves as well-formed text whatever it holds. */
  send(url: string | URL, options: Omit<RequestOptions, "agent">, json?: string): ClientRequest {
    const outgoing = this.#request(url, options);
    outgoing.end(json === undefined ? undefined : wellFormedJson(json));
    return outgoing;
  }

  #request(url: string | URL, options: Omit<RequestOptions, "agent">): ClientRequest {
    const request = this.#origin.startsWith("https:") ? httpsRequest : httpRequest;
    return request(url, { ...options, agent: this.#agent });
  }

  /** Opens one for a request that is still to come, unless one waits already. Carries no key. */
  prepare(): Promise<void> {
    if (this.#waiting) return Promise.resolve();
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  get #waiting(): boolean {
    return Object.values(this.#agent.freeSockets).some((sockets) =>
      sockets?.some(({ destroyed }) => !destroyed),
    );
  }

  /** Any answer will do: the connection is then kept. */
  async #open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const signal = AbortSignal.timeout(openTimeoutMs);
    // Not HEAD: Node's client closes the connection after an answer to it that does not tell its length.
    const outgoing = this.send(`${this.#origin}/`, { method: "GET", signal });
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      incoming.on("error", reject);
      incoming.on("end", resolve);
      incoming.resume();
    });
    await promise;
    // Node's agent takes the connection back just after the end of the answer.
    await nextRound();
  }
}
