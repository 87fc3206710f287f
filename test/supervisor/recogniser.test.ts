import test from "ava";
import { fillLauncherOptions } from "../../src/supervisor/launcher-options.ts";
import { UnexplainedMemory } from "../../src/supervisor/monitor/memory/unexplained-memory.ts";
import { chooseRecogniser } from "../../src/supervisor/recogniser/recogniser-choice.ts";
import { deriveCapacity } from "../../src/supervisor/starts/capacity.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const plenty = { cpus: 2, memoryBytes: 8 * GiB };

test("it is offered where no key of another is set and there is memory, unless it is said otherwise", (t) => {
  const offered = (...given: Parameters<typeof chooseRecogniser>) => chooseRecogniser(...given).offered;
  t.true(offered(undefined, plenty, {}));
  t.true(offered(undefined, plenty, { DEEPGRAM_API_KEY: " " }));
  t.false(offered(undefined, plenty, { DEEPGRAM_API_KEY: "key" }));
  t.true(offered(true, plenty, { DEEPGRAM_API_KEY: "key" }));
  t.false(offered(false, plenty, {}));
  t.false(offered(undefined, { cpus: 2, memoryBytes: GiB }, {}));
  t.true(offered(true, { cpus: 2, memoryBytes: GiB }, {}));
  t.is(
    chooseRecogniser(undefined, { cpus: 2, memoryBytes: GiB }, {}).reason,
    "the process may use 1024 MiB of memory, and it is offered from 1536 MiB on (localStt: true offers it)",
  );
});

test("what it takes counts in the capacity, and in what one thread may hold", (t) => {
  const limits = { cpus: 4, memoryBytes: 2 * GiB };
  t.is(deriveCapacity(limits).sessions, 14);
  t.is(deriveCapacity(limits, 448 * MiB).sessions, 9);
  const options = (localStt: boolean) =>
    fillLauncherOptions({ agent: "/agent.ts", localStt }, limits, 100 * MiB);
  t.deepEqual(
    [options(true), options(false)].map((one) => one.maxConcurrentSessions),
    [9, 14],
  );
  const given = (localStt: boolean) =>
    fillLauncherOptions({ agent: "/agent.ts", localStt, maxConcurrentSessions: 9 }, limits, 100 * MiB);
  t.is(given(false).heapLimitMb - given(true).heapLimitMb, 448);
});

test("memory that the server takes for all is no session's", (t) => {
  const memory = new UnexplainedMemory<string>();
  t.is(memory.look(100 * MiB, new Map()), 0);
  t.is(memory.settle(), 0);
  t.is(memory.look(550 * MiB, new Map()), 0);
  t.true(memory.look(900 * MiB, new Map()) >= 300 * MiB, "what comes then is");
});
