import type { EndReason } from "../../shared/end-reasons.ts";
import { now } from "../../shared/protocol.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import { reading } from "../measured-numbers.ts";
import type { MetricsSource } from "../source.ts";
import { LatencyCounter, type LatencyCounts } from "./latency-counts.ts";

/** The time between two points, in milliseconds. Points of all processes are at multiples of it. */
export const pointIntervalMs = 2_000;
/** The time by which a timer may run early, in milliseconds. */
const earlyMs = 200;
/** The most points that are kept: five minutes. */
export const mostPoints = 150;

/** The figures of this process for one interval: counts during it, and gauges at its end. */
export interface FigurePoint {
  /** The end of the interval in epoch milliseconds, a multiple of {@link pointIntervalMs}. */
  readonly at: number;
  /** Live sessions, and how many there may be. */
  readonly sessions: number;
  readonly capacity: number;
  /** Starts that were given a thread, and that were refused or failed. */
  readonly started: number;
  readonly refused: number;
  readonly ended: Readonly<Partial<Record<EndReason, number>>>;
  /** From a participant's last sound to the first sound of the answer. */
  readonly responses: LatencyCounts;
  /** From a request to a model to its first text. */
  readonly firstTokens: LatencyCounts;
  /** CPU cores that the process used. */
  readonly cpuCores: number;
  /** The memory in use, as a share of its limit. */
  readonly memoryRatio: number;
  /** The most that a timer of the main thread was late, in milliseconds. */
  readonly loopLagMs: number;
}

/** The figures of the last minutes. Everything but the timer costs a few additions. */
export class RecentFigures {
  readonly #points: FigurePoint[] = [];
  readonly #responses = new LatencyCounter();
  readonly #firstTokens = new LatencyCounter();
  #started = 0;
  #refused = 0;
  #ended: Partial<Record<EndReason, number>> = {};
  #loopLagMs = 0;
  #cpu = { usedMs: cpuMs(), at: performance.now() };
  #timer: NodeJS.Timeout | undefined;

  /** Begins to make points, from what the source says. */
  start(source: MetricsSource): void {
    this.stop();
    const nextAt = Math.ceil((now() + 2 * earlyMs) / pointIntervalMs) * pointIntervalMs;
    this.#timer = setTimeout(() => {
      this.#sample(source);
      this.start(source);
    }, nextAt - now()).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  record(measurement: Measurement): void {
    if (measurement.kind === "response") this.#responses.add(measurement.responseMs);
    else if (measurement.kind === "llm" && measurement.outcome === "done")
      this.#firstTokens.add(measurement.firstTokenMs);
  }

  started(): void {
    this.#started += 1;
  }

  refused(): void {
    this.#refused += 1;
  }

  ended(reason: EndReason): void {
    this.#ended[reason] = (this.#ended[reason] ?? 0) + 1;
  }

  loopLag(seconds: number): void {
    this.#loopLagMs = Math.max(this.#loopLagMs, (reading(seconds) ?? 0) * 1_000);
  }

  /** Returns the points after this time, the oldest first. */
  points(after: number): readonly FigurePoint[] {
    return this.#points.filter(({ at }) => at > after);
  }

  #sample(source: MetricsSource): void {
    const at = Math.floor((now() + earlyMs) / pointIntervalMs) * pointIntervalMs;
    const { usedBytes, limitBytes } = source.memory();
    this.#points.push({
      at,
      sessions: liveSessions(source),
      capacity: source.capacity,
      started: this.#started,
      refused: this.#refused,
      ended: this.#ended,
      responses: this.#responses.take(),
      firstTokens: this.#firstTokens.take(),
      cpuCores: this.#cpuCores(),
      memoryRatio: limitBytes > 0 ? usedBytes / limitBytes : 0,
      loopLagMs: this.#loopLagMs,
    });
    if (this.#points.length > mostPoints) this.#points.shift();
    this.#started = 0;
    this.#refused = 0;
    this.#ended = {};
    this.#loopLagMs = 0;
  }

  #cpuCores(): number {
    const before = this.#cpu;
    this.#cpu = { usedMs: cpuMs(), at: performance.now() };
    const passedMs = this.#cpu.at - before.at;
    return passedMs > 0 ? (this.#cpu.usedMs - before.usedMs) / passedMs : 0;
  }
}

/** Returns the CPU time that the process has used, in milliseconds. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function liveSessions(source: MetricsSource): number {
  const { ended: _, ...live } = source.sessionsByState();
  let sessions = 0;
  for (const count of Object.values(live)) sessions += count ?? 0;
  return sessions;
}
