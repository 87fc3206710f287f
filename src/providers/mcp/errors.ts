import { messageWithCauses, plainError } from "../../shared/plain-error.ts";
import { cutText } from "../../shared/text/text.ts";

/** A server that cannot be reached, or does not do as the protocol says. */
export class McpServerError extends Error {
  override readonly name = "McpServerError";
  /** The HTTP status; undefined where there was no response. */
  readonly status: number | undefined;
  /** The system's code, such as `ECONNREFUSED` or `ENOENT`, else `UNREACHABLE`. */
  readonly code: string;

  constructor(
    message: string,
    facts: { readonly status?: number | undefined; readonly code?: string; readonly cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status;
    this.code = facts.code ?? "UNREACHABLE";
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** The codes of the protocol's errors that the SDK makes itself. */
const codes = { closed: -32_000, timedOut: -32_001 };

/** The way in which a request to a server failed. */
export type FailureKind = "timed_out" | "expired" | "lost" | "refused" | "unavailable";

/**
 * Returns how a request failed. `refused` is an error that the server told, and `unavailable` an error of HTTP, such as that there were
 * too many requests: the connection holds.
 */
export function kindOf(error: unknown): FailureKind {
  const { name, code } = (error ?? {}) as Fields;
  if (name === "McpError") {
    if (code === codes.timedOut) return "timed_out";
    return code === codes.closed ? "lost" : "refused";
  }
  // The server does not know the session any more: it was started anew.
  if (code === 404) return "expired";
  return isStatus(code) ? "unavailable" : "lost";
}

/** Returns what a server said about an error. The SDK begins it with the number of the error. */
export function wordsOf(error: unknown): string {
  // Their messages quote what could not be read, or are long lists of what it is not.
  const isUnread = error instanceof SyntaxError || (error instanceof Error && /ZodError$/.test(error.name));
  if (isUnread) return "it wrote something that is no message";
  // That of fetch is "fetch failed", and its cause says why.
  const text = error instanceof Error ? messageWithCauses(plainError(error)) : String(error);
  return cutText(text.replace(/^(?:MCP error -?\d+: )+/, "").replaceAll(/\s+/g, " "), 500, "…");
}

/** Returns the error of a server that cannot be used, for logs. @param lastWords What its program wrote last. */
export function asServerError(name: string, error: unknown, lastWords = ""): McpServerError {
  if (error instanceof McpServerError) return error;
  const status = (error as Fields | null)?.code;
  const system = systemCode(error);
  const said = wordsOf(error) + (lastWords === "" ? "" : `. Its program wrote last: ${lastWords}`);
  return new McpServerError(`The MCP server ${name} cannot be used: ${said}`, {
    ...(isStatus(status) ? { status } : {}),
    ...(system === null ? {} : { code: system }),
  });
}

/** Returns whether this is a status of HTTP that tells of an error. */
const isStatus = (code: unknown): code is number => typeof code === "number" && code >= 400 && code < 600;

function systemCode(error: unknown): string | null {
  let cause = error;
  for (let depth = 0; depth < 5 && typeof cause === "object" && cause !== null; depth++) {
    const { code, cause: next } = cause as Fields;
    if (typeof code === "string") return code;
    cause = next;
  }
  return null;
}
