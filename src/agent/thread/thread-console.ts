import { format } from "node:util";
import type { ThreadLog } from "./thread-log.ts";

type ConsoleLevel = "debug" | "info" | "warn" | "error";

const consoleLevels = {
  debug: "debug",
  log: "info",
  info: "info",
  warn: "warn",
  error: "error",
} as const satisfies Partial<Record<keyof Console, ConsoleLevel>>;

/** The longest text without an end of line that is held back, in characters. */
const longestPending = 8_192;

/**
 * Sends the console and the standard streams of this thread to its log. Left alone, they go through the main thread
 * without bounds: a loop of `console.log` blocked it for seconds.
 */
export function captureConsole(log: ThreadLog): void {
  for (const [method, level] of Object.entries(consoleLevels)) {
    console[method as keyof typeof consoleLevels] = (...args: unknown[]) => {
      log.console(level, () => format(...args));
    };
  }
  // The other methods of the console (table, dir, trace, …) write to these streams.
  captureStream(process.stdout, "info", log);
  captureStream(process.stderr, "warn", log);
  captureWarnings(log);
}

/** Writes warnings to the log. Node by itself would write them to the file descriptor, however many there are. */
function captureWarnings(log: ThreadLog): void {
  // With --no-warnings nobody listens.
  if (process.listenerCount("warning") === 0) return;
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.name === "DeprecationWarning" && process.noDeprecation) return;
    log.console("warn", () => `${warning.name}: ${warning.message}`);
  });
}

function captureStream(stream: NodeJS.WriteStream, level: ConsoleLevel, log: ThreadLog): void {
  let pending = "";
  const take = (text: string) => {
    pending += text;
    const end = pending.length > longestPending ? pending.length : pending.lastIndexOf("\n");
    if (end < 0) return;
    const lines = pending.slice(0, end);
    pending = pending.slice(end + 1);
    if (lines !== "") log.console(level, () => lines);
  };
  stream.write = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    done?: (error?: Error | null) => void,
  ): boolean => {
    take(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
    const callback = typeof encoding === "function" ? encoding : done;
    if (callback !== undefined) queueMicrotask(() => callback());
    return true;
  };
  // A call of the class' own method ends here.
  stream._write = (chunk: string | Uint8Array, _encoding, done) => {
    take(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
    done();
  };
  Object.defineProperty(stream, "_writev", { value: null });
}
