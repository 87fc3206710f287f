import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { type Candidate, findEater, type Pressure } from "../../../src/supervisor/monitor/memory/eater.ts";
import { UseTrend } from "../../../src/supervisor/monitor/memory/memory-guard.ts";
import {
  deriveThreadLimits,
  firstMark,
  lastMark,
  limitWarning,
} from "../../../src/supervisor/monitor/memory/memory-limits.ts";
import { ProcessMemory } from "../../../src/supervisor/monitor/memory/process-memory.ts";
import type { ThreadHolding } from "../../../src/supervisor/monitor/memory/thread-memory.ts";
import { UnexplainedMemory } from "../../../src/supervisor/monitor/memory/unexplained-memory.ts";
import type { Slot } from "../../../src/supervisor/threads/slot.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;

test("with plenty of memory a thread may hold the most that any agent should need", (t) => {
  const room = { memoryBytes: 24 * GiB, capacity: 20, baseBytes: 100 * MiB };
  t.deepEqual(deriveThreadLimits(room), { softMb: 384, hardMb: 1_024 });
  t.is(limitWarning(room, deriveThreadLimits(room)), null);
});

test("with little, one thread at its limit leaves the others what is usual", (t) => {
  const room = { memoryBytes: GiB, capacity: 5, baseBytes: 100 * MiB };
  const { softMb, hardMb } = deriveThreadLimits(room);
  t.true(softMb < hardMb);
  t.true(hardMb * MiB + room.baseBytes + 4 * 96 * MiB <= firstMark(GiB));
  t.is(limitWarning(room, { softMb, hardMb }), null);
});

test("a thread may always hold what an agent needs, and it is told where that is too much", (t) => {
  const room = { memoryBytes: GiB / 2, capacity: 10, baseBytes: 100 * MiB };
  const limits = deriveThreadLimits(room);
  t.deepEqual(limits, { softMb: 144, hardMb: 192 });
  t.regex(limitWarning(room, limits) ?? "", /192 MiB \(heapLimitMb\), but 512 MiB of memory leave 30 MiB/);
});

test("limits that are given count as they are, and the other one follows", (t) => {
  const room = { memoryBytes: GiB / 2, capacity: 10, baseBytes: 100 * MiB };
  t.deepEqual(deriveThreadLimits(room, { hardMb: 800 }), { softMb: 384, hardMb: 800 });
  t.deepEqual(deriveThreadLimits(room, { softMb: 300 }), { softMb: 300, hardMb: 400 });
  t.deepEqual(deriveThreadLimits(room, { softMb: 32, hardMb: 64 }), { softMb: 32, hardMb: 64 });
  t.deepEqual(deriveThreadLimits(room, { softMb: 2_000 }), { softMb: 2_000, hardMb: 1_024 });
});

function root(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "greenroom-memory-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), `${text}\n`);
  }
  return directory;
}

const machine = { machineBytes: 8 * GiB, residentBytes: () => 300 * MiB };

test("cgroup 2: the group that leaves least counts, and the cache of files does not", (t) => {
  const directory = root(t, {
    "proc/self/cgroup": "0::/pod/one",
    "sys/fs/cgroup/pod/memory.max": String(2 * GiB),
    "sys/fs/cgroup/pod/memory.current": String(2_000 * MiB),
    "sys/fs/cgroup/pod/memory.stat": `anon 1\ninactive_file ${50 * MiB}\nactive_file ${50 * MiB}`,
    "sys/fs/cgroup/pod/one/memory.max": String(GiB),
    "sys/fs/cgroup/pod/one/memory.current": String(500 * MiB),
    "sys/fs/cgroup/pod/one/memory.stat": "inactive_file 0\nactive_file 0",
  });
  const memory = new ProcessMemory({ ...machine, root: directory, limitBytes: null });
  t.deepEqual(memory.read(), { usedBytes: 1_900 * MiB, limitBytes: 2 * GiB });
});

test("cgroup 2: above memory.high the kernel stops the threads, so that is the limit", (t) => {
  const directory = root(t, {
    "proc/self/cgroup": "0::/",
    "sys/fs/cgroup/memory.max": String(GiB),
    "sys/fs/cgroup/memory.high": String(900 * MiB),
    "sys/fs/cgroup/memory.current": String(500 * MiB),
  });
  const memory = new ProcessMemory({ ...machine, root: directory, limitBytes: null });
  t.deepEqual(memory.read(), { usedBytes: 500 * MiB, limitBytes: 900 * MiB });
});

test("cgroup 1, in a container that sees the host's path", (t) => {
  const directory = root(t, {
    "proc/self/cgroup": "4:memory:/docker/abc",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": String(GiB),
    "sys/fs/cgroup/memory/memory.usage_in_bytes": String(700 * MiB),
    "sys/fs/cgroup/memory/memory.stat": `inactive_file 1\ntotal_inactive_file ${100 * MiB}\ntotal_active_file ${MiB}`,
  });
  const memory = new ProcessMemory({ ...machine, root: directory, limitBytes: null });
  t.deepEqual(memory.read(), { usedBytes: 599 * MiB, limitBytes: GiB });
});

test("without a control group the machine's free memory is the limit, where others do not take it", (t) => {
  const meminfo = (availableMb: number) =>
    root(t, { "proc/meminfo": `MemTotal: 1 kB\nMemAvailable:    ${availableMb * 1_024} kB` });
  const read = (directory: string) =>
    new ProcessMemory({ ...machine, root: directory, limitBytes: null }).read();
  t.deepEqual(read(meminfo(4_000)), { usedBytes: 300 * MiB, limitBytes: 4_300 * MiB });
  // To end sessions would not help.
  t.deepEqual(read(meminfo(10)), { usedBytes: 300 * MiB, limitBytes: 2 * GiB });
  t.deepEqual(read(root(t, {})), { usedBytes: 300 * MiB, limitBytes: 8 * GiB });
});

test("the operator's own limit counts beside that of the control group", (t) => {
  const directory = root(t, {
    "proc/self/cgroup": "0::/",
    "sys/fs/cgroup/memory.max": String(GiB),
    "sys/fs/cgroup/memory.current": String(100 * MiB),
  });
  const memory = new ProcessMemory({ ...machine, root: directory, limitBytes: 400 * MiB });
  t.deepEqual(memory.read(), { usedBytes: 300 * MiB, limitBytes: 400 * MiB });
});

const thread = (name: string, fields: Partial<Candidate> = {}): Candidate => ({
  slot: name as unknown as Slot,
  heldBytes: 30 * MiB,
  silentMs: 0,
  nestedWorkers: 0,
  busy: 0,
  ...fields,
});
const calm: Pressure = { allowedBytes: 100 * MiB, unexplainedBytes: 0, last: false, waiting: false };

test("the thread that holds most has to end, if it holds more than it should", (t) => {
  const threads = [thread("small"), thread("large", { heldBytes: 150 * MiB }), thread("busy", { busy: 1 })];
  t.like(findEater(threads, calm), { slot: "large", bytes: 150 * MiB, known: true });
  t.is(findEater(threads, { ...calm, allowedBytes: 200 * MiB }), null);
  t.like(findEater(threads, { ...calm, allowedBytes: 200 * MiB, last: true }), { slot: "large" });
  t.is(findEater([], { ...calm, last: true }), null);
});

test("memory that no thread accounts for is of the most likely one", (t) => {
  const pressure = { ...calm, unexplainedBytes: 300 * MiB };
  const large = thread("large", { heldBytes: 150 * MiB });
  const busy = thread("busy", { busy: 1 });
  const nested = thread("nested", { nestedWorkers: 1 });
  const silent = thread("silent", { silentMs: 100 });
  t.like(findEater([large, busy], pressure), { slot: "busy", bytes: 300 * MiB, known: false });
  t.like(findEater([large, busy, nested], pressure), { slot: "nested" });
  t.like(findEater([large, silent, busy, nested], pressure), { slot: "silent" });
});

test("while a thread is being ended, nobody is suspected, and nobody goes who holds no more than it may", (t) => {
  const pressure = { ...calm, unexplainedBytes: 300 * MiB, last: true, waiting: true };
  t.is(findEater([thread("small"), thread("busy", { busy: 1 })], pressure), null);
  t.like(findEater([thread("small"), thread("large", { heldBytes: 150 * MiB })], pressure), {
    slot: "large",
  });
});

const holding = (mb: number): ThreadHolding => ({
  heapBytes: mb * MiB,
  externalBytes: 0,
  nestedBytes: 0,
  committedHeapBytes: mb * MiB,
  at: 0,
});

test("what a thread that ended left with the allocator is explained, what grows beside is not", (t) => {
  const memory = new UnexplainedMemory<string>();
  t.is(memory.look(100 * MiB, new Map()), 0);
  t.is(memory.look(500 * MiB, new Map([["a", holding(380)]])), 0);
  // Of 380 MiB, 100 came back.
  t.is(memory.look(400 * MiB, new Map()), 0);
  t.true(memory.look(700 * MiB, new Map()) >= 250 * MiB);
});

test("growth is measured over the last tenth of a second", (t) => {
  const trend = new UseTrend();
  t.is(trend.growth, 0);
  for (let at = 0; at <= 500; at += 10) trend.add(at, at < 300 ? 1_000 : 1_000 + (at - 300) * 50);
  t.is(trend.growth, 50);
  trend.add(510, 0);
  t.is(trend.growth, 0);
});

test("the marks leave a share of a small limit, and no more than is needed of a large one", (t) => {
  t.is(Math.round(firstMark(100)), 85);
  t.is(Math.round(lastMark(100)), 94);
  t.is(firstMark(64 * GiB), 63 * GiB);
  t.is(lastMark(64 * GiB), 63.75 * GiB);
});
