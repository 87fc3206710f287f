/** The short class of an error that metrics may have as a label: `timeout`, `http_429`, `network` and few more. */
export function errorKind(error: unknown): string {
  if (typeof error !== "object" || error === null) return "other";
  const { name, code, status, cause } = error as Record<string, unknown>;
  if (typeof status === "number" && status >= 400 && status < 600) return `http_${Math.trunc(status)}`;
  if (name === "DeadlineError" || name === "TimeoutError") return "timeout";
  if (name === "AbortError") return "aborted";
  if (name === "BadArgumentsError") return "bad_arguments";
  if (typeof code === "string" && /^(E[A-Z]{4,}|UND_ERR_.*)$/.test(code) && !code.startsWith("ERR_")) {
    return code.includes("TIMEOUT") || code === "ETIMEDOUT" ? "timeout" : "network";
  }
  return cause === undefined || cause === error ? "other" : errorKind(cause);
}
