type Dispatcher = NonNullable<RequestInit["dispatcher"]>;
type AgentClass = new (options: object) => Dispatcher;

/**
 * How long an unused connection is kept, in milliseconds: longer than a thread mostly waits for its call, and shorter than
 * firewalls and load balancers remember one. Node's own fetch keeps it for 4 s: every call would begin with a TLS handshake.
 */
const longestIdleMs = 180_000;

const openTimeoutMs = 10_000;

let kept: Dispatcher | undefined;

/**
 * What requests of this thread to Stream's API go over: Node's own agent for fetch, but one that keeps its connections.
 * Undefined, so that nothing changes, where that is not to be had or the environment asks for proxies.
 */
export function keptConnections(): Dispatcher | undefined {
  if (kept !== undefined) return kept;
  // Node makes its agent when something of fetch is first used.
  void Headers;
  const own = (globalThis as Record<symbol, unknown>)[Symbol.for("undici.globalDispatcher.1")];
  if (typeof own !== "object" || own?.constructor.name !== "Agent") return undefined;
  const KeptAgent = own.constructor as AgentClass;
  kept = new KeptAgent({ keepAliveTimeout: longestIdleMs, keepAliveMaxTimeout: longestIdleMs });
  return kept;
}

/** As an option of fetch. */
export function overKeptConnections(): { readonly dispatcher?: Dispatcher } {
  const dispatcher = keptConnections();
  return dispatcher === undefined ? {} : { dispatcher };
}

/** Opens a connection to each of the servers for requests to come. Carries no key, and does no harm where it fails. */
export async function openAhead(urls: readonly string[]): Promise<void> {
  await Promise.allSettled(
    urls.map(async (url) => {
      const signal = AbortSignal.timeout(openTimeoutMs);
      const answer = await fetch(`${new URL(url).origin}/`, { signal, ...overKeptConnections() });
      // Only then it is free for the next request.
      await answer.arrayBuffer();
    }),
  );
}
