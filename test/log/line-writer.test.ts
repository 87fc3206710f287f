import { constants, openSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { DroppedLines } from "../../src/log/dropped-lines.ts";
import { LineWriter } from "../../src/log/line-writer.ts";
import { eventually } from "../fixtures/eventually.ts";
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
