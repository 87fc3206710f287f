import { BackOff } from "../../../shared/back-off.ts";

/** The part that is used of a client of the package `@redis/client` (or `redis`), as its `createClient` makes it. */
export interface RedisClient {
  readonly isReady: boolean;
  readonly options?: { readonly socket?: object };
  connect(): Promise<unknown>;
  destroy(): void;
  sendCommand(args: string[]): Promise<unknown>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "ready", listener: () => void): unknown;
  duplicate(overrides?: object): RedisClient;
}

/** The pauses between tries to connect; half of each is random, so that replicas do not come in step. */
const backOff = new BackOff({ firstMs: 50, mostMs: 1_000, jitter: [0.5, 1] });

/**
 * Returns the options that are not left to the maker of the client: commands fail at once while there is no connection,
 * and connecting is tried again without end.
 */
function overridesOf(client: RedisClient | null): object {
  const reconnectStrategy = (retries: number) => backOff.pauseMs(retries + 1);
  return {
    disableOfflineQueue: true,
    socket: { ...client?.options?.socket, reconnectStrategy },
  };
}

/**
 * Resolves with a function that makes clients of the registry's own: like the given one, or for this address. The
 * package is loaded only here. Such clients use the TLS and credentials of the given one, whose own connection is not
 * touched.
 */
export async function clientFactory(source: {
  readonly url?: string | undefined;
  readonly client?: RedisClient | undefined;
}): Promise<() => RedisClient> {
  const { url, client } = source;
  if (client) return () => client.duplicate(overridesOf(client));
  const { createClient } = await import("@redis/client");
  return () =>
    createClient({
      ...(url === undefined ? {} : { url }),
      name: "greenroom",
      RESP: 2,
      maintNotifications: "disabled",
      ...overridesOf(null),
    }) as unknown as RedisClient;
}
