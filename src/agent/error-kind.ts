import { plainError } from "../shared/errors.ts";

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

/**
 * Codes of the system, of Node and of its fetch, and the class that they are of. Those of `other` say less than their cause,
 * such as that of a fallback all of whose services failed.
 */
const systemCodes: readonly (readonly [codes: RegExp, kind: string])[] = [
  [/TIMEDOUT|^(ERR_|UND_ERR_)\w*_TIMEOUT$/, "timeout"],
  [/^(ECONN|ENOTFOUND|EAI_|EPIPE|ENOBUFS|EHOST|ENET|UND_ERR_|ERR_PROXY_)/, "network"],
  [/^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH$|ERR_TLS_|ERR_SSL_|EPROTO$)/, "tls"],
  [/^(E[A-Z0-9]+$|ERR_|ALL_FAILED$)/, "other"],
];

/** A service's own code is one word: no sentence, and no id. */
const ownCode = /^[A-Za-z][\w.-]{1,63}$/;
const mostDigits = 5;

/**
 * Returns the short class of an error that metrics may have as a label: the service's own code where it has one, such as
 * `quota_exceeded`, `INVALID_AUTH`, or `code_40` where its codes are numbers; else `timeout`, `network`, `tls`, `http_429` and
 * few more.
 */
export function errorKind(error: unknown, depth = 4): string {
  if (typeof error !== "object" || error === null) return "other";
  const { name, code, number, reason, status, cause } = error as Record<string, unknown>;
  const kind = typeof name === "string" ? kinds[name] : undefined;
  if (kind !== undefined) return kind;
  const answered = typeof status === "number" && status >= 400 && status < 600;
  const system = typeof code === "string" ? systemCodes.find(([codes]) => codes.test(code))?.[1] : undefined;
  if (system !== undefined && system !== "other") return system;
  if (system === undefined) {
    // Google tells what it is about in its finer reason.
    const own = [answered ? reason : undefined, code].find(isOwnCode);
    if (own !== undefined) return own;
    const numbered = [code, number].find(Number.isInteger);
    if (answered && numbered !== undefined) return `code_${numbered}`;
  }
  if (answered) return `http_${Math.trunc(status)}`;
  return cause === undefined || depth === 0 ? "other" : errorKind(cause, depth - 1);
}

/** Returns whether a code is a service's own. `HTTP_503` is none: it stands for a missing one. */
const isOwnCode = (value: unknown): value is string =>
  typeof value === "string" &&
  ownCode.test(value) &&
  !/^HTTP_/i.test(value) &&
  value.replaceAll(/\D/g, "").length <= mostDigits;

/** Returns the kind of an error, or its name where it is of none. That may be told of it without a word that it says. */
export function errorClass(error: unknown): string {
  const kind = errorKind(error);
  if (kind !== "other") return kind;
  const { name } = plainError(error);
  return /^[A-Za-z]\w{0,63}$/.test(name) ? name : "Error";
}
