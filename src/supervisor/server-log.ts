import pino, { type Logger } from "pino";
import { droppedLines } from "../log/dropped-lines.ts";
import { droppedText, LineWriter } from "../log/line-writer.ts";
import type { ServerLog } from "../log/log.ts";
import { outputDescriptor } from "../log/output-descriptor.ts";
import type { LogLevel } from "../shared/protocol.ts";
import type { FilledLauncherOptions } from "./launcher-options.ts";
import { limitWarning } from "./monitor/memory/memory-limits.ts";
import { sharedBytesOf } from "./recogniser/recogniser-choice.ts";
import { deriveCapacity, type Limits } from "./starts/capacity.ts";

/** The most bytes that wait for a slow reader: about ten thousand lines. */
export const mostWaitingBytes = 4 * 2 ** 20;

/**
 * Returns the logger of the server's own lines: the one that was given, or one that writes JSON to standard output (or
 * error).
 */
export function serverLog({
  logger,
  logLevel,
  logLevels,
  logFd,
}: Pick<FilledLauncherOptions, "logger" | "logLevel" | "logLevels" | "logFd">): ServerLog {
  return unfailing(logger ?? jsonLog(logLevel, logFd, logLevels === "words"));
}

function jsonLog(level: LogLevel, fd: 1 | 2, inWords: boolean): Logger {
  const writer = new LineWriter(outputDescriptor(fd), {
    maxBytes: mostWaitingBytes,
    dropped: droppedLines,
    onFlowing: (lines) => log.warn({ event: "log_lines_dropped", lines }, droppedText(lines)),
  });
  const formatters = inWords ? { level: (label: string) => ({ level: label }) } : {};
  const log = pino({ level, formatters }, { write: (line: string) => writer.write(Buffer.from(line)) });
  return log;
}

const levels: ReadonlySet<PropertyKey> = new Set(["trace", "debug", "info", "warn", "error", "fatal"]);

/**
 * Returns a logger whose lines, and those of its children, never throw: one of the user's may write to a full volume,
 * and no part of the server may fail by that.
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

export interface LimitsToTell {
  readonly options: FilledLauncherOptions;
  readonly limits: Limits;
  /** The memory that the process uses before its first thread, in bytes. */
  readonly baseBytes: number;
  /** True where the capacity was not set by the operator. */
  readonly derived: boolean;
}

/** Logs capacity and limits of memory, with their reasons, and warns where they cannot hold. */
export function logCapacity(log: ServerLog, { options, limits, baseBytes, derived }: LimitsToTell): void {
  const { maxConcurrentSessions: capacity, heapSoftLimitMb, heapLimitMb, recogniser } = options;
  const asSet = `${capacity} ${capacity === 1 ? "session" : "sessions"}, as set`;
  const sharedBytes = sharedBytesOf(recogniser);
  const explanation = derived ? deriveCapacity(limits, sharedBytes).explanation : asSet;
  log.info(
    { event: "capacity_derived", capacity, heap_soft_limit_mb: heapSoftLimitMb, heap_limit_mb: heapLimitMb },
    `Capacity: ${explanation}`,
  );
  const offer = recogniser.offered
    ? "is offered, and loaded when the first participant is to be heard"
    : "is not offered";
  log.info(
    { event: "recogniser_offered", offered: recogniser.offered },
    `Speech recognition without a key ${offer}: ${recogniser.reason}`,
  );
  const room = { memoryBytes: limits.memoryBytes, capacity, baseBytes: baseBytes + sharedBytes };
  const warning = limitWarning(room, { softMb: heapSoftLimitMb, hardMb: heapLimitMb });
  if (warning !== null) log.warn({ event: "memory_limits_doubtful" }, warning);
}
