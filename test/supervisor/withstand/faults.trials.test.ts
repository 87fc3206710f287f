import test from "ava";
import type { AgentLauncher, EndReason, JsonObject, Session, SessionSummary } from "greenroom";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { startLauncher } from "../../fixtures/http/open-server.ts";
import { launch } from "../../fixtures/launch.ts";
import { program } from "../../fixtures/runner/child.ts";
import { ask, heard, startSession } from "../../fixtures/runner/rest.ts";
import { answer, eventOf, reached } from "../../fixtures/session-watch.ts";
import { Shared } from "../../fixtures/shared.ts";
import { inLongForm, trials } from "../../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

/** Opens another call beside the one that goes wrong: it talks before, during and after. */
async function neighbour(launcher: AgentLauncher): Promise<{ session: Session; check(): Promise<string> }> {
  const supervisor = await supervisorOf(launcher);
  const session = await supervisor.startSession({ callId: "neighbour" });
  await reached(session, "live");
  return {
    session,
    check: () => answer((message) => supervisor.sendMessage(session, message), session, "hello"),
  };
}

interface Fault {
  readonly title: string;
  readonly config: JsonObject;
  readonly reason: EndReason;
  /** The pattern of the error that is kept. */
  readonly error: RegExp | null;
  /** Ask it to close once it is live. */
  readonly close?: boolean;
  readonly options?: Parameters<typeof launch>[2];
}

/** Other kinds of memory and other ways to keep it, and brothers of the faults below: the trials of the long form. */
const moreFaults: readonly Fault[] = [
  {
    title: "joinCall rejects with nothing",
    config: { fault: "throw-nothing" },
    reason: "failed",
    error: /undefined/,
  },
  {
    title: "joinCall heeds no close while a timer runs",
    config: { fault: "ignore-close" },
    reason: "killed",
    error: /ignored the close/,
    close: true,
    options: { closeGraceMs: 300 },
  },
  {
    title: "joinCall throws because it is closed",
    config: { fault: "throw-on-close" },
    reason: "closed",
    error: null,
    close: true,
  },
  {
    title: "an unhandled rejection",
    config: { fault: "unhandled" },
    reason: "crashed",
    error: /nobody handled this/,
  },
  {
    title: "a flood of messages from a loop that yields",
    config: { fault: "flood-port-politely" },
    reason: "flooded",
    error: /more than 2000 messages/,
  },
  {
    title: "100 MiB of wasm memory",
    config: { fault: "hoard-in-wasm" },
    reason: "out_of_memory",
    error: null,
    options: { heapSoftLimitMb: 64, heapLimitMb: 1_024, closeGraceMs: 60_000 },
  },
  {
    title: "100 MiB of Buffers in a worker thread of its own",
    config: { fault: "hoard-in-a-worker" },
    reason: "out_of_memory",
    error: null,
    options: { heapSoftLimitMb: 64, heapLimitMb: 1_024, closeGraceMs: 60_000 },
  },
  {
    title: "100 MiB of Buffers and no heed to the close",
    config: { fault: "hoard" },
    reason: "out_of_memory",
    error: /ignored the close for 300 ms/,
    options: { heapSoftLimitMb: 64, heapLimitMb: 1_024, closeGraceMs: 300 },
  },
  {
    title: "100 MiB of Buffers and then a loop without end",
    config: { fault: "hoard-and-spin" },
    reason: "out_of_memory",
    error: /blocked for \d+ ms/,
    options: { heapSoftLimitMb: 64, heapLimitMb: 1_024, closeGraceMs: 60_000, unresponsiveAfterMs: 1_000 },
  },
];

const faults: readonly Fault[] = [
  ...trials([], moreFaults),
  { title: "joinCall returns", config: { fault: "return" }, reason: "finished", error: null },
  { title: "joinCall throws", config: { fault: "throw" }, reason: "failed", error: /the agent broke/ },
  {
    title: "joinCall never returns and is closed",
    config: { fault: "hang" },
    reason: "killed",
    error: /ignored the close/,
    close: true,
    options: { closeGraceMs: 300 },
  },
  {
    title: "an uncaught exception",
    config: { fault: "uncaught" },
    reason: "crashed",
    error: /nobody caught this/,
  },
  { title: "process.exit", config: { fault: "exit" }, reason: "crashed", error: /exited with code: 0/ },
  {
    title: "an infinite loop",
    config: { fault: "spin" },
    reason: "unresponsive",
    error: /blocked for \d+ ms in \w+ \(.*misbehaving\.ts:\d+\)/,
  },
  {
    title: "a slow leak",
    config: { fault: "leak" },
    reason: "out_of_memory",
    error: null,
    options: { heapSoftLimitMb: 64, heapLimitMb: 256, closeGraceMs: 60_000 },
  },
  {
    title: "100 MiB of Buffers where 96 are the most",
    config: { fault: "hoard" },
    reason: "out_of_memory",
    error: /held 1\d\d MiB of memory, more than 96 \(heapLimitMb, --heap-limit-mb\)/,
    options: { heapSoftLimitMb: 64, heapLimitMb: 96 },
  },
  {
    title: "a flood of messages from a busy loop",
    config: { fault: "flood-port" },
    reason: "flooded",
    error: /more than 2000 messages in a second/,
  },
];

interface Stage {
  readonly launcher: AgentLauncher;
  readonly neighbour: Awaited<ReturnType<typeof neighbour>>;
}

const opened = new Shared();
const stages = new Map<string, Stage>();

/** A server with these options, and a call in it. Faults with the same options share them: what one of them harms, the next finds. */
async function stageWith(options: Fault["options"] = {}): Promise<Stage> {
  const key = JSON.stringify(options);
  const open = stages.get(key);
  if (open) return open;
  const launcher = await startLauncher({
    agent: agentUrl("faults/misbehaving"),
    maxConcurrentSessions: 4,
    // Here many sessions die within a minute.
    crashStormLimit: 0,
    ...options,
  });
  opened.teardown(() => launcher.stop());
  const stage = { launcher, neighbour: await neighbour(launcher) };
  stages.set(key, stage);
  return stage;
}

test.after.always(() => opened.end());

for (const { title, config, reason, error, close, options } of faults) {
  test.serial(`${title}: ${reason}, and the call beside it is unharmed`, async (t) => {
    const {
      launcher,
      neighbour: { session: other, check },
    } = await stageWith(options);
    t.regex(await check(), /\S/);

    const session = await launcher.startSession({ callId: "trouble", config });
    if (close) {
      await reached(session, "live");
      t.true(await launcher.closeSession(session.id, { by: "the test" }));
    }
    await session.ended;
    t.is(session.state, "ended");
    t.is(session.endReason, reason);
    if (error) t.regex(session.error?.message ?? "", error);
    t.is(session.closeRequestedBy, close ? "the test" : null);

    t.is(other.state, "live");
    t.regex(await check(), /\S/);
    t.is(launcher.listSessions().length, 1);
  });
}

test.serial("after all of that every place can be taken again", async (t) => {
  const { launcher } = await stageWith();
  const rest = await Promise.all([1, 2, 3].map((n) => launcher.startSession({ callId: `after-${n}` })));
  await Promise.all(rest.map((one) => reached(one, "live")));
  t.is(launcher.listSessions().length, 4);
  await Promise.all(rest.map(({ id }) => launcher.closeSession(id, { wait: true })));
});

// In a process of its own: threads write to the log themselves, which here would be what the tests print.
test.serial("a flood of console output is cut, lines say by how much, and it hurts nobody", async (t) => {
  const child = program(t, ["serve"], { launcher: { maxConcurrentSessions: 4, closeGraceMs: 300 } });
  const url = await child.readyUrl();
  const other = await startSession(url);
  const loud = await startSession(url, { fault: "flood-console" });
  const { msg, lines } = await child.logged("log_lines_dropped");
  t.is(msg, `${lines} lines were dropped: the session wrote more than it may in a second`);
  t.true((lines as number) > 0);
  for (let i = 0; i < 5; i += 1) {
    const events = await fetch(`${url}/sessions/${other}/events`);
    const { status, body } = await ask(url, `/sessions/${other}/messages`, { text: "hello" });
    t.is(status, 202);
    await heard(events, new RegExp(`"message_id":"${body.message_id}"`));
  }
  for (const id of [loud, other]) t.is((await ask(url, `/sessions/${id}`)).body.state, "live");
  child.kill("SIGINT");
  t.is((await child.exit).code, 0);
  // A second's budget is 500 lines. On a busy machine not every second spends it: what holds is that 1,001 lines take one whole second.
  const times = child.log.filter(({ msg }) => msg.startsWith("flood")).map(({ time }) => Number(time));
  for (const [at, time] of times.slice(1_000).entries())
    t.true(time - times[at]! >= 990, `1,001 lines in ${time - times[at]!} ms`);
});

test.serial("createAgent throws: the start fails with the agent's own error as its cause", async (t) => {
  const {
    launcher,
    neighbour: { session: other, check },
  } = await stageWith();
  const error = await t.throwsAsync(
    launcher.startSession({ callId: "x", config: { at: "create", fault: "throw" } }),
    {
      message: "Failed to start agent",
      code: "START_FAILED",
    },
  );
  t.like(error?.cause, { name: "TypeError", message: "the agent broke", code: "E_BROKEN" });
  t.is(other.state, "live");
  t.regex(await check(), /\S/);
});

for (const fault of trials(["hang"], ["hang", "spin"])) {
  test.serial(
    `createAgent does not return (${fault}): the start fails in time and the thread is freed`,
    async (t) => {
      // Long enough for agents that work, the rehearsed one too; and the watchdog is not to be first.
      const launcher = await launch(t, "faults/misbehaving", {
        createTimeoutMs: 2_000,
        closeGraceMs: 300,
        unresponsiveAfterMs: 30_000,
      });
      const { session: other, check } = await neighbour(launcher);
      await t.throwsAsync(launcher.startSession({ callId: "x", config: { at: "create", fault } }), {
        code: "START_FAILED",
      });
      const [failed] = launcher.listSessions().filter(({ id }) => id !== other.id);
      await failed?.ended;
      t.is(launcher.listSessions().length, 1);
      t.regex(await check(), /\S/);
    },
  );
}

test.serial("createAgent may stand still for as long as it may take", async (t) => {
  const launcher = await launch(t, "faults/misbehaving", { unresponsiveAfterMs: 500 });
  const session = await launcher.startSession({ callId: "x", config: { at: "create", fault: "block" } });
  await reached(session, "live");
  const blocked = await launcher.startSession({ callId: "y", config: { fault: "block" } });
  await blocked.ended;
  t.is(blocked.endReason, "unresponsive");
  t.regex(blocked.error?.message ?? "", /: unresponsiveAfterMs allows no more$/);
});

for (const [fault, reason] of trials<readonly (readonly [string, EndReason])[]>(
  [["uncaught-caused", "crashed"]],
  [
    ["throw-caused", "failed"],
    ["uncaught-caused", "crashed"],
  ],
)) {
  test.serial(`what an error came from crosses the thread's border (${fault})`, async (t) => {
    const told = Promise.withResolvers<SessionSummary>();
    const launcher = await launch(t, "faults/misbehaving", { onSessionEnd: told.resolve });
    const session = await launcher.startSession({ callId: "x", config: { fault } });
    const end = await eventOf(session, (event) => event.type === "end");
    const { error, endReason } = await told.promise;
    t.is(endReason, reason);
    t.like(error, { name: "TypeError", message: "the database is away" });
    t.regex(error?.stack ?? "", /misbehaving\.ts:\d+/);
    t.like(error?.cause, { name: "AggregateError", message: "no address answered" });
    const [refused, text] = error?.cause?.errors ?? [];
    t.like(refused, { message: "connection refused", code: "ECONNREFUSED", cause: undefined });
    t.is(text?.message, "a text");
    t.deepEqual(end.type === "end" && end.error, error);
  });
}

longForm("what was thrown and is no error ends the session with a text", async (t) => {
  const { launcher } = await stageWith();
  const session = await launcher.startSession({ callId: "x", config: { fault: "uncaught-text" } });
  await session.ended;
  t.is(session.endReason, "crashed");
  t.is(session.error?.message, "no error at all");
});

test.serial("only threads that were ended by force count as killed", async (t) => {
  const launcher = await launch(t, "faults/misbehaving", {
    heapSoftLimitMb: 64,
    heapLimitMb: 1_024,
    closeGraceMs: 60_000,
  });
  const supervisor = await supervisorOf(launcher);
  const kills = async () =>
    [
      ...(await supervisor.metrics.text()).matchAll(/^greenroom_watchdog_kills_total\{reason="(\w+)"\} 1$/gm),
    ].map(([, reason]) => reason);
  const fat = await launcher.startSession({ callId: "fat", config: { fault: "fatten" } });
  await fat.ended;
  t.is(fat.endReason, "out_of_memory");
  t.is(fat.error, null, "it closed when it was asked to");
  t.deepEqual(await kills(), []);
  const flood = await launcher.startSession({ callId: "flood", config: { fault: "flood-port" } });
  await flood.ended;
  t.deepEqual(await kills(), ["flooded"]);
});

test.serial("one error in many calls stops the starts, not the calls", async (t) => {
  const launcher = await launch(t, "faults/misbehaving", { crashStormLimit: 3 });
  const { check } = await neighbour(launcher);
  for (let i = 0; i < 3; i += 1) {
    const session = await launcher.startSession({ callId: `x-${i}`, config: { fault: "uncaught" } });
    await session.ended;
  }
  const error = await t.throwsAsync(launcher.startSession({ callId: "next" }), { code: "CRASH_STORM" });
  t.true((error as { retryAfterSeconds?: number }).retryAfterSeconds! > 1);
  t.is((await supervisorOf(launcher)).unreadiness()?.code, "CRASH_STORM");
  t.regex(await check(), /\S/);
});

test.serial("no thread serves two sessions", async (t) => {
  const launcher = await launch(t, "thread-id");
  const threads = new Set<string>();
  const supervisor = await supervisorOf(launcher);
  for (let i = 0; i < 4; i += 1) {
    const session = await supervisor.startSession({ callId: `call-${i}` });
    threads.add(
      await answer((message) => supervisor.sendMessage(session, message), session, "which thread?"),
    );
    await launcher.closeSession(session.id, { wait: true });
  }
  t.is(threads.size, 4);
});
