import test from "ava";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { launch } from "../fixtures/launch.ts";
import { reached } from "../fixtures/session-watch.ts";
import { inLongForm } from "../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

test.serial("a burst beyond the warm reserve waits for threads while capacity is left", async (t) => {
  const launcher = await launch(t, "faults/misbehaving", {
    warmSessions: 1,
    maxConcurrentSessions: 4,
    threadWaitTimeoutMs: 30_000,
  });
  const sessions = await Promise.all(
    Array.from({ length: 4 }, (_, n) => launcher.startSession({ callId: `call-${n}` })),
  );
  await Promise.all(sessions.map((session) => reached(session, "live")));
  t.is(new Set(sessions.map((session) => session.id)).size, 4);
});

test.serial("of many starts at once exactly as many are admitted as there are places", async (t) => {
  const launcher = await launch(t, "faults/misbehaving", {
    maxConcurrentSessions: 3,
    threadWaitTimeoutMs: 30_000,
  });
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => launcher.startSession({ callId: `call-${n}` })),
  );
  t.is(results.filter((result) => result.status === "fulfilled").length, 3);
  for (const result of results) if (result.status === "rejected") t.is(result.reason.code, "POOL_FULL");
  t.is((await supervisorOf(launcher)).unreadiness()?.code, "POOL_FULL");
});

test.serial("a call takes no more sessions than it may, another call does", async (t) => {
  const launcher = await launch(t, "faults/misbehaving", { maxSessionsPerCall: 1 });
  const first = await launcher.startSession({ callId: "one" });
  await t.throwsAsync(launcher.startSession({ callId: "one" }), {
    code: "CALL_FULL",
    message: "Reached maximum number of sessions for this call",
  });
  await launcher.startSession({ callId: "two" });
  await launcher.startSession({ callId: "one", callType: "livestream" });
  await launcher.closeSession(first.id, { wait: true });
  await launcher.startSession({ callId: "one" });
  t.is(launcher.listSessions().length, 3);
});

test.serial("a start that finds no thread in time is refused and leaves nothing behind", async (t) => {
  const launcher = await launch(t, "imports/slow-import", { warmSessions: 1, threadWaitTimeoutMs: 50 });
  await launcher.startSession({ callId: "takes the warm one" });
  await t.throwsAsync(launcher.startSession({ callId: "waits" }), { code: "NO_THREAD" });
  t.is(launcher.listSessions().length, 1);
});

test.serial("alone in the call for too long: idle", async (t) => {
  const launcher = await launch(t, "faults/misbehaving", {
    agentIdleTimeoutMs: 100,
    maintenanceIntervalMs: 20,
  });
  const session = await launcher.startSession({ callId: "x" });
  await session.ended;
  t.is(session.endReason, "idle");
});

test.serial("an idle timeout of 0 is off, the longest duration holds all the same", async (t) => {
  const launcher = await launch(t, "faults/misbehaving", {
    agentIdleTimeoutMs: 0,
    maxSessionDurationMs: 2_000,
    maintenanceIntervalMs: 20,
  });
  const session = await launcher.startSession({ callId: "x" });
  await session.ended;
  t.is(session.endReason, "max_duration");
});

longForm(
  "a start that waits for its thread for longer than a session may last begins all the same",
  async (t) => {
    const launcher = await launch(t, "imports/seconds-to-import", {
      warmSessions: 1,
      maxSessionDurationMs: 1_500,
      maintenanceIntervalMs: 20,
      threadWaitTimeoutMs: 60_000,
    });
    await launcher.startSession({ callId: "takes the warm one" });
    const session = await launcher.startSession({ callId: "waits" });
    await session.ended;
    t.is(session.endReason, "max_duration");
  },
);

test.serial("a stop closes every session as drained, and starts nothing any more", async (t) => {
  const launcher = await launch(t, "faults/misbehaving");
  const sessions = await Promise.all([1, 2].map((n) => launcher.startSession({ callId: `call-${n}` })));
  const late = launcher.startSession({ callId: "late" }).catch((error: { code: string }) => error.code);
  await launcher.stop();
  for (const session of sessions) t.is(session.endReason, "drained");
  const outcome = await late;
  if (typeof outcome === "string") t.is(outcome, "DRAINING");
  else t.is(outcome.endReason, "drained");
  await t.throwsAsync(launcher.startSession({ callId: "x" }), { code: "DRAINING" });
});

test.serial("a drain lets calls end by themselves, and closes the rest when time is up", async (t) => {
  const launcher = await launch(t, "faults/misbehaving");
  const supervisor = await supervisorOf(launcher);
  const [leaves, stays] = await Promise.all(["a", "b"].map((callId) => launcher.startSession({ callId })));
  supervisor.announceDrain();
  t.false(supervisor.serving);
  t.is(supervisor.unreadiness()?.code, "DRAINING");
  const accepted = await launcher.startSession({ callId: "still accepted" });
  const drained = supervisor.drain({ timeoutMs: 3_000 });
  await t.throwsAsync(launcher.startSession({ callId: "x" }), { code: "DRAINING" });
  await launcher.closeSession(leaves!.id, { wait: true });
  t.is(stays!.state === "ended", false);
  await drained;
  t.is(leaves!.endReason, "closed");
  t.is(stays!.endReason, "drained");
  t.is(accepted.endReason, "drained");
});

longForm("a drain that is hurried closes at once", async (t) => {
  const launcher = await launch(t, "faults/misbehaving");
  const session = await launcher.startSession({ callId: "x" });
  const hurry = new AbortController();
  const drained = (await supervisorOf(launcher)).drain({ timeoutMs: 600_000, signal: hurry.signal });
  hurry.abort();
  await drained;
  t.is(session.endReason, "drained");
});

test.serial(
  "onSessionEnd is told every end once, its errors hurt nobody, and a stop waits for it",
  async (t) => {
    const told: string[] = [];
    const launcher = await launch(t, "faults/misbehaving", {
      includeTranscript: true,
      onSessionEnd: async (summary) => {
        await new Promise((resolve) => setImmediate(resolve));
        told.push(`${summary.callId}: ${summary.endReason}`);
        throw new Error("the hook broke");
      },
    });
    const finished = await launcher.startSession({ callId: "a", config: { fault: "return" } });
    await finished.ended;
    const failed = await launcher.startSession({ callId: "b", config: { fault: "throw" } });
    await failed.ended;
    await launcher.startSession({ callId: "c" });
    await launcher.stop();
    t.deepEqual(told.sort(), ["a: finished", "b: failed", "c: drained"]);
  },
);

test.serial("an ended session can still be read, and a list shows the live ones", async (t) => {
  const launcher = await launch(t, "faults/misbehaving");
  const session = await launcher.startSession({ callId: "x", createdBy: { user: "ada" } });
  t.deepEqual(
    launcher.listSessions().map(({ id }) => id),
    [session.id],
  );
  await launcher.closeSession(session.id, { by: "ada", wait: true });
  t.deepEqual(launcher.listSessions(), []);
  t.is(launcher.getSession(session.id), session);
  t.is(session.closeRequestedBy, "ada");
  t.false(await launcher.closeSession(session.id));
  t.is(launcher.getSession("00000000-0000-4000-8000-000000000000"), undefined);
});
