import { fork } from "node:child_process";

/** The end of a process of `bench/children`. */
export interface ChildEnd {
  /** The result that it reported; undefined where it died before. */
  readonly result: unknown;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Runs a program of `bench/children` in a process of its own. It is killed after `timeoutMs`. */
export function runChild(
  name: string,
  argument: unknown,
  options: {
    readonly timeoutMs?: number;
    readonly quiet?: boolean;
    /** The variables that are added to the environment. */
    readonly environment?: Readonly<Record<string, string>>;
  } = {},
): Promise<ChildEnd> {
  const { timeoutMs = 90_000, quiet = false, environment = {} } = options;
  const child = fork(new URL(`./children/${name}.ts`, import.meta.url), [JSON.stringify(argument)], {
    stdio: ["ignore", "ignore", quiet ? "ignore" : "inherit", "ipc"],
    env: { ...process.env, ...environment },
  });
  const { promise, resolve, reject } = Promise.withResolvers<ChildEnd>();
  const deadline = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  let result: unknown;
  child.on("message", (message) => {
    result = message;
  });
  child.on("error", reject);
  child.on("exit", (exitCode, signal) => resolve({ result, exitCode, signal }));
  return promise.finally(() => clearTimeout(deadline));
}

/** Resolves with the result of a child. Rejects where it ends without one. */
export async function childResult<Result>(
  name: string,
  argument: unknown,
  options: Parameters<typeof runChild>[2] = {},
): Promise<Result> {
  const end = await runChild(name, argument, options);
  if (end.result === undefined) {
    throw new Error(`bench/children/${name}.ts ended without a result (${end.signal ?? end.exitCode})`);
  }
  return end.result as Result;
}

/** Returns what the child was given; it is called in the child. */
export function argumentOfChild<Argument>(): Argument {
  return JSON.parse(process.argv[2] ?? "null") as Argument;
}

/** Tells the result and ends the process, whatever still runs in it; it is called in the child. */
export function finishChild(result: unknown): void {
  process.send?.(result, () => process.exit(0));
}
