import { type Check, checkValue, key } from "../agent/options/option-checks.ts";
import { fromEnvironment, type ProviderVariable } from "../shared/provider-table.ts";

/** A key that a service needs is set nowhere. The environment is what has to change, so no place in the code is told. */
export class MissingKeyError extends TypeError {
  override readonly name = "MissingKeyError";
}

/**
 * The key of a service: the option, or else the environment's. Throws a {@link MissingKeyError} of one line where there is none.
 * @param owner Who needs it, such as `gemini.LLM`.
 * @param option Which option it is.
 */
export function keyFrom(
  owner: string,
  given: string | undefined,
  variable: ProviderVariable,
  option = "apiKey",
): string {
  const found = given ?? fromEnvironment(variable);
  if (found === undefined) {
    throw new MissingKeyError(`${variable.name} is not set: set it, or give ${owner} an ${option}`);
  }
  // As a header it would be refused by an error that quotes it.
  checkValue(given === undefined ? variable.name : `${owner}: ${option}`, found, key);
  return found;
}

/** The address of a service: the option, the environment's, or its own. Throws a `TypeError` where it is none. */
export function baseUrlFrom<Usual extends string | null>(
  given: string | undefined,
  variable: ProviderVariable,
  { usual, check }: { readonly usual: Usual; readonly check: Check },
): string | Usual {
  const found = given ?? fromEnvironment(variable);
  if (found !== undefined) checkValue(variable.name, found, check);
  return found ?? usual;
}
