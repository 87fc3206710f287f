import test, { type ExecutionContext } from "ava";
import type { AgentLauncher, Session } from "greenroom";
import * as testing from "greenroom/testing";
import { supervisorOf } from "../../src/agent-launcher.ts";
import type { TurnEvent } from "../../src/shared/agent-event.ts";
import { launch } from "../fixtures/launch.ts";
import { CountedRequests } from "../fixtures/providers/counted-requests.ts";
import { bin, Child } from "../fixtures/runner/child.ts";
import { eventOf } from "../fixtures/session-watch.ts";
import { until } from "../fixtures/voice/voice-call.ts";

const options = {
  maxConcurrentSessions: 5,
  warmSessions: 2,
  // A thread of a busy machine may stand still for a while: that is not what is tested here.
  unresponsiveAfterMs: 30_000,
  providerConcurrency: { counted: 2 },
};

for (const part of ["tts", "llm"] as const) {
  test.serial(`the third request of two that may be waits its turn: ${part}`, async (t) => {
    const requests = new CountedRequests(t, await launch(t, "counted-provider", options), part);
    await requests.start("a");
    await requests.seen("begun a");
    await requests.start("b");
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

const turnOf = (session: Session): Promise<TurnEvent> => eventOf(session, (event) => event.type === "turn");

/** Requests of this part that did not get their turn in time, as Prometheus has it. */
async function timeouts(launcher: AgentLauncher, part: string): Promise<number> {
  const text = await (await supervisorOf(launcher)).metrics.text();
  const labels = `component="${part}",provider="counted",error="permit_timeout"`;
  const [, count = "0"] =
    new RegExp(`^greenroom_provider_errors_total\\{${labels}\\} (\\d+)$`, "m").exec(text) ?? [];
  return Number(count);
}

/** Resolves when so many have not. */
async function timedOut(launcher: AgentLauncher, part: string, count: number): Promise<void> {
  let seen = 0;
  await until(() => {
    void timeouts(launcher, part).then((now) => {
      seen = now;
    });
    return seen >= count;
  }, `${count} requests that did not get their turn`);
}

for (const part of ["tts", "llm"] as const) {
  test.serial(`who does not get its turn in time fails, and is passed over: ${part}`, async (t) => {
    const launcher = await launch(t, "counted-provider", { ...options, providerConcurrency: { counted: 1 } });
    const requests = new CountedRequests(t, launcher, part);
    await requests.start("a");
    await requests.seen("begun a");
    const late = await requests.start("b", { permitTimeoutMs: 50 });
    const { outcome, error } = await turnOf(late);
    t.is(outcome, "failed");
    t.is(error?.name, "PermitTimeoutError");
    t.is(error?.code, "PERMIT_TIMEOUT");
    t.is(
      error?.message,
      "As many requests to counted as may run at a time did so for 50 ms (providerConcurrency, --provider-concurrency)",
    );
    t.is(await timeouts(launcher, part), 1);
    await requests.start("c");
    requests.tell("a", "end");
    await requests.seen("begun c");
    await requests.settled("b");
    t.deepEqual(requests.running, ["c"]);
  });

  test.serial(`where one does not get its turn in time, another is asked: ${part}`, async (t) => {
    const launcher = await launch(t, "counted-provider", { ...options, providerConcurrency: { counted: 1 } });
    const requests = new CountedRequests(t, launcher, part);
    await requests.start("a", { spare: true });
    await requests.seen("begun a");
    const spared = await requests.start("b", { spare: true, permitTimeoutMs: 50 });
    t.is((await turnOf(spared)).outcome, "done");
    t.is(await timeouts(launcher, part), 1);
    t.deepEqual(requests.running, ["a"]);
    requests.tell("a", "end");
    await requests.start("c", { spare: true });
    await requests.seen("begun c");
    t.false(requests.told.includes("begun b"));
  });
}

/** A session, and a participant in its call. */
async function heard(t: ExecutionContext, requests: CountedRequests, name: string, config = {}) {
  const session = await requests.start(name, config);
  const line = await testing.dial(session.id);
  t.teardown(() => line.close());
  return { session, line, participant: line.addParticipant("alice") };
}

test.serial("an ear is a request until its participant has left, or the ears close", async (t) => {
  const launcher = await launch(t, "counted-provider", { ...options, providerConcurrency: { counted: 1 } });
  const requests = new CountedRequests(t, launcher, "stt");
  const first = await heard(t, requests, "a");
  await requests.seen("begun a");
  const second = await heard(t, requests, "b");
  await requests.settled("b");
  t.deepEqual(requests.running, ["a"]);
  first.participant.leave();
  await requests.seen("begun b");
  t.is(first.session.state, "live");
  await heard(t, requests, "c");
  await requests.settled("c");
  t.deepEqual(requests.running, ["b"]);
  await launcher.closeSession(second.session.id);
  await requests.seen("begun c");
});

test.serial("an ear that does not get its turn in time is told, and asks again", async (t) => {
  const launcher = await launch(t, "counted-provider", { ...options, providerConcurrency: { counted: 1 } });
  const requests = new CountedRequests(t, launcher, "stt");
  const first = await heard(t, requests, "a");
  await requests.seen("begun a");
  await heard(t, requests, "b", { permitTimeoutMs: 50 });
  await timedOut(launcher, "stt", 2);
  first.participant.leave();
  await requests.seen("begun b");
  t.deepEqual(requests.running, ["b"]);
});

test.serial("where one ear does not get its turn in time, another listens", async (t) => {
  const launcher = await launch(t, "counted-provider", { ...options, providerConcurrency: { counted: 1 } });
  const requests = new CountedRequests(t, launcher, "stt");
  const first = await heard(t, requests, "a");
  await requests.seen("begun a");
  const { session } = await heard(t, requests, "b", { permitTimeoutMs: 50, spare: true });
  await timedOut(launcher, "stt", 1);
  // Its participant leaves: what was heard of them is measured.
  await requests.settled("b");
  await launcher.closeSession(session.id, { wait: true });
  t.true(session.metrics.snapshot().stt_audio_duration_ms__total > 0);
  t.deepEqual(
    requests.told.filter((line) => line.startsWith("begun")),
    ["begun a"],
  );
  t.is(first.session.state, "live");
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
  // Six processes, one after the other.
  t.timeout(180_000);
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
