import pino, { type Logger } from "pino";
import { droppedLines } from "../log/dropped-lines.ts";
import { droppedText, LineWriter } from "../log/line-writer.ts";
import { outputDescriptor } from "../log/output-descriptor.ts";
import type { LogLevel } from "../protocol.ts";
import type { FilledLauncherOptions } from "./launcher-options.ts";

/** Most that waits for a reader that is slow, in bytes: about ten thousand lines. */
export const mostWaitingBytes = 4 * 2 ** 20;

/** Where the server's own log lines go: the logger that was given, or standard output (or error), as JSON. */
export function serverLog({
  logger,
  logLevel,
  logFd,
}: Pick<FilledLauncherOptions, "logger" | "logLevel" | "logFd">): Logger {
  return unfailing(logger ?? jsonLog(logLevel, logFd));
}

function jsonLog(level: LogLevel, fd: 1 | 2): Logger {
  const writer = new LineWriter(outputDescriptor(fd), {
    maxBytes: mostWaitingBytes,
    dropped: droppedLines,
    onFlowing: (lines) => log.warn({ lines }, droppedText(lines)),
  });
  const log = pino({ level }, { write: (line: string) => writer.write(Buffer.from(line)) });
  return log;
}

const levels: ReadonlySet<PropertyKey> = new Set(["trace", "debug", "info", "warn", "error", "fatal"]);

/**
 * A logger whose lines, and those of its children, never throw: one of the user's may write to a full volume, and no part of
 * the server may fail by that.
 */
function unfailing(logger: Logger): Logger {
  return new Proxy(logger, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name === "child") return (...args: unknown[]) => unfailing(Reflect.apply(value, target, args));
      if (!levels.has(name)) return value;
      return (...args: unknown[]) => {
        try {
          Reflect.apply(value, target, args);
        } catch {
          droppedLines.add("failed");
        }
      };
    },
  });
}

/** What holds, and where it comes from: `derived` explains it where it was not set. */
export function logCapacity(log: Logger, capacity: number, derived: string | null): void {
  const asSet = `${capacity} ${capacity === 1 ? "session" : "sessions"}, as set`;
  log.info({ capacity }, `Capacity: ${derived ?? asSet}`);
}
