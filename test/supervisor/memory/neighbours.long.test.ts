import test from "ava";
import { eatenNeighbours } from "../../fixtures/supervisor/eaten-neighbours.ts";
import { MemoryCgroup } from "../../fixtures/supervisor/memory-cgroup.ts";

/** A busy machine must not have the watchdog decide before the memory does. */
const task = { trials: 2, neighbours: 2, unresponsiveAfterMs: 120_000 };
const usualMb = 768;
/** The ways of taking memory, in words, and the limit in MiB. */
const ways: Readonly<Record<string, readonly [words: string, limitMb: number]>> = {
  heap_fast: ["its heap", usualMb],
  // The kernel gives it out at some 5 GiB a second on a quiet machine: what 768 MiB leave is gone within 80 ms, before a thread that tells
  // nothing of it is found and ended.
  shared_fast: ["memory that no thread accounts for", 2 * usualMb],
  buffers_fast: ["Buffers", usualMb],
  wasm_fast: ["wasm memory", usualMb],
  nested_fast: ["a worker thread of its own", usualMb],
};

// Where the kernel's limit cannot be had the server is told one: the same guard then keeps it.
const inCgroup = MemoryCgroup.reason === null;

for (const [way, [words, limitMb]] of Object.entries(ways)) {
  const place = inCgroup
    ? `a control group of ${limitMb} MiB`
    : `${limitMb} MiB by option, since ${MemoryCgroup.reason}`;
  test.serial(`a session that takes all memory in ${words} ends alone, in ${place}`, async (t) => {
    await using cgroup = inCgroup ? MemoryCgroup.create(limitMb) : null;
    const limits = inCgroup ? {} : { memoryLimitMb: limitMb };
    const tried = await eatenNeighbours({ ...task, ...limits, way }, { cgroup });
    const expected = ["out_of_memory", true, []];
    t.deepEqual(
      tried.map((trial) => [trial.endReason, trial.neighboursAreWell, trial.neighboursEnded]),
      Array(task.trials).fill(expected),
    );
  });
}

test.serial("the operator's own limit is kept, and the session is told of it", async (t) => {
  const [trial] = await eatenNeighbours({ ...task, trials: 1, way: "buffers_fast", memoryLimitMb: 400 });
  t.is(trial?.endReason, "out_of_memory");
  t.true(trial?.neighboursAreWell);
  t.regex(trial?.message ?? "", /^The thread held \d+ MiB of memory/);
});
