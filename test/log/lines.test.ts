import { constants, globSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import test, { type ExecutionContext } from "ava";
import pino from "pino";
import { DroppedLines } from "../../src/log/dropped-lines.ts";
import { LineWriter } from "../../src/log/line-writer.ts";
import { logEvents } from "../../src/log/log-events.ts";
import { GreenroomError, plainError } from "../../src/shared/errors.ts";
import { causeOf, errorLine, loggedError } from "../../src/supervisor/log-error.ts";
import { eventually } from "../fixtures/eventually.ts";
import { bin, Child } from "../fixtures/runner/child.ts";
import { Pipe } from "./fixtures/pipe.ts";

/** A writer to a pipe that does not block, with what it told of dropped lines. */
function writerTo(t: ExecutionContext, maxBytes: number) {
  const pipe = new Pipe(t);
  const fd = openSync(`/proc/self/fd/${pipe.writeEnd}`, constants.O_WRONLY | constants.O_NONBLOCK);
  const dropped = new DroppedLines();
  const told: number[] = [];
  const writer = new LineWriter(fd, { maxBytes, dropped, onFlowing: (lines) => told.push(lines) });
  return { pipe, writer, dropped, told };
}

const line = (number: number) => Buffer.from(`${String(number).padStart(99, "0")}\n`);

test("lines that a reader does not take wait in order, up to a bound; the others are counted and told", async (t) => {
  const { pipe, writer, dropped, told } = writerTo(t, 10_000);
  for (let number = 0; number < 1_000; number += 1) writer.write(line(number));
  const lost = dropped.count("blocked");
  t.true(lost > 0);
  t.deepEqual(told, []);
  await eventually("what was kept is read", () => pipe.read().length === (1_000 - lost) * 100);
  t.deepEqual(told, [lost]);
  writer.write(line(1_000));
  const expected = [...Array.from({ length: 1_000 - lost }, (_, number) => number), 1_000];
  await eventually("the last one is read", () => pipe.read().length === expected.length * 100);
  t.deepEqual(pipe.read().trimEnd().split("\n").map(Number), expected);
});

test("a line longer than the pipe arrives whole", async (t) => {
  const { pipe, writer, dropped } = writerTo(t, 1_000_000);
  const long = `${"x".repeat(300_000)}\n`;
  writer.write(Buffer.from(long));
  writer.write(line(1));
  await eventually("both are read", () => pipe.read().length === long.length + 100);
  t.is(pipe.read(), `${long}${line(1)}`);
  t.is(dropped.count("blocked") + dropped.count("failed"), 0);
});

test("a flush writes what the reader takes, and does not wait for one that takes nothing", (t) => {
  const { pipe, writer } = writerTo(t, 1_000_000);
  for (let number = 0; number < 1_000; number += 1) writer.write(line(number));
  writer.flush(10);
  const first = pipe.read().length;
  t.true(first < 100_000);
  writer.flush(10_000);
  t.is(pipe.read().length, 100_000);
});

test("a reader that has gone loses its lines, each counted", (t) => {
  const { pipe, writer, dropped, told } = writerTo(t, 1_000);
  pipe.closeReader();
  for (let number = 0; number < 3; number += 1) t.notThrows(() => writer.write(line(number)));
  t.is(dropped.count("failed"), 3);
  t.deepEqual(told, []);
});

test("a closed descriptor loses its lines, each counted", (t) => {
  const dropped = new DroppedLines();
  const writer = new LineWriter(999_999, { maxBytes: 1_000, dropped, onFlowing: () => undefined });
  t.notThrows(() => writer.write(line(0)));
  t.is(dropped.count("failed"), 1);
});

test("threads count in the same memory", (t) => {
  const dropped = new DroppedLines();
  new DroppedLines(dropped.memory).add("flood", 3);
  t.is(dropped.count("flood"), 3);
});

/** The `err` of a line, as pino writes it. */
function written(error: unknown): Record<string, unknown> {
  const lines = new PassThrough();
  pino(lines).error({ err: loggedError(error) }, "it failed");
  return JSON.parse(String(lines.read())).err;
}

test("an error that crossed a thread is written as one that did not", (t) => {
  const error = Object.assign(new RangeError("too far"), { code: "FAR" });
  const expected = { type: "RangeError", message: "too far", stack: error.stack, code: "FAR" };
  t.deepEqual(written(error), expected);
  t.deepEqual(written(plainError(error)), expected);
  t.deepEqual(written(Object.assign(new Error(error.message), plainError(error))), expected);
});

test("an error of our own keeps what it came from; what is no error has a text", (t) => {
  const caused = written(new Error("away", { cause: new TypeError("its cable") }));
  t.is(caused.message, "away: its cable");
  t.regex(String(caused.stack), /caused by: TypeError: its cable/);
  t.like(written("just a text"), { type: "Error", message: "just a text" });
  t.like(written(null), { type: "Error", message: "null was thrown, which is no error" });
});

test("what an error of the table came from is what an operator wants", (t) => {
  const cause = new TypeError("its cable");
  t.is(causeOf(new GreenroomError("START_FAILED", undefined, { cause })), cause);
  const refusal = new GreenroomError("POOL_FULL");
  t.is(causeOf(refusal), refusal);
  t.is(errorLine(cause), "TypeError: its cable");
});

const root = join(import.meta.dirname, "../..");
const files = globSync("src/**/*.ts", { cwd: root }).filter((path) => path !== "src/log/log-events.ts");
const texts = files.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

test("each line that the code logs says its event, which is one of the table", (t) => {
  const named = new Set<string>();
  for (const { path, text } of texts) {
    for (const [, event = ""] of text.matchAll(/\bevent: (?:\w+ === "\w+" \? )?"(\w+)"/g)) {
      if (event in logEvents) named.add(event);
    }
    for (const [call] of text.matchAll(/\b(?:log|#log)\??\.(?:debug|info|warn|error|fatal)\(\s*["'`]/g)) {
      t.fail(`${path}: ${call} has no event`);
    }
  }
  const all = texts.map(({ text }) => text).join("\n");
  for (const event of Object.keys(logEvents))
    t.true(all.includes(`"${event}"`), `${event} is logged nowhere`);
  t.true(named.size > 50);
});

test("no page and no alert quotes the words of a log line: they name its event, which is there", (t) => {
  const messages = texts.flatMap(({ text }) =>
    [...text.matchAll(/\bevent: "\w+"[^;]*?\},\s*"([^"]{12,})"/g)].map(([, message = ""]) => message),
  );
  t.true(messages.length > 50);
  const rules = "k8s/components/prometheus-rule/rules.yaml";
  const pages = globSync("{README.md,docs/*.md}", { cwd: root }).filter(
    (path) => !path.endsWith("log-events.md"),
  );
  for (const page of [...pages, rules]) {
    const text = readFileSync(join(root, page), "utf8");
    for (const message of messages) t.false(text.includes(message), `${page} quotes "${message}"`);
    for (const [, event = ""] of text.matchAll(/\bevent(?:=|` `)([a-z_]+)/g))
      t.true(event in logEvents, `${page} names ${event}`);
  }
  t.true(readFileSync(join(root, rules), "utf8").includes("event="));
});

test("levels are words where that is asked for, those of the session threads too", async (t) => {
  const child = new Child(t, [bin, "serve", "--port", "0", "--log-levels", "words"]);
  await child.readyUrl();
  for (const line of child.log) {
    t.is(typeof line.level, "string", JSON.stringify(line));
    t.true(String(line.event) in logEvents, JSON.stringify(line));
  }
});
