import { http } from "../../../network/node-http.ts";
import { proxyOptions } from "../../../network/proxy.ts";
import { refusalText } from "../../http/body.ts";
import { sendRequest } from "../../http/request.ts";
import { agentFor } from "../../web-socket/agent.ts";
import { DeepgramError, refused, timedOut, unreachable } from "../error.ts";
import type { FilledDeepgramOptions } from "../options.ts";

/**
 * Prepares a connection: it resolves the host name, keeps a TLS session, and checks the key. No WebSocket is
 * opened ahead, since one without sound is closed after a while, and one with silence is paid for. No address
 * is kept beyond what resolvers do, since they know for how long it is valid. It rejects with a
 * {@link DeepgramError}; status 401 is a wrong key.
 */
export async function warmUp(
  { apiKey, baseUrl, connectTimeoutMs }: FilledDeepgramOptions,
  signal: AbortSignal,
): Promise<void> {
  // This endpoint tells whether a key is valid (https://developers.deepgram.com/docs/authenticating).
  const url = `${baseUrl.replace(/^ws/, "http").replace(/\/+$/, "")}/v1/auth/token`;
  const agent = url.startsWith("https:") ? agentFor(url) : new http.Agent(proxyOptions(url));
  const deadline = new AbortController();
  const timer = setTimeout(
    () => deadline.abort(timedOut("To prepare a connection to Deepgram", connectTimeoutMs)),
    connectTimeoutMs,
  );
  try {
    const incoming = await sendRequest(url, agent, {
      method: "GET",
      headers: { authorization: `Token ${apiKey}` },
      signal: AbortSignal.any([signal, deadline.signal]),
    });
    const status = incoming.statusCode ?? 0;
    const body = await refusalText(incoming);
    signal.throwIfAborted();
    // Any other response shows that the way is prepared, and listening will show whether the rest works.
    if (status === 401) throw refused({ status, headers: incoming.headers, body }, apiKey);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof DeepgramError ? error : unreachable(error);
  } finally {
    clearTimeout(timer);
  }
}
