import test from "ava";
import { LoopLag } from "../../src/metrics/loop-lag.ts";
import type { EndReason } from "../../src/shared/end-reasons.ts";
import type { PlainError } from "../../src/shared/errors.ts";
import type { JsonValue } from "../../src/shared/protocol.ts";
import type { Cgroup } from "../../src/supervisor/monitor/cgroup.ts";
import {
  eventLoopGauge,
  memoryGauge,
  systemGauges,
  throttlingGauge,
} from "../../src/supervisor/monitor/load-gauges.ts";
import { type LoadGauge, LoadGuard } from "../../src/supervisor/monitor/load-guard.ts";
import { share } from "../../src/supervisor/monitor/vitals.ts";
import { CrashStorm } from "../../src/supervisor/starts/crash-storm.ts";

const cgroup: Cgroup = {
  memoryLimitBytes: null,
  cpuQuota: null,
  memoryUsedBytes: () => null,
  throttledMs: () => null,
};

/** A gauge whose value the test sets. */
function dial(cause: LoadGauge["cause"], marks: Partial<LoadGauge> = {}) {
  const gauge = {
    cause,
    value: 0 as number | null,
    raiseAt: 0.8,
    raiseAfter: 1,
    clearBelow: 0.6,
    clearAfter: 1,
    ...marks,
    read: () => gauge.value,
  };
  return gauge;
}

test("it rises at one mark and falls below another", (t) => {
  const memory = dial("memory");
  const guard = new LoadGuard([memory]);
  const seen = [0.7, 0.8, 0.79, 0.61, 0.59, 0.79].map((value) => {
    memory.value = value;
    guard.check();
    return guard.causes().length > 0;
  });
  t.deepEqual(seen, [false, true, true, true, false, false]);
});

test("a cause that must last needs readings in a row, to rise and to fall", (t) => {
  const lag = dial("event_loop", { raiseAt: 250, raiseAfter: 3, clearBelow: 100, clearAfter: 2 });
  const guard = new LoadGuard([lag]);
  const seen = [300, 300, 10, 300, 300, 300, 50, 200, 50, 50].map((value) => {
    lag.value = value;
    guard.check();
    return guard.causes().length > 0;
  });
  t.deepEqual(seen, [false, false, false, false, false, true, true, true, true, false]);
});

test("causes come and go by themselves, and listeners hear of changes only", (t) => {
  const memory = dial("memory");
  const cpu = dial("cpu_throttled");
  const guard = new LoadGuard([memory, cpu]);
  const heard: string[] = [];
  const stopListening = guard.onChange((causes) => heard.push(causes.join("+")));
  for (const [memoryValue, cpuValue] of [
    [0, 0],
    [1, 0],
    [1, 0],
    [1, 1],
    [0, 1],
    [0, 0],
  ] as const) {
    memory.value = memoryValue;
    cpu.value = cpuValue;
    guard.check();
  }
  t.deepEqual(heard, ["memory", "memory+cpu_throttled", "cpu_throttled", ""]);
  t.deepEqual(guard.readings(), [
    { cause: "memory", active: false, value: 0 },
    { cause: "cpu_throttled", active: false, value: 0 },
  ]);
  stopListening();
  memory.value = 1;
  guard.check();
  t.is(heard.length, 4);
});

test("an unknown value changes nothing", (t) => {
  const memory = dial("memory");
  const guard = new LoadGuard([memory]);
  memory.value = 1;
  guard.check();
  memory.value = null;
  guard.check();
  t.deepEqual(guard.causes(), ["memory"]);
  t.is(guard.readings()[0]?.value, 1);
});

test("started it looks by itself; stopped it is quiet, and says so", async (t) => {
  const memory = dial("memory");
  const started: string[] = [];
  const guard = new LoadGuard([
    { ...memory, read: () => 1, start: () => started.push("start"), stop: () => started.push("stop") },
  ]);
  const up = Promise.withResolvers<readonly string[]>();
  const down = Promise.withResolvers<readonly string[]>();
  guard.onChange((causes) => (causes.length > 0 ? up : down).resolve(causes));
  guard.start(5);
  guard.start(5);
  const keepAlive = setTimeout(() => up.reject(new Error("nothing within 20 s")), 20_000);
  t.deepEqual(await up.promise, ["memory"]);
  guard.stop();
  t.deepEqual(await down.promise, []);
  clearTimeout(keepAlive);
  t.deepEqual(started, ["start", "stop"]);
});

test("memory: the control group's use against its limit, else this process against the machine", (t) => {
  const limited = memoryGauge({ ...cgroup, memoryLimitBytes: 1_000, memoryUsedBytes: () => 850 }, 1e12);
  t.is(limited.read(), 0.85);
  const wide = memoryGauge({ ...cgroup, memoryLimitBytes: 1e15, memoryUsedBytes: () => 1e15 }, 1e12);
  const share = wide.read() ?? Number.NaN;
  t.true(share > 0 && share < 0.1, `${share}`);
});

test("throttling: its share of the time between two readings", (t) => {
  let at = 0;
  let throttledMs = 5_000;
  const gauge = throttlingGauge({ ...cgroup, throttledMs: () => throttledMs }, () => at);
  t.is(gauge.read(), null);
  at = 1_000;
  throttledMs = 5_300;
  t.is(gauge.read(), 0.3);
  t.is(gauge.read(), null);
  at = 2_000;
  t.is(gauge.read(), 0);
  t.is(throttlingGauge(cgroup).read(), null);
});

test("event loop: a blocked loop is seen", async (t) => {
  const samples: number[] = [];
  const sampled = Promise.withResolvers<void>();
  const gauge = eventLoopGauge((lagMs) => {
    samples.push(lagMs);
    if (lagMs >= 300) sampled.resolve();
  });
  gauge.start?.();
  t.is(gauge.read(), null);
  const deadline = setTimeout(() => sampled.reject(new Error("no sample within 20 s")), 20_000);
  const until = performance.now() + 400;
  while (performance.now() < until);
  await sampled.promise;
  clearTimeout(deadline);
  t.true((gauge.read() ?? 0) >= 300);
  gauge.stop?.();
  t.is(gauge.read(), null);
});

test("the lag of a loop that nobody reads takes no memory without end", (t) => {
  const lag = new LoopLag();
  t.is(lag.takeP99Ms(), null);
  lag.start();
  lag.start();
  lag.stop();
  lag.stop();
  t.is(lag.takeP99Ms(), null);
});

test("a server watches memory, throttling and its loop, and is well at first", (t) => {
  const gauges = systemGauges({ cgroup, machineMemoryBytes: 1e12 });
  t.deepEqual(
    gauges.map((gauge) => gauge.cause),
    ["memory", "cpu_throttled", "event_loop"],
  );
  for (const gauge of gauges) t.true(gauge.clearBelow < gauge.raiseAt, gauge.cause);
  const guard = new LoadGuard(gauges);
  guard.check();
  t.deepEqual(guard.causes(), []);
});

test("the share of the event loop that is in use is one, although it is read from another thread", (t) => {
  t.deepEqual([-0.02, 0, 0.12345, 1, 1.01].map(share), [0, 0, 0.123, 1, 1]);
});

const at = (line: number, message = "boom"): PlainError => ({
  name: "Error",
  message,
  stack: `Error: ${message}\n    at join (file:///home/ann/agent.ts:${line}:7)`,
});

function deaths(
  storm: CrashStorm,
  count: number,
  createdBy: JsonValue,
  error: PlainError | null = at(5),
  endReason: EndReason = "crashed",
): void {
  for (let i = 0; i < count; i += 1) storm.count({ createdBy, error, endReason });
}

test("where callers are not told apart, deaths at one place stop everybody's starts", (t) => {
  const storm = new CrashStorm(4);
  deaths(storm, 3, null);
  t.is(storm.secondsLeft, 0);
  deaths(storm, 1, null);
  t.true(storm.secondsLeft > 50);
});

test("one caller's crashing configs stop that caller's starts, not another's", (t) => {
  const storm = new CrashStorm(4);
  deaths(storm, 40, "ann");
  t.is(storm.secondsLeft, 0);
  t.true(storm.secondsLeftFor("ann") > 50);
  t.is(storm.secondsLeftFor("bob"), 0);
  deaths(storm, 1, "bob");
  t.is(storm.secondsLeft, 0, "one death of another does not make it everybody's");
  t.is(storm.secondsLeftFor("bob"), 0);
  deaths(storm, 1, "bob");
  t.true(storm.secondsLeft > 50, "it happens to others as well");
  t.true(storm.secondsLeftFor("carl") > 50);
});

test("a caller whose claims change with every token is one caller", (t) => {
  const storm = new CrashStorm(4);
  for (let iat = 0; iat < 20; iat += 1) deaths(storm, 1, { sub: "ann", iat });
  t.is(storm.secondsLeft, 0);
  t.true(storm.secondsLeftFor({ sub: "ann", iat: 99 }) > 0);
  t.is(storm.secondsLeftFor({ sub: "bob", iat: 99 }), 0);
});

test("deaths count by the place in the agent's code, whatever they say", (t) => {
  const storm = new CrashStorm(4);
  for (const name of ["a", "b", "c", "d"]) deaths(storm, 1, null, at(5, `no user ${name}`));
  t.true(storm.secondsLeft > 0);
  const scattered = new CrashStorm(4);
  for (const line of [1, 2, 3, 4, 5, 6]) deaths(scattered, 1, null, at(line, "the same words"));
  t.is(scattered.secondsLeft, 0);
});

test("a session that was asked to close, or failed in its own code without a crash, is no death", (t) => {
  const storm = new CrashStorm(2);
  deaths(storm, 20, null, null, "out_of_memory");
  for (const reason of ["failed", "start_failed", "killed", "finished", "closed"] as const) {
    deaths(storm, 20, null, at(5), reason);
  }
  t.is(storm.secondsLeft, 0);
  deaths(storm, 2, null, { name: "Error", message: "The session held 900 MiB of heap" }, "out_of_memory");
  t.true(storm.secondsLeft > 0, "threads that were ended by force are");
});

test("the one who is stopped is told once; 0 turns it off", (t) => {
  const storm = new CrashStorm(2);
  const died = { createdBy: "ann", error: at(5), endReason: "crashed" as const };
  t.deepEqual(
    [storm.count(died), storm.count(died), storm.count(died)],
    [null, "/home/ann/agent.ts:5", null],
  );
  const off = new CrashStorm(0);
  deaths(off, 50, null);
  t.is(off.secondsLeftFor(null), 0);
});
