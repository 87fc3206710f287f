import test from "ava";
import fc from "fast-check";
import { BackOff, pause } from "../../src/shared/back-off.ts";
import { longestTimerMs } from "../../src/shared/deadline.ts";

const pausesOf = (backOff: BackOff, failures: readonly number[]) =>
  failures.map((count) => backOff.pauseMs(count));

test("a pause doubles with each failure in a row, up to the longest; without a failure there is none", (t) => {
  const backOff = new BackOff({ firstMs: 250, mostMs: 2_000 });
  t.deepEqual(pausesOf(backOff, [0, 1, 2, 3, 4, 5, 100]), [0, 250, 500, 1_000, 2_000, 2_000, 2_000]);
});

test("a pause grows by another factor where one is given", (t) => {
  const backOff = new BackOff({ firstMs: 100, mostMs: 1_000, factor: 1.5 });
  t.deepEqual(pausesOf(backOff, [1, 2, 3]), [100, 150, 225]);
});

test("a pause is a time that a timer can wait, however often it failed, and never above the longest", (t) => {
  fc.assert(
    fc.property(
      fc.nat(60_000),
      fc.option(fc.nat(3_600_000), { nil: undefined }),
      fc.nat(10_000),
      fc.constantFrom([1, 1] as const, [0.5, 1] as const, [0.75, 1.25] as const, [1, 1.5] as const),
      (firstMs, mostMs, failures, jitter) => {
        const backOff = new BackOff({ firstMs, ...(mostMs === undefined ? {} : { mostMs }), jitter });
        const pauseMs = backOff.pauseMs(failures);
        t.true(pauseMs >= 0 && pauseMs <= (mostMs ?? longestTimerMs), String(pauseMs));
      },
    ),
  );
});

test("chance keeps a pause within its bounds, and makes pauses differ", (t) => {
  const backOff = new BackOff({ firstMs: 100, mostMs: 400, jitter: [0.5, 1] });
  const third = Array.from({ length: 200 }, () => backOff.pauseMs(3));
  const later = Array.from({ length: 200 }, () => backOff.pauseMs(9));
  for (const pauseMs of [...third, ...later]) t.true(pauseMs >= 200 && pauseMs <= 400, String(pauseMs));
  t.true(new Set(third).size > 100);
  t.true(new Set(later).size > 100, "the longest pause has its chance too");
});

test("a signal ends a pause with its reason, also one that has fired before", async (t) => {
  const reason = new Error("The call is over");
  const ending = new AbortController();
  const waited = new BackOff({ firstMs: 3_600_000 }).pause(1, { signal: ending.signal });
  ending.abort(reason);
  t.is(await t.throwsAsync(waited), reason);
  t.is(await t.throwsAsync(pause(3_600_000, { signal: ending.signal })), reason);
});

test("a pause without a signal is over after its time", async (t) => {
  const before = performance.now();
  await pause(20);
  t.true(performance.now() - before > 15);
});
