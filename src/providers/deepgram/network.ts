import { Agent as HttpAgent, request as plainRequest } from "node:http";
import { Agent, request as secureRequest } from "node:https";
import { proxyOptions } from "../../network/proxy.ts";
import { webSocketAgent } from "../../network/tunnel.ts";
import { DeepgramError, refused, timedOut, unreachable } from "./error.ts";
import type { FilledDeepgramOptions } from "./options.ts";

/**
 * The agent of the thread, for every STT. It keeps no connection but TLS sessions: a later handshake to the
 * same server resumes one, which saves its certificates and, with TLS 1.2, a round trip.
 */
const agent = new Agent({ keepAlive: false });

/** Returns the agent that connects to a URL, through its proxy where it has one. */
export const agentFor = (url: string): HttpAgent | undefined =>
  webSocketAgent(url) ?? (/^(wss|https):/.test(url) ? agent : undefined);

/**
 * Prepares a connection: it resolves the host name, keeps a TLS session, and checks the key. No WebSocket is
 * opened ahead, since one without sound is closed after a while, and one with silence is paid for. No address
 * is kept beyond what resolvers do, since they know for how long it is valid. It rejects with a {@link
 * DeepgramError}; status 401 is a wrong key.
 */
export async function warmUp(
  { apiKey, baseUrl, connectTimeoutMs }: FilledDeepgramOptions,
  signal: AbortSignal,
): Promise<void> {
  // https://developers.deepgram.com/docs/authenticating: answers whether a key is good.
  const url = `${baseUrl.replace(/^ws/, "http").replace(/\/+$/, "")}/v1/auth/token`;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const send = url.startsWith("https:") ? secureRequest : plainRequest;
  const outgoing = send(url, {
    agent: url.startsWith("https:") ? agentFor(url) : new HttpAgent(proxyOptions(url)),
    headers: { authorization: `Token ${apiKey}` },
    signal,
  });
  const deadline = setTimeout(
    () => outgoing.destroy(timedOut("To prepare a connection to Deepgram", connectTimeoutMs)),
    connectTimeoutMs,
  );
  outgoing.on("response", (answer) => {
    const status = answer.statusCode ?? 0;
    let body = "";
    answer.setEncoding("utf8").on("data", (piece: string) => {
      if (body.length < 4_096) body += piece;
    });
    // Whatever else it says: the way is prepared, and listening will tell.
    answer.on("end", () =>
      status === 401 ? reject(refused({ status, headers: answer.headers, body }, apiKey)) : resolve(),
    );
    answer.on("error", reject);
  });
  outgoing.on("error", reject);
  outgoing.end();
  try {
    await promise;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof DeepgramError ? error : unreachable(error);
  } finally {
    clearTimeout(deadline);
  }
}
