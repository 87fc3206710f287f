import type { AgentLauncher } from "../../api/agent-launcher.ts";
import { loggedError } from "../../supervisor/log-error.ts";
import { harmless, paintFor } from "../terminal/paint.ts";
import { isReadable } from "../terminal/readable-log.ts";

export interface FatalEnd {
  readonly launcher: AgentLauncher;
  /** True where the process was to serve, and has a log. */
  readonly serves: boolean;
  readonly error?: unknown;
  /** Further lines for the person at the terminal. */
  readonly below?: readonly string[];
}

/**
 * Reports why the program ends before it serves: to a person on standard error, and, where the log of `serve` is JSON,
 * also as a line of it, since collectors of logs read nothing else.
 */
export async function tellFatal(
  text: string,
  { launcher, serves, error, below = [] }: FatalEnd,
): Promise<void> {
  const { red, dim } = paintFor(process.stderr);
  const lines = below.map((line) => `${dim(harmless(line))}\n`);
  process.stderr.write(`${red("greenroom:")} ${harmless(text)}\n${lines.join("")}`);
  if (serves) await logFatal(text, launcher, error);
}

async function logFatal(text: string, { options }: AgentLauncher, error: unknown): Promise<void> {
  const { logFd = 1, logLevel = "info", logLevels = "numbers", logger } = options;
  const stream = logFd === 2 ? process.stderr : process.stdout;
  if (stream.isTTY && (!logger || isReadable(logger))) return;
  const { serverLog } = await import("../../supervisor/server-log.ts");
  serverLog({ logger, logLevel, logLevels, logFd }).fatal(
    { event: "command_failed", ...(error === undefined ? {} : { err: loggedError(error) }) },
    text,
  );
}
