import type { RedisClient } from "./client.ts";

/** Returns the address of Redis without its secrets. */
export function placeOf(source: {
  readonly url?: string | undefined;
  readonly client?: RedisClient | undefined;
}): string {
  const url = source.url === undefined ? null : URL.parse(source.url);
  if (url) return `${url.hostname || "localhost"}:${url.port || 6379}`;
  const {
    host = "localhost",
    port = 6379,
    path,
  } = (source.client?.options?.socket ?? {}) as Partial<Record<"host" | "port" | "path", string | number>>;
  return String(path ?? `${host}:${port}`);
}

/** Returns the reason why Redis cannot be used, as one line for the operator. */
export function troubleText(error: unknown, secure = false): string {
  const first = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  if (!(first instanceof Error)) return String(first);
  if (first.cause instanceof Error) return troubleText(first.cause, secure);
  const { code } = first as NodeJS.ErrnoException;
  const text = (first.message || code || first.name)
    .replace(/^Redis: /, "")
    .replaceAll(/\s+/g, " ")
    .trim();
  const [sign, hint] = secure ? hints.secure : hints.plain;
  return sign.test(`${code} ${text}`) ? `${text} (${hint})` : text;
}

/**
 * The hints for an address with TLS, and for one without. A server that speaks no TLS waits for the end of what it
 * takes for a command.
 */
const hints = {
  secure: [
    /wrong version number|packet length too long|not connected|timeout/i,
    "if this port speaks no TLS, it is redis:// in place of rediss://",
  ],
  plain: [/closed unexpectedly|ECONNRESET/, "if this port speaks TLS, it is rediss:// in place of redis://"],
} as const;

/** Returns whether the address says that Redis speaks TLS. */
export const isSecure = (url: string | undefined): boolean =>
  url !== undefined && URL.parse(url)?.protocol === "rediss:";
