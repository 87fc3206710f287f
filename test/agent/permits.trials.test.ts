import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { AgentLauncher, Session } from "greenroom";
import * as testing from "greenroom/testing";
import { supervisorOf } from "../../src/agent-launcher.ts";
import type { TurnEvent } from "../../src/shared/session/agent-event.ts";
import { agentUrl } from "../fixtures/agent-url.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startLauncher } from "../fixtures/http/open-server.ts";
import { CountedRequests } from "../fixtures/providers/counted-requests.ts";
import { eventOf } from "../fixtures/session-watch.ts";
import { inLongForm, trials } from "../fixtures/trials.ts";

interface Launchers {
  /** Two requests to the provider may run at a time. */
  two: AgentLauncher;
  one: AgentLauncher;
  /** It limits another provider. */
  other: AgentLauncher;
}

/** Declares tests that run one after another, since they share launchers: what each has started is closed with it. */
const test = anyTest.serial as TestFn<Launchers>;

const longForm = inLongForm(test);

test.before(async (t) => {
  const limited = (providerConcurrency: Record<string, number>) =>
    startLauncher({
      agent: agentUrl("providers/counted-provider"),
      // A thread of a busy machine may stand still for a while: that is not what is tested here.
      unresponsiveAfterMs: 30_000,
      providerConcurrency,
    });
  const [two, one, other] = await Promise.all([
    limited({ counted: 2 }),
    limited({ counted: 1 }),
    limited({ other: 1 }),
  ]);
  Object.assign(t.context, { two, one, other });
});
test.after.always((t) => Promise.all(Object.values(t.context).map((launcher) => launcher.stop())));

/** The parts of an agent whose requests are counted: one of them here, both in the long form. */
const parts = (one: "tts" | "llm") => trials<readonly ("tts" | "llm")[]>([one], ["tts", "llm"]);

for (const part of parts("tts")) {
  test(`the third request of two that may be waits its turn: ${part}`, async (t) => {
    const requests = new CountedRequests(t, t.context.two, part);
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

test("a session that dies gives back what it held", async (t) => {
  const requests = new CountedRequests(t, t.context.two);
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

longForm(
  "who waits is served in the order of asking, and who is closed meanwhile is passed over",
  async (t) => {
    const launcher = t.context.one;
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

test("a session that is closed in the midst of a request gives it back", async (t) => {
  const launcher = t.context.one;
  const requests = new CountedRequests(t, launcher);
  const first = await requests.start("a");
  await requests.seen("begun a");
  await requests.start("b");
  await launcher.closeSession(first.id);
  await requests.seen("begun b");
  t.deepEqual(requests.running, ["b"]);
});

const turnOf = (session: Session): Promise<TurnEvent> => eventOf(session, (event) => event.type === "turn");

/** Resolves with what counts the requests of this part that do not get their turn in time from here on, as Prometheus has it. */
async function timeoutsOf(launcher: AgentLauncher, part: string): Promise<() => Promise<number>> {
  const labels = `component="${part}",provider="counted",error="permit_timeout"`;
  const line = new RegExp(`^greenroom_provider_errors_total\\{${labels}\\} (\\d+)$`, "m");
  const { metrics } = await supervisorOf(launcher);
  const count = async () => Number(line.exec(await metrics.text())?.[1] ?? 0);
  const before = await count();
  return async () => (await count()) - before;
}

for (const part of parts("llm")) {
  test(`who does not get its turn in time fails, and is passed over: ${part}`, async (t) => {
    const launcher = t.context.one;
    const timeouts = await timeoutsOf(launcher, part);
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
    t.is(await timeouts(), 1);
    await requests.start("c");
    requests.tell("a", "end");
    await requests.seen("begun c");
    await requests.settled("b");
    t.deepEqual(requests.running, ["c"]);
  });
}

for (const part of parts("tts")) {
  test(`where one does not get its turn in time, another is asked: ${part}`, async (t) => {
    const launcher = t.context.one;
    const timeouts = await timeoutsOf(launcher, part);
    const requests = new CountedRequests(t, launcher, part);
    await requests.start("a", { spare: true });
    await requests.seen("begun a");
    const spared = await requests.start("b", { spare: true, permitTimeoutMs: 50 });
    t.is((await turnOf(spared)).outcome, "done");
    t.is(await timeouts(), 1);
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

test("an ear is a request until its participant has left, or the ears close", async (t) => {
  const launcher = t.context.one;
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

longForm("an ear that does not get its turn in time is told, and asks again", async (t) => {
  const launcher = t.context.one;
  const timeouts = await timeoutsOf(launcher, "stt");
  const requests = new CountedRequests(t, launcher, "stt");
  const first = await heard(t, requests, "a");
  await requests.seen("begun a");
  await heard(t, requests, "b", { permitTimeoutMs: 50 });
  await eventually("it has asked twice in vain", async () => (await timeouts()) >= 2);
  first.participant.leave();
  await requests.seen("begun b");
  t.deepEqual(requests.running, ["b"]);
});

longForm("where one ear does not get its turn in time, another listens", async (t) => {
  const launcher = t.context.one;
  const timeouts = await timeoutsOf(launcher, "stt");
  const requests = new CountedRequests(t, launcher, "stt");
  const first = await heard(t, requests, "a");
  await requests.seen("begun a");
  const { session } = await heard(t, requests, "b", { permitTimeoutMs: 50, spare: true });
  await eventually("it has asked in vain", async () => (await timeouts()) >= 1);
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

test("without a limit nobody waits, and another provider's limit is no concern", async (t) => {
  const requests = new CountedRequests(t, t.context.other);
  for (const name of ["a", "b", "c"]) {
    await requests.start(name);
    await requests.seen(`begun ${name}`);
  }
  t.is(requests.running.length, 3);
});
