import type { Agent, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { http } from "../../network/node-http.ts";
import { wellFormedJson } from "../../shared/text/text.ts";

/** A request to a provider. */
export interface HttpRequest {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The body: JSON, which is sent as well-formed text, whatever it contains; or bytes, which are sent as they are. */
  readonly body?: string | Uint8Array | undefined;
  /** Closes the connection, also while the response is being read. */
  readonly signal?: AbortSignal | null | undefined;
}

/** The errors of requests on a kept connection that the server had closed. */
const stale = new WeakSet<object>();

/**
 * Returns whether a request failed since its kept connection had been closed by the server: nothing was read, so that it can
 * be sent again over another one.
 */
export function isStale(error: unknown): boolean {
  return typeof error === "object" && error !== null && stale.has(error);
}

/**
 * Sends a request over an agent of Node. It resolves with the response when its head has arrived; errors after that are those
 * of its body. It rejects with the reason of the signal, or with the system's error, which has a `code`.
 */
export function sendRequest(
  url: string | URL,
  agent: Agent | undefined,
  { method, headers, body, signal }: HttpRequest,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  if (signal?.aborted) {
    reject(signal.reason);
    return promise;
  }
  const request = new URL(url).protocol === "https:" ? httpsRequest : http.request;
  const outgoing = request(url, {
    method,
    ...(headers === undefined ? {} : { headers }),
    ...(agent === undefined ? {} : { agent }),
  });
  let incoming: IncomingMessage | null = null;
  const abort = () => {
    reject(signal?.reason);
    (incoming ?? outgoing).destroy(new Error("The request was aborted", { cause: signal?.reason }));
  };
  const over = () => signal?.removeEventListener("abort", abort);
  signal?.addEventListener("abort", abort, { once: true });
  // The handler remains for the lifetime of the request: errors after the response began are those of its body.
  outgoing.on("error", (error: NodeJS.ErrnoException) => {
    over();
    if (outgoing.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE")) stale.add(error);
    reject(error);
  });
  outgoing.on("response", (response) => {
    incoming = response;
    // The error of a body is reported to its reader; at this moment there may be none.
    response.on("error", () => {});
    response.once("close", over);
    resolve(response);
  });
  outgoing.end(typeof body === "string" ? wellFormedJson(body) : body);
  return promise;
}
