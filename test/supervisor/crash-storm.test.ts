import test from "ava";
import type { EndReason } from "../../src/shared/end-reasons.ts";
import type { PlainError } from "../../src/shared/errors.ts";
import type { JsonValue } from "../../src/shared/protocol.ts";
import { CrashStorm } from "../../src/supervisor/starts/crash-storm.ts";

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
