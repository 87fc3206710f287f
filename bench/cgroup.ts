import {
  type EatenTask,
  type EatenTrial,
  eatenNeighbours,
} from "../test/fixtures/supervisor/eaten-neighbours.ts";
import { MemoryCgroup } from "../test/fixtures/supervisor/memory-cgroup.ts";
import type { Bench } from "./figure.ts";

const limitsMb = [512, 1_024, 3_072];
/** The number of trials for each limit and way. */
const trials = Number(process.env.BENCH_TRIALS ?? 20);
const trialsInOneProcess = 10;
const neighbours = 3;

const ways = {
  heap_slow: "objects, 100 MB/s",
  heap_fast: "objects, synchronously",
  buffers_slow: "Buffers, 100 MB/s",
  buffers_fast: "Buffers, synchronously",
  wasm_slow: "one wasm memory that grows, 100 MB/s",
  wasm_fast: "wasm memories, synchronously",
  shared_fast: "SharedArrayBuffers, synchronously",
  nested_slow: "Buffers in a worker thread of its own, 100 MB/s",
  nested_fast: "the same, synchronously",
} as const;

/**
 * Measures in real control groups how many sessions that take memory without end leave the sessions beside them alive.
 */
export default {
  about: `survival of ${neighbours} sessions beside one that takes memory, in control groups of ${limitsMb.join(", ")} MiB`,
  async run(report) {
    const { reason } = MemoryCgroup;
    if (reason !== null) {
      console.log(`cgroup: left out, since ${reason}`);
      return;
    }
    for (const limitMb of limitsMb) {
      for (const [way, about] of Object.entries(ways)) {
        const told: EatenTrial[] = [];
        let processes = 0;
        let died = 0;
        while (told.length + died < trials) {
          processes += 1;
          const begun = Math.min(trialsInOneProcess, trials - told.length - died);
          const finished = await eaten(limitMb, { way, trials: begun, neighbours });
          told.push(...finished);
          if (finished.length < begun) died += 1;
        }
        const survived = told.filter(({ neighboursAreWell }) => neighboursAreWell).length;
        report({
          figure: `survival_${limitMb}_${way}`,
          value: survived / trials,
          unit: "ratio",
          target: { atLeast: 0.99 },
          note: `${about}; ${survived} of ${trials} in ${processes} processes; ${tally(told, died)}`,
        });
      }
    }
  },
} satisfies Bench;

async function eaten(limitMb: number, task: EatenTask): Promise<readonly EatenTrial[]> {
  await using cgroup = MemoryCgroup.create(limitMb);
  return await eatenNeighbours(task, { timeoutMs: 300_000, cgroup });
}

function tally(told: readonly EatenTrial[], died: number): string {
  const counts = new Map<string, number>(died > 0 ? [["process died", died]] : []);
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  for (const { endReason, neighboursEnded } of told) {
    count(String(endReason));
    for (const ended of neighboursEnded) count(`a neighbour ended: ${ended}`);
  }
  return [...counts].map(([what, count]) => `${what} ×${count}`).join(", ");
}
