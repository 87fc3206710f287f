import type { Agent as HttpAgent, IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { setImmediate as nextRound } from "node:timers/promises";
import { longestIdleMs } from "../../network/dispatcher.ts";
import { http } from "../../network/node-http.ts";
import { proxyOptions } from "../../network/proxy.ts";
import { fromEnvironment, type ProviderVariable } from "../../shared/providers/provider-table.ts";
import { type HttpRequest, sendRequest } from "./request.ts";

/** The longest wait for the response by which a connection is opened ahead, in milliseconds. */
const openTimeoutMs = 10_000;

/** The connections of this thread, by origin. */
const pools = new Map<string, Connections>();

/** The connections of this thread to one server, which are kept open between requests. */
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
      // The operating system's probes also keep the entry of a firewall alive.
      keepAliveMsecs: 30_000,
      maxFreeSockets: 4,
      timeout: longestIdleMs,
      ...proxyOptions(origin),
    };
    this.#agent = origin.startsWith("https:") ? new HttpsAgent(options) : new http.Agent(options);
  }

  /**
   * Returns the connections to the server of a URL. They are shared in the thread, so that a provider uses one that was opened
   * before the provider was created.
   */
  static to(url: string): Connections {
    const { origin } = new URL(url);
    const known = pools.get(origin);
    if (known !== undefined) return known;
    const connections = new Connections(origin);
    pools.set(origin, connections);
    return connections;
  }

  /** Returns whether the last user has released them. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Counts a user. Each user calls {@link release} once. */
  hold(): this {
    this.#users++;
    return this;
  }

  /** Removes a user, and closes all connections with the last one. */
  release(): void {
    if (--this.#users > 0) return;
    this.#closed = true;
    this.#agent.destroy();
    pools.delete(this.#origin);
  }

  /** Sends a request over one of the connections, as {@link sendRequest} does. */
  request(url: string | URL, request: HttpRequest): Promise<IncomingMessage> {
    return sendRequest(url, this.#agent, request);
  }

  /**
   * Opens a connection for a later request, unless one is open and free. The request that opens it carries no key. It rejects
   * with the system's error.
   */
  prepare(): Promise<void> {
    if (this.#hasFree) return Promise.resolve();
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  get #hasFree(): boolean {
    return Object.values(this.#agent.freeSockets).some((sockets) =>
      sockets?.some(({ destroyed }) => !destroyed),
    );
  }

  /** Makes a request whose response does not matter: the connection is kept after it. */
  async #open(): Promise<void> {
    const signal = AbortSignal.timeout(openTimeoutMs);
    // A HEAD request does not do: Node's client closes the connection after a response to it without a length.
    const incoming = await this.request(`${this.#origin}/`, { method: "GET", signal });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    incoming.on("error", reject);
    incoming.on("end", resolve);
    incoming.resume();
    await promise;
    await connectionFreed();
  }
}

/** Resolves when the connection of a response that was read to its end can be used again: just after that end. */
export async function connectionFreed(): Promise<void> {
  await nextRound();
}

/**
 * Begins to open a connection to a provider, where its key is in the environment. It neither waits nor throws: where it fails,
 * the first request opens a connection.
 * @param variables The variables that hold the key and the address.
 */
export function openAhead(
  variables: { readonly apiKey: ProviderVariable; readonly baseUrl: ProviderVariable },
  defaultBaseUrl: string,
): void {
  if (fromEnvironment(variables.apiKey) === undefined) return;
  const baseUrl = fromEnvironment(variables.baseUrl) ?? defaultBaseUrl;
  if (!URL.canParse(baseUrl)) return;
  Connections.to(baseUrl)
    .prepare()
    .catch(() => undefined);
}
