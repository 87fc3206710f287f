import { Agent, type AgentOptions, request as plainRequest } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import type { Duplex } from "node:stream";
import { proxyFor, proxyOptions } from "./proxy.ts";

/**
 * The longest wait for a proxy's answer to CONNECT, in milliseconds; whoever asked for the tunnel mostly gives up
 * before.
 */
const tunnelTimeoutMs = 30_000;

/** The agents of this thread, by scheme and proxy. */
const agents = new Map<string, Agent>();

/** The agent for a WebSocket's handshake, which leads through the proxy of its URL; undefined where there is none. */
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
 * Reaches servers without TLS over CONNECT. Node's own agent sends a proxy the whole request instead, which proxies do not
 * pass on where it becomes a WebSocket (RFC 6455, 4.1).
 */
class TunnelAgent extends Agent {
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

/** The value of the header that a proxy with a user in its address wants; null where there is none. */
export function proxyAuthorization({ username, password }: URL): string | null {
  if (username === "" && password === "") return null;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/** A connection through a proxy to `target`, a host and a port. */
function openTunnel(proxy: URL, target: string): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const authorization = proxyAuthorization(proxy);
  const outgoing = (proxy.protocol === "https:" ? secureRequest : plainRequest)({
    host: proxy.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
    method: "CONNECT",
    path: target,
    agent: false,
    headers: { host: target, ...(authorization === null ? {} : { "proxy-authorization": authorization }) },
  });
  const failed = (why: string) =>
    reject(
      Object.assign(new Error(`Failed to establish tunnel to ${target} via ${proxy.origin}: ${why}`), {
        code: "ERR_PROXY_TUNNEL",
      }),
    );
  outgoing.setTimeout(tunnelTimeoutMs, () => outgoing.destroy(new Error("no answer")));
  outgoing.on("connect", ({ statusCode, statusMessage }, socket, head) => {
    if (statusCode !== 200) {
      socket.destroy();
      failed(`${statusCode} ${statusMessage}`);
      return;
    }
    socket.setTimeout(0);
    if (head.length > 0) socket.unshift(head);
    resolve(socket);
  });
  // A proxy that knows no CONNECT.
  outgoing.on("response", (answer) => {
    answer.destroy();
    failed(`${answer.statusCode} ${answer.statusMessage}`);
  });
  outgoing.on("error", reject);
  outgoing.end();
  return promise;
}
