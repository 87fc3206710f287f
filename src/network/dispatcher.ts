import { Agent as SecureAgent } from "node:https";
import { proxyFor, proxyOptions } from "./proxy.ts";
import { proxyAuthorization } from "./tunnel.ts";

export type Dispatcher = NonNullable<RequestInit["dispatcher"]>;
type DispatchOptions = Parameters<Dispatcher["dispatch"]>[0];
type DispatchHandler = Parameters<Dispatcher["dispatch"]>[1];

/** A destination, as Node's fetch gives it to the function that connects. */
interface Destination {
  readonly hostname: string;
  readonly port: string;
  readonly servername?: string | null;
}
type AgentClass = new (options: object) => Dispatcher;

/**
 * The time for which an unused connection is kept, in milliseconds: longer than most pauses in a call, and
 * shorter than firewalls and load balancers keep one. Node's own fetch keeps it for 4 s, so that nearly every
 * turn would begin with a TLS handshake.
 */
export const longestIdleMs = 180_000;
const keeping = { keepAliveTimeout: longestIdleMs, keepAliveMaxTimeout: longestIdleMs };

let kept: KeptConnections | undefined;

/**
 * Returns the dispatcher for this thread's requests by fetch. It is Node's own agent, which here keeps its
 * connections and uses the proxies of {@link proxyFor}. It is undefined where this version of Node has no
 * such agent; fetch then works without it.
 */
export function keptConnections(): Dispatcher | undefined {
  const Agent = kept === undefined ? agentClass() : undefined;
  if (Agent !== undefined) kept = new KeptConnections(Agent);
  // Fetch calls no other method of a dispatcher than `dispatch`.
  return kept as unknown as Dispatcher | undefined;
}

/** Returns the dispatcher of kept connections as an option of fetch. */
export function overKeptConnections(): { readonly dispatcher?: Dispatcher } {
  const dispatcher = keptConnections();
  return dispatcher === undefined ? {} : { dispatcher };
}

/** Returns the option of fetch for a single request: none, unless this URL has a proxy. */
export function throughProxy(url: string | URL): { readonly dispatcher?: Dispatcher } {
  const usual = proxyFor(url) === null && process.env.NODE_USE_ENV_PROXY !== "1";
  return usual ? {} : overKeptConnections();
}

/** Returns the class of Node's agent for fetch, which cannot be imported by name. */
function agentClass(): AgentClass | undefined {
  // Node creates its agent when a part of fetch is first used.
  void Headers;
  const own: unknown = (globalThis as Record<symbol, unknown>)[Symbol.for("undici.globalDispatcher.1")];
  if (typeof own !== "object" || own === null) return undefined;
  // Where Node is configured to use proxies, the agent is inside another one.
  const inner = Object.getOwnPropertySymbols(own).map((symbol) => (own as Record<symbol, unknown>)[symbol]);
  const found = [own, ...inner].find((one) => (one as object | null)?.constructor?.name === "Agent");
  return (found as { readonly constructor: AgentClass } | undefined)?.constructor;
}

/** Sends each request directly, to its proxy, or through a tunnel of its proxy. */
class KeptConnections {
  readonly #Agent: AgentClass;
  readonly #direct: Dispatcher;
  /** The agents for tunnels, by the address of the proxy. */
  readonly #tunnels = new Map<string, Dispatcher>();

  constructor(Agent: AgentClass) {
    this.#Agent = Agent;
    this.#direct = new Agent(keeping);
  }

  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean {
    const { origin = "" } = options;
    const proxy = proxyFor(origin);
    if (proxy === null) return this.#direct.dispatch(options, handler);
    const { protocol, host } = new URL(origin);
    if (protocol === "https:") return this.#tunnelTo(origin, proxy).dispatch(options, handler);
    const authorization = proxyAuthorization(proxy);
    const headers = {
      ...(options.headers as Record<string, string>),
      host,
      ...(authorization === null ? {} : { "proxy-authorization": authorization }),
    };
    const path = `http://${host}${options.path}`;
    return this.#direct.dispatch({ ...options, origin: proxy.origin, path, headers }, handler);
  }

  /** Returns the agent for a tunnel. Node's agent of `https` opens the tunnel's connections. */
  #tunnelTo(origin: string | URL, proxy: URL): Dispatcher {
    const known = this.#tunnels.get(proxy.href);
    if (known !== undefined) return known;
    const tunnels = new SecureAgent(proxyOptions(origin));
    const connect = ({ hostname, port, servername }: Destination, callback: () => void) => {
      const destination = { host: hostname, port: Number(port) || 443, ALPNProtocols: ["http/1.1"] };
      tunnels.createConnection({ ...destination, ...(servername ? { servername } : {}) }, callback);
    };
    const dispatcher = new this.#Agent({ ...keeping, connect });
    this.#tunnels.set(proxy.href, dispatcher);
    return dispatcher;
  }
}
