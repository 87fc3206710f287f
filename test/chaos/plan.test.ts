import test from "ava";
import { allFaults } from "../../chaos/faults/all-faults.ts";
import { plan } from "../../chaos/plan.ts";
import { Random } from "../../chaos/random.ts";

const forMs = 20 * 60_000;
const planOf = (seed: number) => plan(new Random(seed), allFaults, forMs);

test("the same seed gives the same faults, another seed gives others", (t) => {
  t.deepEqual(planOf(7), planOf(7));
  t.notDeepEqual(planOf(7), planOf(8));
});

test("a long plan has faults of every kind, in order, and all are over at its end", (t) => {
  const planned = planOf(1);
  t.deepEqual(
    allFaults.filter((fault) => !planned.some((one) => one.fault === fault)),
    [],
  );
  for (const [index, { fault, atMs, lastsMs }] of planned.entries()) {
    t.true(atMs > (planned[index - 1]?.atMs ?? 0));
    t.true(atMs + lastsMs <= forMs);
    t.true(lastsMs >= fault.lastsMs[0] && lastsMs <= fault.lastsMs[1], fault.name);
  }
});
