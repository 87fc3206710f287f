import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { AgentLauncherOptions } from "greenroom";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { eventually } from "../fixtures/eventually.ts";
import { launch } from "../fixtures/launch.ts";
import { answer, reached } from "../fixtures/session-watch.ts";
import { EventReceiver, take } from "../fixtures/supervisor/event-receiver.ts";

/** Declares tests that run one after another: each has threads of its own. */
const test = (anyTest as TestFn).serial;

async function calling(t: ExecutionContext, options: Partial<AgentLauncherOptions> = {}) {
  const receiver = await EventReceiver.open(t);
  const { url, secret } = receiver;
  const events = ["state", "turn", "transcript"] as const;
  const launcher = await launch(t, "calls/come-back", { webhook: { url, secret, events }, ...options });
  const session = await launcher.startSession({ callId: "room", callType: "spoken" });
  await reached(session, "live");
  const supervisor = await supervisorOf(launcher);
  const running = supervisor.getSession(session.id)!;
  const say = (text: string) => answer((message) => running.send(message), session, text);
  const isEnded = () => receiver.messages.some(({ type }) => type === "session.ended");
  return { receiver, launcher, session, say, isEnded };
}

test("a backend hears of a call while it runs, and of its end last", async (t) => {
  const { receiver, launcher, session, say, isEnded } = await calling(t);
  t.is(await say("good day"), "You said: good day");
  const has = (text: string) => receiver.eventsOf(session.id).some((event) => event.text === text);
  await eventually("it has heard the answer", () => has("You said: good day"));
  t.false(isEnded());
  t.is(await say("one more"), "You said: one more");
  await launcher.closeSession(session.id, { wait: true });
  await eventually("the end is told", isEnded);
  t.is(receiver.messages.at(-1)?.type, "session.ended");
  t.is(receiver.messages.at(-1)?.id, `msg_${session.id}`);
  const events = receiver.eventsOf(session.id);
  t.true(has("You said: one more"));
  t.like(events[0], { id: 1, type: "state", state: "starting" });
  const happened: number[] = [];
  session.events.subscribe(0, ({ id, event }) => {
    const isWanted = event.type === "turn" || (event.type === "transcript" && event.final);
    if (isWanted || (event.type === "state" && event.state !== "ended")) happened.push(id);
  });
  t.deepEqual(
    events.map(({ id }) => id),
    happened,
    "all of them",
  );
  t.deepEqual([...new Set(events.map(({ type }) => type))].sort(), ["state", "transcript", "turn"]);
  t.true(events.every(({ type, final }) => type !== "transcript" || final === true));
  const ids = events.map(({ id }) => id!);
  t.deepEqual(
    ids,
    [...new Set(ids)].sort((one, other) => one - other),
  );
  for (const { data } of receiver.messages)
    t.like(data, { session_id: session.id, call_id: "room", call_type: "spoken" });
  t.is(receiver.forged, 0);
});

test("a receiver that never answers events delays neither the call nor the message of its end for long", async (t) => {
  const { receiver, launcher, session, say, isEnded } = await calling(t);
  receiver.answer = (response, index, message) =>
    message.type === "session.events" ? false : take(response, index, message);
  t.is(await say("good day"), "You said: good day");
  await eventually("events are under way", () => receiver.requests.some((id) => id.startsWith("evt_")));
  await launcher.closeSession(session.id, { wait: true });
  await eventually("the end is told", isEnded);
  await launcher.stop();
});

test("a start that is refused is told to nobody, and a server that stops sends what it has", async (t) => {
  const { receiver, launcher, session, isEnded } = await calling(t, { maxConcurrentSessions: 1 });
  await t.throwsAsync(launcher.startSession({ callId: "another" }), { code: "POOL_FULL" });
  await launcher.stop();
  t.true(isEnded());
  t.true(receiver.eventsOf(session.id).some(({ state }) => state === "closing"));
  t.deepEqual(new Set(receiver.messages.map(({ data }) => data.session_id)), new Set([session.id]));
});
