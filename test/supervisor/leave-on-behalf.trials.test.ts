import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import anyTest, { type ExecutionContext } from "ava";
import type { AgentLauncher, EndReason, JsonObject, Session } from "greenroom";
import pino from "pino";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { eventually } from "../fixtures/eventually.ts";
import { launch } from "../fixtures/launch.ts";
import { reached } from "../fixtures/session-watch.ts";
import { gate, notes } from "../fixtures/supervisor/leave-notes.ts";
import { leaveSecret } from "../fixtures/supervisor/open-call-edge.ts";
import { trials } from "../fixtures/trials.ts";

/** One after another: each takes threads down. */
const test = anyTest.serial;

const notesOf = ({ id }: Session): readonly JsonObject[] => notes.filter(({ sessionId }) => sessionId === id);

async function countOf(launcher: AgentLauncher, outcome: string): Promise<number> {
  const text = await (await supervisorOf(launcher)).metrics.text();
  const [, value] =
    new RegExp(`^greenroom_farewells_total\\{outcome="${outcome}"\\} (\\d+)$`, "m").exec(text) ?? [];
  return Number(value);
}

/** The modules that the server knows: a thread can name these, and no others. */
const leaveModules = {
  noted: new URL("../fixtures/supervisor/leave-notes.ts", import.meta.url),
  failing: new URL("../fixtures/supervisor/leave-fails.ts", import.meta.url).href,
  empty: fileURLToPath(new URL("../fixtures/eventually.ts", import.meta.url)),
};

/** A launcher, and all that it logs. */
async function logged(t: ExecutionContext): Promise<{ launcher: AgentLauncher; text(): string }> {
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const launcher = await launch(t, "calls/open-call", {
    leaveModules,
    logger: pino({ level: "trace" }, sink),
  });
  return { launcher, text: () => text };
}

type Death = readonly [fault: string, reason: EndReason, options: Parameters<typeof launch>[2]];

const deaths: readonly Death[] = [
  ["uncaught", "crashed", {}],
  ["ignore-close", "killed", { closeGraceMs: 200 }],
  ...trials<readonly Death[]>(
    [],
    [
      ["exit", "crashed", {}],
      ["flood", "flooded", {}],
      ["spin", "unresponsive", { unresponsiveAfterMs: 2_000 }],
    ],
  ),
];

for (const [fault, reason, options] of deaths) {
  test(`a thread that ends as ${reason} (${fault}) has its call left for it, once`, async (t) => {
    const launcher = await launch(t, "calls/open-call", { leaveModules, ...options });
    const session = await launcher.startSession({ callId: "c", config: { fault } });
    await reached(session, "live");
    if (fault === "ignore-close") await launcher.closeSession(session.id);
    await session.ended;
    t.is(session.endReason, reason);
    await eventually("the call to be left", () => notesOf(session).length > 0);
    await launcher.stop();
    t.deepEqual(notesOf(session), [{ sessionId: session.id, token: leaveSecret }]);
    t.is(await countOf(launcher, "done"), 1);
  });
}

test("an agent that has left its call is not left for again, however the session ends", async (t) => {
  const launcher = await launch(t, "calls/open-call", { leaveModules });
  const broken = await launcher.startSession({ callId: "c", config: { fault: "throw" } });
  const closed = await launcher.startSession({ callId: "c" });
  await reached(closed, "live");
  await launcher.closeSession(closed.id, { wait: true });
  await broken.ended;
  t.deepEqual([broken.endReason, closed.endReason], ["failed", "closed"]);
  await launcher.stop();
  t.deepEqual([...notesOf(broken), ...notesOf(closed)], []);
  t.is(await countOf(launcher, "done"), 0);
});

test("a stop waits for those that leave", async (t) => {
  const launcher = await launch(t, "calls/open-call", { leaveModules });
  const { promise, resolve } = Promise.withResolvers<void>();
  gate.open = promise;
  const session = await launcher.startSession({ callId: "c", config: { fault: "exit" } });
  await session.ended;
  let stopped = false;
  const stopping = launcher.stop().then(() => {
    stopped = true;
  });
  const supervisor = await supervisorOf(launcher);
  await eventually("the sessions are over", () => supervisor.sessionsEnded.aborted);
  await new Promise((next) => setImmediate(next));
  t.false(stopped);
  resolve();
  await stopping;
  t.is(notesOf(session).length, 1);
});

test("leaving that never ends is given up, and the stop goes on", async (t) => {
  t.timeout(60_000);
  const { launcher, text } = await logged(t);
  gate.open = new Promise(() => {});
  const session = await launcher.startSession({ callId: "c", config: { fault: "exit" } });
  await session.ended;
  await launcher.stop();
  gate.open = Promise.resolve();
  t.is(await countOf(launcher, "failed"), 1);
  t.regex(text(), /"message":"To leave the call for a dead thread took longer than 5000 ms"/);
});

test("leaving that fails is counted and logged, without the leave data", async (t) => {
  const { launcher, text } = await logged(t);
  // The last three are no names of the table: a thread could send anything.
  for (const provider of ["failing", "empty", leaveModules.failing, "node:fs", "constructor"]) {
    const session = await launcher.startSession({ callId: "c", config: { fault: "exit", provider } });
    await session.ended;
  }
  await launcher.stop();
  t.is(await countOf(launcher, "failed"), 5);
  t.is([...text().matchAll(/RangeError.*Nobody takes/g)].length, 1);
  t.regex(text(), /has no function leave/);
  t.is([...text().matchAll(/No module is known that leaves calls of the edge/g)].length, 3);
  t.false(text().includes(leaveSecret));
});
