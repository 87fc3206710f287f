import type { IceServer } from "./peer.ts";

/** A STUN server or relay, as werift accepts it. */
export interface WeriftServer {
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

/**
 * Returns the servers to use: a STUN server and one relay, since werift accepts one relay only. `index`
 * chooses the relay: 0 is the one over UDP, which is the fastest; the others are for networks without UDP.
 */
export function serversFor(given: readonly IceServer[], index: number): WeriftServer[] {
  const all = given.flatMap(({ urls, username, password }) =>
    urls.map((url) => ({ urls: url, username, credential: password })),
  );
  const stun = all.find(({ urls }) => /^stuns?:/i.test(urls));
  const relays = relaysOf(given);
  const url = relays[index % Math.max(1, relays.length)];
  const relay = all.find(({ urls }) => urls === url);
  return [...(stun ? [{ urls: stun.urls }] : []), ...(relay ? [relay] : [])];
}

/** Returns the relays in the order in which they are tried. */
function relaysOf(given: readonly IceServer[]): string[] {
  const urls = given.flatMap(({ urls }) => urls).filter((url) => /^turns?:/i.test(url));
  const rank = (url: string) => (/^turns:/i.test(url) ? 2 : /transport=tcp/i.test(url) ? 1 : 0);
  // One relay of each kind is enough.
  return [0, 1, 2].flatMap((kind) => urls.find((url) => rank(url) === kind) ?? []);
}
