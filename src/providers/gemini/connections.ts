import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { setImmediate as nextTick } from "node:timers/promises";

/** How long an unused connection is kept, in milliseconds: below what firewalls on the way forget. */
const idleConnectionMs = 180_000;

const openTimeoutMs = 10_000;

/** Of each thread, by origin. */
const pools = new Map<string, Connections>();

/**
 * The kept-alive connections of this thread to one server, and a `fetch` that uses them. Node's own fetch closes a
 * connection after 4 s without a request, so that almost every turn of a conversation would begin with a TLS handshake.
 */
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
      timeout: idleConnectionMs,
      ...(process.env.NODE_USE_ENV_PROXY === "1" ? { proxyEnv: process.env } : {}),
    };
    this.#agent = origin.startsWith("https:") ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Those to the server of a URL: shared, so that a connection prepared before a model exists is used by it. */
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

  /** Closes them when their last user is gone. */
  release(): void {
    if (--this.#users > 0) return;
    this.#closed = true;
    this.#agent.destroy();
    pools.delete(this.#origin);
  }

  /** Opens a connection, unless one waits already; for a request that is still to come. Carries no key. */
  prepare(): Promise<void> {
    if (this.#waiting) return Promise.resolve();
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** As the global fetch, as far as the SDK uses it. Errors carry the system's `code`. */
  readonly fetch: typeof fetch = async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    for (;;) {
      const exchange = this.#send(url, init);
      try {
        return await exchange.answer;
      } catch (error) {
        // The server closed a kept connection just as it was used: nothing was read from it, so another is tried.
        if (!exchange.staleAfter(error) || init.signal?.aborted || this.#closed) throw error;
      }
    }
  };

  get #waiting(): boolean {
    return Object.values(this.#agent.freeSockets).some((sockets) =>
      sockets?.some(({ destroyed }) => !destroyed),
    );
  }

  /** Any answer will do: the connection is then kept. */
  async #open(): Promise<void> {
    // Not HEAD: Node's client closes the connection after an answer to it that does not tell its length.
    const answer = await this.fetch(`${this.#origin}/`, { signal: AbortSignal.timeout(openTimeoutMs) });
    await answer.text();
    // Node's agent takes the connection back just after the end of the answer.
    await nextTick();
  }

  #send(url: URL, { method = "GET", headers, body, signal }: RequestInit) {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const outgoing = send(url, {
      method,
      headers: Object.fromEntries(new Headers(headers)),
      agent: this.#agent,
      ...(signal ? { signal } : {}),
    });
    outgoing.on("response", (incoming) => resolve(asResponse(incoming)));
    // Stays for the life of the request: what goes wrong after the answer began is told by its body too.
    outgoing.on("error", reject);
    outgoing.end(body);
    return {
      answer: promise,
      staleAfter: (error: unknown) =>
        outgoing.reusedSocket && ["ECONNRESET", "EPIPE"].includes(String((error as { code?: unknown }).code)),
    };
  }
}

function asResponse(incoming: IncomingMessage): Response {
  const { statusCode: status = 502, statusMessage: statusText = "", headersDistinct } = incoming;
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  const empty = [204, 205, 304].includes(status);
  if (empty) incoming.resume();
  return new Response(empty ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>), {
    status,
    statusText,
    headers,
  });
}
