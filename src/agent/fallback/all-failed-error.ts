import { plainError } from "../../shared/errors.ts";
import type { Service } from "../service.ts";

/**
 * Tells that none of the services behind a `fallback` could serve. `errors` has what went wrong with each, in the order
 * asked.
 */
export class AllFailedError extends AggregateError {
  override readonly name = "AllFailedError";
  readonly code = "ALL_FAILED";
  readonly services: readonly Service[];

  constructor(failures: readonly { readonly service: Service; readonly error: unknown }[]) {
    const told = failures.map(({ service: { provider, model }, error }) => {
      return `${provider} ${model}: ${plainError(error).message}`;
    });
    super(
      failures.map(({ error }) => error),
      `All ${failures.length} failed: ${told.join("; ")}`,
      // The last one's is what metrics call it by.
      { cause: failures.at(-1)?.error },
    );
    this.services = failures.map(({ service: { provider, model } }) => ({ provider, model }));
  }
}
