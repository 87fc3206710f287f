import { type Check, checkValue, key } from "../agent/options/option-checks.ts";

/** A variable that is empty counts as none. */
export function fromEnvironment(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === "" ? undefined : value;
}

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
  variable: string,
  option = "apiKey",
): string {
  const found = given ?? fromEnvironment(variable);
  if (found === undefined) {
    throw new MissingKeyError(`${variable} is not set: set it, or give ${owner} an ${option}`);
  }
  // As a header it would be refused by an error that quotes it.
  checkValue(given === undefined ? variable : `${owner}: ${option}`, found, key);
  return found;
}

/** The address of a service: the option, the environment's, or its own. Throws a `TypeError` where it is none. */
export function baseUrlFrom<Usual extends string | null>(
  given: string | undefined,
  variable: string,
  { usual, check }: { readonly usual: Usual; readonly check: Check },
): string | Usual {
  const found = given ?? fromEnvironment(variable);
  if (found !== undefined) checkValue(variable, found, check);
  return found ?? usual;
}
