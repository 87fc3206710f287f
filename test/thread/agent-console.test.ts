import { fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import type { JsonObject } from "greenroom";
import { ThreadLog } from "../../src/agent/thread/thread-log.ts";
import type { LogLevel } from "../../src/shared/protocol.ts";
import { agentUrl } from "../fixtures/agent-url.ts";
import { AgentThread } from "../fixtures/thread/agent-thread.ts";

interface Line {
  readonly level: number;
  readonly time: number;
  readonly pid: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Descriptors belong to the process: a thread can write to this one as it does to 1 and 2. */
async function logFile(t: ExecutionContext): Promise<{ file: string; fd: number }> {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-"));
  const file = join(folder, "log");
  const fd = openSync(file, "a");
  t.teardown(async () => {
    closeSync(fd);
    await rm(folder, { recursive: true });
  });
  return { file, fd };
}

/** The log of a thread whose agent has said all that it has to say. */
async function logOf(t: ExecutionContext, level: LogLevel, config: JsonObject = {}): Promise<Line[]> {
  const { file, fd } = await logFile(t);
  const thread = new AgentThread(t, agentUrl("faults/chatty"), { level, fd: fd as 1, transcripts: false });
  thread.assign({ config });
  await thread.event("turn");
  thread.close();
  await thread.next("ended");
  const lines = (await readFile(file, "utf8")).split("\n");
  t.is(lines.pop(), "");
  return lines.map((line) => JSON.parse(line));
}

const fromConsole = (lines: readonly Line[]) => lines.filter(({ source }) => source === "console");

test("the console becomes log lines: level, time, process, thread and session", async (t) => {
  const lines = await logOf(t, "debug");
  const [imported, ...inCall] = fromConsole(lines);
  t.like(imported, { level: 30, pid: process.pid, msg: "imported" });
  t.false("session_id" in (imported ?? {}));
  for (const { time, session_id, thread_id } of inCall) {
    t.true(Math.abs(time - Date.now()) < 60_000);
    t.is(session_id, "session-1");
    t.is(typeof thread_id, "number");
  }
  const written = inCall.map(({ level, msg }) => [level, msg] as const);
  t.deepEqual(written.slice(0, 3), [
    [20, "a detail"],
    [30, "hello world, 42 { nested: { is: 'shown' } }"],
    [40, "careful"],
  ]);
  t.is(written[3]?.[0], 50);
  t.regex(written[3]?.[1] ?? "", /^Error: it broke\n {4}at /);
  t.regex(written[4]?.[1] ?? "", /index/);
  t.regex(written[5]?.[1] ?? "", /^x{1000,}… \(\d+ more\)$/);
  t.deepEqual(written.slice(6), [
    [30, "two\nlines"],
    [30, "in pieces"],
    [40, "and waited for"],
  ]);
});

test("one line a turn, without its words", async (t) => {
  const lines = await logOf(t, "info");
  const [turn] = lines.filter(({ event }) => event === "turn");
  t.like(turn, { level: 30, session_id: "session-1", origin: "say", outcome: "done", tool_calls: 0 });
  t.false("agent" in (turn ?? {}));
});

test("lines below the level are not written, and none at all where it is silent", async (t) => {
  t.deepEqual([...new Set((await logOf(t, "warn")).map(({ level }) => level))].sort(), [40, 50]);
  t.deepEqual(await logOf(t, "silent"), []);
});

test("a flood is cut to its budget, and lines say how much was dropped", async (t) => {
  const lines = await logOf(t, "info", { flood: 20_000 });
  const flood = fromConsole(lines).filter(({ msg }) => msg.startsWith("flood"));
  t.true(flood.length < 10_000, `${flood.length} lines`);
  const dropped = lines.reduce(
    (sum, { event, lines: count }) => sum + (event === "log_lines_dropped" ? Number(count) : 0),
    0,
  );
  t.is(flood.length + dropped, 20_000);
  // What Greenroom has to say has a budget of its own.
  t.is(lines.filter(({ event }) => event === "turn").length, 1);
});

test("a line is never longer than a pipe takes whole", async (t) => {
  const { file, fd } = await logFile(t);
  const log = new ThreadLog({ level: "info", fd: fd as 1 });
  const long = "é".repeat(9_000);
  log.info({ arguments: { word: long } }, long);
  log.error({ err: { name: "Error", message: "short", stack: long } }, "A tool failed");
  log.warn({ many: Array.from({ length: 9_000 }, () => 1) }, "too many");
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  t.true(lines.every((line) => Buffer.byteLength(line) < 4_096));
  const [first, second, third] = lines.map((line): Line => JSON.parse(line));
  t.regex(first?.msg ?? "", /^é{60,}… \(\d+ more\)$/);
  t.like(second, { level: 50, msg: "A tool failed", err: { type: "Error", message: "short" } });
  t.like(third, { level: 40, msg: "too many" });
});

test("a reader of the log that stands still does not hold up the session", async (t) => {
  const child = fork(new URL("../fixtures/thread/stalled-log.ts", import.meta.url), {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  const [course] = (await once(child, "message")) as [string[]];
  t.is(course.at(-1), "ended");
  const exited = once(child, "exit");
  const written = await text(child.stdout!);
  await exited;
  t.true(written.startsWith('{"level":30,'));
});
