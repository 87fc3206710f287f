import { markHeader } from "./mark.ts";

/** Names and values in turn, as Node reads and writes them. */
export type RawHeaders = readonly string[];

/** The headers about one connection (RFC 9110, 7.6.1), or about how a body is sent over it. */
const ofConnection: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Returns the headers that are meant for the one that answers, in their order, without those named in `without`. */
export function endToEnd(raw: RawHeaders, without: readonly string[] = []): string[] {
  const dropped = new Set([markHeader, ...without].map((name) => name.toLowerCase()));
  const kept: string[] = [];
  for (const name of namedByConnection(raw)) dropped.add(name);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = "", value = ""] = [raw[i], raw[i + 1]];
    const lower = name.toLowerCase();
    if (!ofConnection.has(lower) && !dropped.has(lower)) kept.push(name, value);
  }
  return kept;
}

/** Returns the headers that the sender names as about the connection, such as `x-hop` in `Connection: close, x-hop`. */
function namedByConnection(raw: RawHeaders): string[] {
  const names: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== "connection") continue;
    for (const name of (raw[i + 1] ?? "").split(",")) names.push(name.trim().toLowerCase());
  }
  return names;
}

/** Returns headers by their lower-case name. The values of a header that came several times are a list. */
export function byName(raw: RawHeaders): ReadonlyMap<string, string | string[]> {
  const values = new Map<string, string | string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = "", value = ""] = [raw[i]?.toLowerCase(), raw[i + 1]];
    const known = values.get(name);
    values.set(name, known === undefined ? value : [known, value].flat());
  }
  return values;
}
