import { LatencyCounter } from "../../metrics/recent/latency-counts.ts";
import { type FigurePoint, pointIntervalMs } from "../../metrics/recent/recent-figures.ts";
import { rounded } from "../../metrics/rounded.ts";
import type { EndReason } from "../../shared/end-reasons.ts";
import type { FleetPoint } from "./fleet-schemas.ts";

/** The time over which percentiles are taken, in milliseconds: in 2 s there are few answers. */
const percentileWindowMs = 30_000;

type Points = readonly FigurePoint[];

/** Adds up the points of all replicas. Returns those after this time, in epoch milliseconds, the oldest first. */
export function mergedPoints(ofReplicas: readonly Points[], after: number): FleetPoint[] {
  const byTime = Map.groupBy(ofReplicas.flat(), ({ at }) => at);
  const times = [...byTime.keys()].sort((a, b) => a - b);
  return times
    .filter((at) => at > after)
    .map((at) => {
      const window = times.filter((time) => time <= at && time > at - percentileWindowMs);
      const inWindow = window.flatMap((time) => byTime.get(time) ?? []);
      return mergedPoint(at, byTime.get(at) ?? [], inWindow);
    });
}

/** Returns the time after which the last points begin, so many of them. */
export const afterLast = (points: number, now: number): number =>
  Math.floor(now / pointIntervalMs) * pointIntervalMs - points * pointIntervalMs;

function mergedPoint(at: number, points: Points, inWindow: Points): FleetPoint {
  const sum = (name: "sessions" | "capacity" | "started" | "refused" | "cpuCores") =>
    points.reduce((total, point) => total + point[name], 0);
  const highest = (name: "memoryRatio" | "loopLagMs") => Math.max(...points.map((point) => point[name]));
  const responses = new LatencyCounter();
  const firstTokens = new LatencyCounter();
  for (const point of inWindow) {
    responses.addAll(point.responses);
    firstTokens.addAll(point.firstTokens);
  }
  return {
    at: new Date(at).toISOString(),
    sessions: sum("sessions"),
    capacity: sum("capacity"),
    started: sum("started"),
    refused: sum("refused"),
    ended: endsOf(points),
    responses: responses.total,
    response_p50_ms: quantile(responses, 0.5),
    response_p95_ms: quantile(responses, 0.95),
    first_token_p50_ms: quantile(firstTokens, 0.5),
    first_token_p95_ms: quantile(firstTokens, 0.95),
    cpu_cores: rounded(sum("cpuCores")),
    memory_ratio: rounded(highest("memoryRatio")),
    loop_lag_ms: rounded(highest("loopLagMs")),
  };
}

function quantile(counter: LatencyCounter, share: number): number | null {
  const ms = counter.quantile(share);
  return ms === null ? null : rounded(ms);
}

function endsOf(points: Points): FleetPoint["ended"] {
  const ended: Partial<Record<EndReason, number>> = {};
  for (const point of points) {
    for (const [reason, count = 0] of Object.entries(point.ended) as [EndReason, number?][])
      ended[reason] = (ended[reason] ?? 0) + count;
  }
  return ended;
}
