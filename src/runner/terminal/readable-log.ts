import pino, { type Logger } from "pino";
import type { LogEvent } from "../../log/log-events.ts";
import type { LogLevel } from "../../shared/protocol.ts";
import { errorLines } from "../commands/error-lines.ts";
import { harmless, paintFor } from "./paint.ts";

/** The fields that are the same in each line of a process, or of no use to a person. */
const unshown = new Set([
  "level",
  "time",
  "pid",
  "hostname",
  "msg",
  "request_id",
  "component",
  "err",
  "event",
]);

/**
 * Returns a log that people can read: a line each, of time, level, message and fields. Of an error it shows the
 * message, and where in the user's code it was thrown; the whole stack where the level is `debug` or below.
 * @param leftOut The events that are not shown.
 */
export function readableLog(
  level: LogLevel,
  stream: NodeJS.WriteStream,
  leftOut: readonly LogEvent[] = [],
): Logger {
  const { dim, yellow, red } = paintFor(stream);
  const stacks = level === "debug" || level === "trace";
  const write = (line: string): void => {
    const entry: LogEntry = JSON.parse(line);
    if (entry.event !== undefined && leftOut.includes(entry.event)) return;
    const name = (pino.levels.labels[entry.level] ?? "").padEnd(5);
    const colour = entry.level >= 50 ? red : entry.level >= 40 ? yellow : dim;
    const { message, stack } = entry.err ?? {};
    const fields = [
      ...Object.entries(entry).filter(([key]) => !unshown.has(key)),
      ...(message === undefined ? [] : [["err.message", message] as const]),
    ].map(([key, value]) => `${key}=${shown(value)}`);
    const head = `${dim(clock(entry.time))} ${colour(name)} ${oneLine(entry.msg ?? "")}`;
    const tail = fields.length > 0 ? ` ${dim(fields.join(" "))}` : "";
    const lines = stacks ? (stack?.split("\n") ?? []) : errorLines(stack);
    const below = lines.map((text) => `${dim(harmless(text))}\n`).join("");
    stream.write(`${head}${tail}\n${below}`);
  };
  const log = pino({ level }, { write });
  readable.add(log);
  return log;
}

const readable = new WeakSet<Logger>();

/** Returns whether a log is one of {@link readableLog}: a person sees its lines beside what is written to standard error. */
export const isReadable = (log: Logger): boolean => readable.has(log);

interface LogEntry {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly event?: LogEvent;
  readonly err?: { readonly message?: string; readonly stack?: string };
}

/** Returns the time of the day in the reader's time zone. */
function clock(time: number): string {
  const at = new Date(time);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

/** Returns a value for a log line: as it is where it is one word. */
function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return typeof value === "string" && !/^[^\s"=]+$/.test(text)
    ? JSON.stringify(oneLine(text))
    : oneLine(text);
}

const oneLine = (text: string): string => harmless(text).replaceAll(/\s*\n\s*/g, " ");
