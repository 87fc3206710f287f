import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { ElevenlabsError } from "./error.ts";

export interface ConnectionRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Closes the connection, also while the answer is being read. */
  readonly signal: AbortSignal;
}

/**
 * Longest that a connection is kept while nobody speaks, in milliseconds: longer than a pause in a call, and below the ten
 * minutes after which cloud load balancers commonly drop one. Global `fetch` would keep it for 4 s, so that each turn
 * of a call paid a handshake.
 */
const longestIdleMs = 240_000;

/** The connections to one server, kept open between requests. */
export class Connections {
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;

  constructor(baseUrl: URL) {
    const options = {
      keepAlive: true,
      maxFreeSockets: 4,
      scheduling: "lifo",
      timeout: longestIdleMs,
      // As the switch of Node does for its own agents: proxies of the environment.
      ...(process.env.NODE_USE_ENV_PROXY === "1" ? { proxyEnv: process.env } : {}),
    } as const;
    const secure = baseUrl.protocol === "https:";
    this.#agent = secure ? new https.Agent(options) : new http.Agent(options);
    this.#request = secure ? https.request : http.request;
  }

  /** Is a connection open and free? The next request will take it. */
  get ready(): boolean {
    return Object.values(this.#agent.freeSockets).some((sockets) => sockets?.some((socket) => !socket.destroyed));
  }

  /** Resolves when the head of the answer is there. Rejects with the reason of the signal, or an `ElevenlabsError`. */
  open(url: string, { method, headers, body, signal }: ConnectionRequest): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    if (signal.aborted) {
      reject(signal.reason);
      return promise;
    }
    const outgoing = this.#request(url, { agent: this.#agent, method, headers });
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

  close(): void {
    this.#agent.destroy();
  }
}

/** What broke a connection, as an error with the system's `code`. */
export function connectionError(error: unknown, stale = false): ElevenlabsError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new ElevenlabsError(`The connection to ElevenLabs failed: ${message || code || "unknown"}`, {
    kind: "network",
    code: code ?? "ECONNRESET",
    stale: stale && (code === "ECONNRESET" || code === "EPIPE"),
    cause: error,
  });
}
