import { Writable } from "node:stream";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import type { AgentLauncher, Session } from "greenroom";
import pino from "pino";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { Metrics } from "../../src/metrics/prometheus.ts";
import { errorOf, messageWithCauses } from "../../src/shared/errors.ts";
import type { FromThread, JsonValue } from "../../src/shared/protocol.ts";
import { toJson } from "../../src/shared/text/text.ts";
import { loggedError } from "../../src/supervisor/log-error.ts";
import { Permits } from "../../src/supervisor/session/permits.ts";
import { Session as SessionOfServer } from "../../src/supervisor/session/session.ts";
import { summarize } from "../../src/supervisor/session/session-summary.ts";
import { readThreadMessage } from "../../src/supervisor/threads/thread-message.ts";
import { sessionEndedMessage } from "../../src/supervisor/webhook/session-ended.ts";
import { eventJson } from "../../src/supervisor/wire/event-json.ts";
import { launch } from "../fixtures/launch.ts";
import { answer, reached } from "../fixtures/session-watch.ts";
import { arbitraryMessage, badMessages, goodMessages } from "../fixtures/thread/hostile-message.ts";
import { trials } from "../fixtures/trials.ts";

test("every kind of message is taken as it is", (t) => {
  for (const message of goodMessages) {
    t.is(readThreadMessage(structuredClone(message)).message?.type, message.type, JSON.stringify(message));
  }
});

/** These are refused by what was said before, and by the port. */
const refusedElsewhere = ["warm a second time", "more levels than can be read"];

for (const [title, make] of Object.entries(badMessages)) {
  if (refusedElsewhere.includes(title)) continue;
  test(`it is no message of the protocol: ${title}`, (t) => {
    const { message, transfer } = make();
    const read = readThreadMessage(structuredClone(message, { transfer: [...transfer] as never }));
    t.is(read.message, null);
    t.regex("fault" in read ? read.fault : "", /^message.*: (expected|at most)/);
  });
}

/** Does all that the server does with what a thread said. */
function use(message: FromThread): void {
  const metrics = new Metrics();
  const nothing = () => undefined;
  const session = new SessionOfServer(
    { callId: "c", callType: "default", config: {}, createdBy: null, inMemory: null, arrived: null },
    { createTimeoutMs: 1_000, closeGraceMs: 1_000, maxResumes: 0 },
    {
      permits: new Permits<SessionOfServer>({ testing: 1 }),
      measured: (measurement) => metrics.record(measurement),
      joined: nothing,
      leaveData: nothing,
      interrupted: nothing,
      resumed: nothing,
      leaving: nothing,
      ended: nothing,
      changed: nothing,
      departed: nothing,
    },
    true,
  );
  session.message(message);
  if (message.type === "failed" || message.type === "uncaught") {
    messageWithCauses(message.error);
    pino({}, new Writable({ write: (_chunk, _encoding, done) => done() })).info({
      err: loggedError(errorOf(message.error)),
    });
  }
  if (session.state !== "ended") session.abandon(new Error("over"));
  session.events.subscribe(0, ({ event }) => JSON.parse(toJson(eventJson(event, "whole"))));
  JSON.parse(JSON.stringify(sessionEndedMessage(summarize(session))));
}

test("whatever a thread sends is refused, or does no harm to what the server makes of it", (t) => {
  let taken = 0;
  fc.assert(
    fc.property(arbitraryMessage, (value) => {
      const { message } = readThreadMessage(structuredClone(value));
      if (message === null) return;
      taken += 1;
      use(message);
    }),
    { numRuns: trials(500, 20_000) },
  );
  for (const message of goodMessages) use(message);
  t.true(taken > trials(2, 200));
});

/** A session beside the others, which answers whatever becomes of them. */
async function neighbour(launcher: AgentLauncher): Promise<() => Promise<string>> {
  const supervisor = await supervisorOf(launcher);
  const session = await supervisor.startSession({ callId: "neighbour" });
  await reached(session, "live");
  return () => answer((message) => supervisor.sendMessage(session, message), session, "hello");
}

const open = (t: ExecutionContext) =>
  launch(t, "faults/hostile-port", { crashStormLimit: 0, maxConcurrentSessions: 8 });

async function hostile(
  launcher: AgentLauncher,
  config: { hostile: JsonValue; to?: string },
): Promise<Session> {
  return launcher.startSession({ callId: "hostile", config });
}

test.serial(
  "a thread that sends what is no message ends as crashed, and its neighbour goes on",
  async (t) => {
    t.timeout(120_000);
    const launcher = await open(t);
    const ask = await neighbour(launcher);
    // That most are no message is tested above: a few of those are enough to see a thread end by it.
    const titles = Object.keys(badMessages).filter(
      (title, at) => at % trials(6, 1) === 0 || refusedElsewhere.includes(title),
    );
    for (const title of titles) {
      const session = await hostile(launcher, { hostile: title });
      await session.ended;
      t.is(session.endReason, "crashed", title);
      t.regex(session.error?.message ?? "", /sent what is no message of the protocol: /, title);
    }
    t.is(await ask(), "Hello to you.");
  },
);

test.serial("a thread that sends anything ends alone, if at all", async (t) => {
  t.timeout(240_000);
  const launcher = await open(t);
  const ask = await neighbour(launcher);
  let crashed = 0;
  for (let seed = 1; seed <= trials(6, 25); seed += 1) {
    const session = await hostile(launcher, { hostile: seed });
    await reached(session, "live").catch(() => undefined);
    if (session.state !== "ended")
      await Promise.race([session.ended, launcher.closeSession(session.id, { wait: true })]);
    await session.ended;
    if (session.endReason === "crashed") crashed += 1;
    else
      t.true(
        ["closed", "finished", "failed", "start_failed"].includes(String(session.endReason)),
        `${seed}: ${session.endReason}`,
      );
  }
  t.true(crashed > trials(0, 5));
  t.is(await ask(), "Hello to you.");
});

test.serial("what a thread sends past its session's port is not listened to", async (t) => {
  const launcher = await open(t);
  const ask = await neighbour(launcher);
  for (const title of trials(["null", "a port"], ["null", "a text", "a map", "a port", "shared memory"])) {
    const session = await hostile(launcher, { hostile: title, to: "parent" });
    await reached(session, "live");
    await launcher.closeSession(session.id, { wait: true });
    t.is(session.endReason, "closed", title);
  }
  t.is(await ask(), "Hello to you.");
});
