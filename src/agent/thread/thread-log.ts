import { hostname } from "node:os";
import { threadId } from "node:worker_threads";
import { DroppedLines } from "../../log/dropped-lines.ts";
import { droppedText, LineWriter, longestLineBytes } from "../../log/line-writer.ts";
import type { LogEvent } from "../../log/log-events.ts";
import { inBrackets } from "../../shared/error-location.ts";
import { messageWithCauses, type PlainError } from "../../shared/errors.ts";
import type { LogFormat, LogLevel, ThreadLogOptions } from "../../shared/protocol.ts";
import { cutText, toJson, wellFormedJson } from "../../shared/text/text.ts";
import type { Log } from "../log.ts";
import { LineBudget } from "./line-budget.ts";

/** The numbers of pino, whose lines those of the main thread are. */
const levels = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Number.POSITIVE_INFINITY,
} as const satisfies Record<LogLevel, number>;

/** The most that one thread may write in a second: more than anybody reads, and less than does harm. */
const budgets = {
  console: { lines: 500, bytes: 256 * 1024 },
  own: { lines: 500, bytes: 256 * 1024 },
};

/** The most that one thread keeps for a reader that is slow, in bytes. */
const mostWaitingBytes = 128 * 1024;
/** The time that a thread which is about to end tries to write the lines that wait, in milliseconds. */
const lastPatienceMs = 20;

/** The log of a session thread: one line each, JSON or words, written by the thread itself. */
export class ThreadLog implements Log {
  readonly #writer: LineWriter;
  readonly #threshold: number;
  readonly #format: LogFormat;
  readonly #levelsInWords: boolean;
  /** Apart, so that a flood of the agent's console does not drown what Greenroom has to say. */
  readonly #budgets: Record<"console" | "own", LineBudget>;
  #bound: object = { pid: process.pid, hostname: hostname(), thread_id: threadId };

  constructor({
    fd,
    level,
    levels: form,
    format = "json",
    dropped: memory,
  }: Pick<ThreadLogOptions, "fd" | "level" | "levels" | "format" | "dropped">) {
    const counted = new DroppedLines(memory);
    this.#writer = new LineWriter(fd, {
      maxBytes: mostWaitingBytes,
      dropped: counted,
      onFlowing: (lines) => this.warn({ event: "log_lines_dropped", lines }, droppedText(lines)),
    });
    this.#threshold = levels[level];
    this.#format = format;
    this.#levelsInWords = form === "words";
    const dropped = (source: string) => (lines: number) => {
      counted.add("flood", lines);
      this.warn(
        { event: "log_lines_dropped", source, lines },
        `${lines} lines were dropped: the session wrote more than it may in a second`,
      );
    };
    this.#budgets = {
      console: new LineBudget(budgets.console, dropped("console")),
      own: new LineBudget(budgets.own, dropped("log")),
    };
  }

  /** Adds fields to every line from here on. */
  bind(fields: object): void {
    this.#bound = { ...this.#bound, ...fields };
  }

  debug(fields: object, message: string): void {
    this.#line("debug", "own", fields, () => message);
  }

  info(fields: object, message: string): void {
    this.#line("info", "own", fields, () => message);
  }

  warn(fields: object, message: string): void {
    this.#line("warn", "own", fields, () => message);
  }

  error(fields: object, message: string): void {
    this.#line("error", "own", fields, () => message);
  }

  /** Writes a line of the agent's own console. `text` is asked for only where the line is written. */
  console(level: "debug" | "info" | "warn" | "error", text: () => string): void {
    this.#line(level, "console", { source: "console" }, text);
  }

  /** Says what was dropped so far, and writes what it can: the thread is about to end. */
  flush(): void {
    this.#budgets.console.flush();
    this.#budgets.own.flush();
    this.#writer.flush(lastPatienceMs);
  }

  #line(level: LogLevel, source: "console" | "own", fields: object, text: () => string): void {
    if (levels[level] < this.#threshold) return;
    if (this.#format === "words" && "event" in fields && shownAnyway.has(fields.event)) return;
    const budget = this.#budgets[source];
    if (!budget.admit()) return;
    const line =
      this.#format === "words"
        ? words(level, fields, text())
        : encode(
            {
              level: this.#levelsInWords ? level : levels[level],
              time: Date.now(),
              ...this.#bound,
            },
            withErrorType(fields),
            text(),
          );
    budget.spend(line.length);
    this.#writer.write(line);
  }
}

/** The events that a conversation in the terminal shows by itself, so that the log need not. */
const shownAnyway: ReadonlySet<unknown> = new Set<LogEvent>(["turn", "participant_unheard"]);

/** The longest message, and the longest text of an error, in a line of words, in characters. */
const longestWords = 600;

interface WordFields {
  readonly source?: string;
  readonly provider?: string;
  readonly tool?: string;
  readonly err?: PlainError;
}

/** Returns a line for people. A line of the agent's console stays as it is. */
function words(level: LogLevel, { source, provider, tool, err }: WordFields, text: string): Uint8Array {
  const whose = tool ?? provider;
  const said = source === "console" ? text : `${level}: ${text}${whose === undefined ? "" : ` (${whose})`}`;
  const parts = err === undefined ? [said] : [said, messageWithCauses(err)];
  const where = inBrackets(err?.stack);
  return Buffer.from(
    `${parts.map((part) => cut(harmless(part), longestWords)).join(": ")}${harmless(where)}\n`,
  );
}

/** Returns a text without control characters, which a terminal would obey. */
const harmless = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]/gu, "");

/**
 * Returns fields with an error as pino writes it: its name is its type, its message and its stack hold those of its causes.
 */
function withErrorType(fields: { readonly err?: PlainError }): object {
  if (!fields.err) return fields;
  return { ...fields, err: asPinoWrites(fields.err) };
}

function asPinoWrites(error: PlainError): object {
  const { name: type, message: _, stack: __, cause: ___, errors, ...rest } = error;
  const chain: PlainError[] = [];
  for (let link: PlainError | undefined = error; link !== undefined; link = link.cause) chain.push(link);
  const stack = chain.map(({ stack, name, message }) => stack ?? `${name}: ${message}`).join("\ncaused by: ");
  return {
    type,
    message: chain.map(({ message }) => message).join(": "),
    ...(error.stack === undefined && chain.length === 1 ? {} : { stack }),
    ...rest,
    ...(errors === undefined ? {} : { aggregateErrors: errors.map(asPinoWrites) }),
  };
}

/**
 * The longest strings among the fields, and the longest message, in characters: the first that fit into a line are
 * taken.
 */
const lengths = [
  [Number.POSITIVE_INFINITY, longestLineBytes],
  [Number.POSITIVE_INFINITY, 3_600],
  [Number.POSITIVE_INFINITY, 1_800],
  [Number.POSITIVE_INFINITY, 600],
  [1_200, 600],
  [300, 300],
  [30, 60],
] as const;

/**
 * Returns one line of at most {@link longestLineBytes}. Long texts are cut, and marked so; where the line is still too
 * long its fields are left out.
 */
function encode(bound: object, fields: object, text: string): Uint8Array {
  for (const [fieldLength, textLength] of lengths) {
    const line = { ...bound, ...fields, msg: cut(text, textLength) };
    const json = JSON.stringify(line, (_, value) =>
      typeof value === "string" ? cut(value, fieldLength) : value,
    );
    const bytes = Buffer.from(`${wellFormedJson(json)}\n`);
    if (bytes.length <= longestLineBytes) return bytes;
  }
  return Buffer.from(`${toJson({ ...bound, msg: cut(text, 60) })}\n`);
}

function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const kept = cutText(text, length);
  return `${kept}… (${text.length - kept.length} more)`;
}
