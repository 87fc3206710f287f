/** A request that is refused, as docs.cartesia.ai/use-the-api/api-errors has it. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly title: string;

  constructor(status: number, code: string | null, title: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.title = title;
  }

  /** Returns the fields that the bodies of refusals and the events of errors share. */
  fields(requestId: string): Readonly<Record<string, unknown>> {
    return { error_code: this.code, title: this.title, message: this.message, request_id: requestId };
  }
}

export const invalid = (message: string): Refusal =>
  new Refusal(400, "invalid_request", "Invalid request", message);

export const tooMany = (): Refusal =>
  new Refusal(
    429,
    "concurrency_limited",
    "Too many concurrent requests",
    "You have exceeded your plan's concurrency limit.",
  );

const usual: Readonly<Record<number, readonly [code: string | null, title: string]>> = {
  401: ["unauthorized", "Unauthorized"],
  402: ["quota_exceeded", "Credit limit reached"],
  429: ["rate_limited", "Too many requests"],
};

/** Returns a refusal of a fault. */
export function usualRefusal(status: number, code?: string): Refusal {
  const [known, title] = usual[status] ?? [null, status >= 500 ? "Internal server error" : "Bad request"];
  return new Refusal(status, code ?? known, title, `The request failed with status ${status}.`);
}
