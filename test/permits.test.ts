import test from "ava";
import { CountedRequests } from "./fixtures/counted-requests.ts";
import { launch } from "./fixtures/launch.ts";
import { bin, Child } from "./runner-fixtures/child.ts";

const options = { maxConcurrentSessions: 5, warmSessions: 3, providerConcurrency: { counted: 2 } };

for (const part of ["tts", "llm"] as const) {
  test.serial(`the third request of two that may be waits its turn: ${part}`, async (t) => {
    const requests = new CountedRequests(t, await launch(t, "counted-provider", options), part);
    await requests.start("a");
    await requests.start("b");
    await requests.seen("begun a");
    await requests.seen("begun b");
    await requests.start("c");
    await requests.settled("c");
    t.deepEqual(requests.running, ["a", "b"]);
    requests.tell("b", "end");
    await requests.seen("begun c");
    t.true(requests.told.indexOf("over b") < requests.told.indexOf("begun c"));
    t.deepEqual(requests.running, ["a", "c"]);
  });
}

test.serial("a session that dies gives back what it held", async (t) => {
  const requests = new CountedRequests(t, await launch(t, "counted-provider", options));
  const dying = await requests.start("a");
  await requests.start("b");
  await requests.seen("begun b");
  await requests.start("c");
  await requests.settled("c");
  t.false(requests.told.includes("begun c"));
  requests.tell("a", "die");
  await requests.seen("begun c");
  await dying.ended;
  t.is(dying.endReason, "crashed");
});

test.serial(
  "who waits is served in the order of asking, and who is closed meanwhile is passed over",
  async (t) => {
    const launcher = await launch(t, "counted-provider", { ...options, providerConcurrency: { counted: 1 } });
    const requests = new CountedRequests(t, launcher);
    await requests.start("a");
    await requests.seen("begun a");
    const closed = await requests.start("b");
    await requests.start("c");
    await requests.start("d");
    await requests.settled("d");
    await launcher.closeSession(closed.id, { wait: true });
    t.is(closed.endReason, "closed");
    t.deepEqual(requests.running, ["a"]);
    requests.tell("a", "end");
    await requests.seen("begun c");
    await requests.settled("d");
    t.deepEqual(requests.running, ["c"]);
    requests.tell("c", "end");
    await requests.seen("begun d");
    t.false(requests.told.includes("begun b"));
  },
);

test.serial("a session that is closed in the midst of a request gives it back", async (t) => {
  const launcher = await launch(t, "counted-provider", { ...options, providerConcurrency: { counted: 1 } });
  const requests = new CountedRequests(t, launcher);
  const first = await requests.start("a");
  await requests.seen("begun a");
  await requests.start("b");
  await launcher.closeSession(first.id);
  await requests.seen("begun b");
  t.deepEqual(requests.running, ["b"]);
});

test.serial("without a limit nobody waits, and another provider's limit is no concern", async (t) => {
  const launcher = await launch(t, "counted-provider", { ...options, providerConcurrency: { other: 1 } });
  const requests = new CountedRequests(t, launcher);
  for (const name of ["a", "b", "c"]) {
    await requests.start(name);
    await requests.seen(`begun ${name}`);
  }
  t.is(requests.running.length, 3);
});

test.serial("the limits are a flag, and a variable", async (t) => {
  const asked = (...args: string[]) => new Child(t, [bin, "serve", "--port", "0", ...args]);
  for (const wrong of ["elevenlabs", "elevenlabs:0", "elevenlabs:1,elevenlabs:2", "elevenlabs:many"]) {
    const child = asked("--provider-concurrency", wrong);
    t.is((await child.exit).code, 2);
    t.is(
      child.stderr,
      `greenroom: --provider-concurrency: must be names with whole numbers above 0, such as elevenlabs:20,gemini:50, not "${wrong}"\n`,
    );
  }
  await asked("--provider-concurrency", "elevenlabs:20, gemini:50").readyUrl();
  const env = { GREENROOM_PROVIDER_CONCURRENCY: "gemini:none" };
  const child = new Child(t, [bin, "serve"], { env });
  t.is((await child.exit).code, 2);
  t.regex(child.stderr, /^greenroom: GREENROOM_PROVIDER_CONCURRENCY: must be names/);
});
