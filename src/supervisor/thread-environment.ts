import { tmpdir } from "node:os";
import { join } from "node:path";

/** Secrets and settings of the server itself; agents have no use for them. */
const ownVariables = /^(GREENROOM_|REDIS_URL$)/;

/**
 * The environment of session threads. With a compile cache a thread starts in half the time; set here, because enabling
 * it in the main thread has no effect on workers.
 */
export function threadEnvironment(
  given: Readonly<Record<string, string>> | undefined,
  ofProcess: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const environment: Record<string, string> = {
    NODE_COMPILE_CACHE: join(tmpdir(), "greenroom-compile-cache"),
  };
  for (const [name, value] of Object.entries(given ?? ofProcess)) {
    if (value !== undefined && (given || !ownVariables.test(name))) environment[name] = value;
  }
  return environment;
}
