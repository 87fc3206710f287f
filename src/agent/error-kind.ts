import { plainError } from "../errors.ts";

/** Errors that are known by their name. */
const kinds: Readonly<Record<string, string>> = {
  DeadlineError: "timeout",
  TimeoutError: "timeout",
  PermitTimeoutError: "permit_timeout",
  AbortError: "aborted",
  BadArgumentsError: "bad_arguments",
  UnknownFunctionError: "unknown_function",
  RefusalError: "refused",
  BadAnswerError: "bad_answer",
};

/** The short class of an error that metrics may have as a label: `timeout`, `http_429`, `network` and few more. */
export function errorKind(error: unknown, depth = 4): string {
  if (typeof error !== "object" || error === null) return "other";
  const { name, code, status, cause } = error as Record<string, unknown>;
  if (typeof status === "number" && status >= 400 && status < 600) return `http_${Math.trunc(status)}`;
  const kind = typeof name === "string" ? kinds[name] : undefined;
  if (kind !== undefined) return kind;
  if (typeof code === "string" && /TIMEDOUT|_TIMEOUT$/.test(code)) return "timeout";
  if (typeof code === "string" && /^(ECONN|ENOTFOUND|EAI_|EPIPE|ENOBUFS|EHOST|ENET|UND_ERR_)/.test(code))
    return "network";
  return cause === undefined || depth === 0 ? "other" : errorKind(cause, depth - 1);
}

/** The kind of an error, or its name where it is of none: what may be told of it without a word that it says. */
export function errorClass(error: unknown): string {
  const kind = errorKind(error);
  if (kind !== "other") return kind;
  const { name } = plainError(error);
  return /^[A-Za-z]\w{0,63}$/.test(name) ? name : "Error";
}
