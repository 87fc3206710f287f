import { availableParallelism } from "node:os";
import { type ChildEnd, runChild } from "./child.ts";
import type { ExhaustResult } from "./children/exhaust.ts";
import type { Bench } from "./figure.ts";

const processes = 20;

/** Each in a loop without end, as fast as V8 gives memory; a leak that is slow enough to be seen is no such case. */
const shapes = {
  objects: "small objects in one array, synchronously",
  strings: "strings of 5,000 characters in a Map, synchronously",
  arrays: "arrays of 1,000 numbers, with yields",
} as const;

/**
 * Measures in how many processes all sessions but the greedy one survive. V8 may end the whole process where one thread
 * exhausts its heap (a thread's `resourceLimits` are best effort), so this is a rate, not a promise. Everything is as
 * by default: where the watchdog or the soft limit is faster than V8, that is part of the answer.
 */
export default {
  about: "share of processes that survive a session which exhausts its heap at full speed",
  async run(report) {
    for (const [shape, note] of Object.entries(shapes)) {
      const ends = await inParallel(processes, () =>
        runChild("exhaust", { shape }, { timeoutMs: 60_000, quiet: true }),
      );
      const survived = ends.filter(hasSurvived);
      report({
        figure: `survival_rate_${shape}`,
        value: survived.length / ends.length,
        unit: "ratio",
        note: `${note}; ${ends.length} processes; ${tally(ends)}`,
      });
    }
  },
} satisfies Bench;

function hasSurvived({ result }: ChildEnd): boolean {
  return result !== undefined && (result as ExhaustResult).besideIsLive;
}

function tally(ends: readonly ChildEnd[]): string {
  const counts = new Map<string, number>();
  for (const { result, signal, exitCode } of ends) {
    const what =
      result === undefined
        ? `process: ${signal ?? `exit ${exitCode}`}`
        : `session: ${(result as ExhaustResult).endReason}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts].map(([what, count]) => `${what} ×${count}`).join(", ");
}

async function inParallel<Result>(count: number, work: () => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let begun = 0;
  const worker = async () => {
    while (begun < count) {
      begun += 1;
      results.push(await work());
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
