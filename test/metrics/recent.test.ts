import test from "ava";
import { LatencyCounter } from "../../src/metrics/recent/latency-counts.ts";
import { mostPoints, pointIntervalMs, RecentFigures } from "../../src/metrics/recent/recent-figures.ts";
import type { MetricsSource } from "../../src/metrics/source.ts";
import { eventually } from "../fixtures/eventually.ts";

test("a percentile is right to 2.5 %, whatever the latencies, and over several counters", (t) => {
  for (const [low, high] of [
    [1, 50],
    [200, 900],
    [5_000, 90_000],
  ] as const) {
    const latencies = Array.from({ length: 1_000 }, (_, index) => low + ((high - low) * index) / 999);
    const halves = [new LatencyCounter(), new LatencyCounter()];
    for (const [index, latency] of latencies.entries()) halves[index % 2]!.add(latency);
    const both = new LatencyCounter();
    for (const half of halves) both.addAll(half.take());
    t.is(both.total, 1_000);
    for (const share of [0.05, 0.5, 0.95, 1]) {
      const exact = latencies[Math.ceil(share * 1_000) - 1]!;
      const told = both.quantile(share)!;
      t.true(Math.abs(told - exact) / exact <= 0.026, `${share} of ${low} to ${high}: ${told}, not ${exact}`);
    }
  }
});

test("what is no latency is not counted, and none has no percentile", (t) => {
  const counter = new LatencyCounter();
  for (const nonsense of [null, Number.NaN, -1, Number.POSITIVE_INFINITY]) counter.add(nonsense);
  t.is(counter.total, 0);
  t.is(counter.quantile(0.5), null);
  counter.add(0);
  counter.add(1e12);
  t.is(counter.quantile(0.5), 1);
  t.true(counter.quantile(1)! >= 570_000);
  t.deepEqual(Object.keys(counter.take()).length, 2);
  t.is(counter.total, 0);
});

test("points lie on a grid of the clock, and count what happened in between", async (t) => {
  const figures = new RecentFigures();
  const source = {
    capacity: 8,
    sessionsByState: () => ({ live: 2, closing: 1, ended: 40 }),
    memory: () => ({ usedBytes: 25, limitBytes: 100 }),
  } as unknown as MetricsSource;
  figures.start(source);
  t.teardown(() => figures.stop());
  figures.started();
  figures.started();
  figures.refused();
  figures.ended("crashed");
  figures.loopLag(0.25);
  figures.record({ kind: "response", outcome: "done", eager: false, responseMs: 640 });
  await eventually("two intervals are over", () => figures.points(0).length >= 2);
  const points = figures.points(0);
  for (const { at } of points) t.is(at % pointIntervalMs, 0);
  const [{ at, cpuCores, responses, firstTokens, ...first }, second] = points as [
    (typeof points)[0],
    (typeof points)[0],
  ];
  t.deepEqual(first, {
    sessions: 3,
    capacity: 8,
    started: 2,
    refused: 1,
    ended: { crashed: 1 },
    memoryRatio: 0.25,
    loopLagMs: 250,
  });
  t.true(cpuCores >= 0);
  t.deepEqual(Object.values(responses), [1]);
  t.deepEqual(firstTokens, {});
  t.deepEqual([second.started, second.ended, second.loopLagMs], [0, {}, 0]);
  t.deepEqual(figures.points(at), points.slice(1));
  t.is(mostPoints * pointIntervalMs, 300_000);
});
