import { type Check, checkValue, key } from "../agent/options/option-checks.ts";
import { fromEnvironment, type ProviderVariable } from "../shared/providers/provider-table.ts";

/**
 * An error of a key that is set nowhere. Its remedy is a change of the environment, so it is reported without
 * a location in the code.
 */
export class MissingKeyError extends TypeError {
  override readonly name = "MissingKeyError";
}

/**
 * Returns the key of a service: the option, else the environment's. It throws a {@link MissingKeyError} with
 * a message of one line where there is none, and a `TypeError` where it cannot be sent.
 * @param owner The class that needs it, such as `gemini.LLM`.
 * @param option The name of the option.
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
  // Otherwise it would be refused as a header, by an error that quotes it.
  checkValue(given === undefined ? variable.name : `${owner}: ${option}`, found, key);
  return found;
}

/**
 * Returns the address of a service: the option, else the environment's, else `usual`. It throws a `TypeError`
 * where that is not an address.
 */
export function baseUrlFrom<Usual extends string | null>(
  given: string | undefined,
  variable: ProviderVariable,
  { usual, check }: { readonly usual: Usual; readonly check: Check },
): string | Usual {
  const found = given ?? fromEnvironment(variable);
  if (found !== undefined) checkValue(variable.name, found, check);
  return found ?? usual;
}
