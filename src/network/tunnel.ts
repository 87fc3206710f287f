import type { Agent, AgentOptions } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import type { Duplex } from "node:stream";
import { http } from "./node-http.ts";
import { proxyFor, proxyOptions } from "./proxy.ts";

/**
 * The longest wait for a proxy's answer to CONNECT, in milliseconds; mostly the caller's own deadline is
 * earlier.
 */
const tunnelTimeoutMs = 30_000;

/** The agents of this thread, by scheme and proxy. */
const agents = new Map<string, Agent>();

/**
 * Returns the agent for a WebSocket's handshake, which uses the proxy of its URL; undefined where there is
 * none.
 */
export function webSocketAgent(url: string): Agent | undefined {
  const proxy = proxyFor(url);
  if (proxy === null) return undefined;
  const secure = url.startsWith("wss:") || url.startsWith("https:");
  const name = `${secure} ${proxy.href}`;
  const agent = agents.get(name) ?? (secure ? new SecureAgent(proxyOptions(url)) : new TunnelAgent(proxy));
  agents.set(name, agent);
  return agent;
}

/**
 * Connects to servers without TLS through CONNECT. Node's own agent sends a proxy the whole request instead,
 * which proxies do not pass on where it becomes a WebSocket (RFC 6455, 4.1).
 */
class TunnelAgent extends http.Agent {
  readonly #proxy: URL;

  constructor(proxy: URL) {
    super({ keepAlive: false });
    this.#proxy = proxy;
  }

  override createConnection(
    { host, port }: AgentOptions & { readonly host?: string; readonly port?: number | string },
    callback: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    openTunnel(this.#proxy, `${host}:${port}`).then(
      (socket) => callback(null, socket),
      (error: Error) => callback(error, undefined as unknown as Duplex),
    );
  }
}

/** Returns the value of the header for a proxy with a user in its address; null where there is none. */
export function proxyAuthorization({ username, password }: URL): string | null {
  if (username === "" && password === "") return null;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/** Resolves with a connection through a proxy to `target`, a host and a port. */
function openTunnel(proxy: URL, target: string): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const authorization = proxyAuthorization(proxy);
  const outgoing = (proxy.protocol === "https:" ? secureRequest : http.request)({
    host: proxy.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
    method: "CONNECT",
    path: target,
    agent: false,
    headers: { host: target, ...(authorization === null ? {} : { "proxy-authorization": authorization }) },
  });
  const fail = (reason: string) =>
    reject(
      Object.assign(new Error(`Failed to establish tunnel to ${target} via ${proxy.origin}: ${reason}`), {
        code: "ERR_PROXY_TUNNEL",
      }),
    );
  outgoing.setTimeout(tunnelTimeoutMs, () => outgoing.destroy(new Error("no answer")));
  outgoing.on("connect", ({ statusCode, statusMessage }, socket, head) => {
    if (statusCode !== 200) {
      socket.destroy();
      fail(`${statusCode} ${statusMessage}`);
      return;
    }
    socket.setTimeout(0);
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  // A proxy that does not support CONNECT sends an ordinary response.
  outgoing.on("response", (answer) => {
    answer.destroy();
    fail(`${answer.statusCode} ${answer.statusMessage}`);
  });
  outgoing.on("error", reject);
  outgoing.end();
  return promise;
}
