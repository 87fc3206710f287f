import type { IceServer } from "./peer.ts";

/** A STUN server or a relay, as werift takes it. */
export interface WeriftServer {
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

/**
 * The servers to use, of those that were given: werift takes one relay only. Which one is up to `turn`: 0 is the one over UDP,
 * as sound has to be fast; the others are for networks that let no UDP out.
 */
export function serversFor(given: readonly IceServer[], turn: number): WeriftServer[] {
  const all = given.flatMap(({ urls, username, password }) =>
    urls.map((url) => ({ urls: url, username, credential: password })),
  );
  const stun = all.find(({ urls }) => /^stuns?:/i.test(urls));
  const relays = relaysOf(given);
  const url = relays[turn % Math.max(1, relays.length)];
  const relay = all.find(({ urls }) => urls === url);
  return [...(stun ? [{ urls: stun.urls }] : []), ...(relay ? [relay] : [])];
}

/** The relays, in the order in which they are tried. */
function relaysOf(given: readonly IceServer[]): string[] {
  const urls = given.flatMap(({ urls }) => urls).filter((url) => /^turns?:/i.test(url));
  const rank = (url: string) => (/^turns:/i.test(url) ? 2 : /transport=tcp/i.test(url) ? 1 : 0);
  // One of each kind.
  return [0, 1, 2].flatMap((kind) => urls.find((url) => rank(url) === kind) ?? []);
}
