import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { setImmediate as nextRound } from "node:timers/promises";
import { textOf } from "./body.ts";
import { connectionError } from "./error.ts";

export interface ConnectionRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Closes the connection, also while the answer is being read. */
  readonly signal: AbortSignal;
}

/**
 * Longest that a connection is kept while nobody speaks, in milliseconds: longer than most pauses in a call, and shorter
 * than firewalls and load balancers remember one. Node's `fetch` keeps it for 4 s: nearly every turn would pay a handshake.
 */
const longestIdleMs = 180_000;

const prepareTimeoutMs = 10_000;

/** Those of this thread, by origin. */
const pools = new Map<string, Connections>();

/** The connections of this thread to one server, kept open between requests. */
export class Connections {
  readonly #origin: string;
  readonly #agent: http.Agent;
  #users = 0;
  #preparing: Promise<void> | null = null;

  private constructor(origin: string) {
    this.#origin = origin;
    const options = {
      keepAlive: true,
      // Probes of the operating system: they also keep a firewall's memory of the connection fresh.
      keepAliveMsecs: 30_000,
      maxFreeSockets: 4,
      timeout: longestIdleMs,
      // As the switch of Node does for its own agents: proxies of the environment.
      ...(process.env.NODE_USE_ENV_PROXY === "1" ? { proxyEnv: process.env } : {}),
    };
    this.#agent = origin.startsWith("https:") ? new https.Agent(options) : new http.Agent(options);
  }

  /** Those to the server of a URL: shared, so that one that was opened before a voice exists is used by it. */
  static to(url: string): Connections {
    const { origin } = new URL(url);
    const known = pools.get(origin);
    if (known !== undefined) return known;
    const connections = new Connections(origin);
    pools.set(origin, connections);
    return connections;
  }

  /** Counts a user; each releases them once. */
  hold(): this {
    this.#users++;
    return this;
  }

  /** Closes them all when their last user is gone. */
  release(): void {
    if (--this.#users > 0) return;
    this.#agent.destroy();
    pools.delete(this.#origin);
  }

  /** Opens one for a request that is still to come, unless one waits already. Carries no key. */
  prepare(): Promise<void> {
    if (this.#waiting) return Promise.resolve();
    this.#preparing ??= this.#prepare().finally(() => {
      this.#preparing = null;
    });
    return this.#preparing;
  }

  /** A request whose answer is read whole, so that its connection is free again. */
  async ask(url: string, request: ConnectionRequest): Promise<{ incoming: IncomingMessage; text: string }> {
    const incoming = await this.open(url, request);
    const text = await textOf(incoming);
    // Node's agent takes the connection back just after the end of the answer.
    await nextRound();
    return { incoming, text };
  }

  /** Resolves when the head of the answer is there. Rejects with the reason of the signal, or an `ElevenlabsError`. */
  open(url: string, { method, headers, body, signal }: ConnectionRequest): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    if (signal.aborted) {
      reject(signal.reason);
      return promise;
    }
    const request = this.#origin.startsWith("https:") ? https.request : http.request;
    const outgoing = request(url, { agent: this.#agent, method, headers });
    let incoming: IncomingMessage | null = null;
    const cancel = () => {
      reject(signal.reason);
      (incoming ?? outgoing).destroy();
    };
    const over = () => signal.removeEventListener("abort", cancel);
    signal.addEventListener("abort", cancel, { once: true });
    outgoing.on("error", (error) => {
      over();
      reject(connectionError(error, outgoing.reusedSocket));
    });
    outgoing.on("response", (answer) => {
      incoming = answer;
      // What breaks the answer is told to whoever reads it; nobody may be reading at that moment.
      answer.on("error", () => {});
      answer.once("close", over);
      resolve(answer);
    });
    outgoing.end(body);
    return promise;
  }

  /** Any answer will do: the connection is then kept. */
  async #prepare(): Promise<void> {
    const signal = AbortSignal.timeout(prepareTimeoutMs);
    await this.ask(`${this.#origin}/`, { method: "GET", headers: {}, signal });
  }

  get #waiting(): boolean {
    return Object.values(this.#agent.freeSockets).some((sockets) =>
      sockets?.some(({ destroyed }) => !destroyed),
    );
  }
}
