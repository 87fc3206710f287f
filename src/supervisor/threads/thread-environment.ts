import { proxyVariables } from "../../network/proxy.ts";
import { compileCacheFolder } from "../../process/compile-cache.ts";

/** The names of secrets and settings of the server itself, which agents have no use for, but for those that choose services. */
const ownVariables = /^(GREENROOM_(?!(LLM|STT|TTS)$)|REDIS_URL$)/;

const isProxyVariable = (name: string): boolean =>
  proxyVariables.some((variable) => variable === name.toLowerCase());

/** Returns whether a variable is given, also in other letters: the two spellings are one variable. */
const isGiven = (name: string, given: Readonly<Record<string, string>> = {}): boolean =>
  Object.keys(given).some((one) => one.toLowerCase() === name.toLowerCase());

/**
 * Returns the environment of session threads. With a compile cache a thread starts in half the time; it is set here,
 * because enabling it in the main thread has no effect on workers.
 */
export function threadEnvironment(
  given: Readonly<Record<string, string>> | undefined,
  ofProcess: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const cache = compileCacheFolder();
  const environment: Record<string, string> = cache === null ? {} : { NODE_COMPILE_CACHE: cache };
  // Proxy variables describe the network: without them no agent could reach its services.
  for (const [name, value] of Object.entries(ofProcess)) {
    if (value !== undefined && isProxyVariable(name) && !isGiven(name, given)) environment[name] = value;
  }
  for (const [name, value] of Object.entries(given ?? ofProcess)) {
    if (value !== undefined && (given || !ownVariables.test(name))) environment[name] = value;
  }
  return environment;
}
