import test, { type ExecutionContext } from "ava";
import { EventLog } from "../../src/supervisor/session/event-log.ts";
import { EventWebhook, type EventWebhookOptions } from "../../src/supervisor/webhook/event-webhook.ts";
import { eventJson } from "../../src/supervisor/wire/event-json.ts";
import { eventually } from "../fixtures/eventually.ts";
import { EventReceiver, type ReceivedEvent, refuse, take } from "../fixtures/supervisor/event-receiver.ts";

/** A webhook of a receiver, with a session that is an event log alone, the counts by outcome, and the lines of the log. */
async function feeding(t: ExecutionContext, options: Partial<EventWebhookOptions> = {}) {
  const receiver = await EventReceiver.open(t);
  const counts = { delivered: 0, failed: 0, dropped: 0, gone: 0 };
  const lines: Record<string, unknown>[] = [];
  const line = (fields: unknown) => lines.push(fields as Record<string, unknown>);
  const hook = new EventWebhook({
    url: receiver.url,
    secret: receiver.secret,
    events: ["transcript", "turn", "state"],
    metrics: {
      webhookEvents: (outcome, events) => {
        counts[outcome] += events;
      },
    },
    log: { warn: line, error: line } as unknown as EventWebhookOptions["log"],
    firstBackoffMs: 1,
    longestBackoffMs: 20,
    // Other tests may keep this machine busy.
    endWaitMs: 60_000,
    lastMs: 120_000,
    ...options,
  });
  t.teardown(() => hook.stop());
  const sessionOf = (id: string, events = new EventLog()) => {
    const session = { id, callId: `call of ${id}`, callType: "default", events };
    return { session, events, say: (text: string, final = true) => say(events, text, final) };
  };
  return { receiver, counts, lines, hook, sessionOf };
}

function say(events: EventLog, text: string, final = true): void {
  const words = { turnId: "t", participantId: "p" };
  events.append({ type: "transcript", at: Date.now(), role: "user", final, text, ...words });
}

const idsOf = (events: readonly ReceivedEvent[]) => events.flatMap(({ id }) => id ?? []);
const gapsOf = (events: readonly ReceivedEvent[]) => events.filter(({ type }) => type === "gap");

/** Checks that the events and gaps of one session tell of all ids up to `last`: none twice, in order, and none missing without a gap. */
function tellsAll(t: ExecutionContext, events: readonly ReceivedEvent[], last: number): void {
  let told = 0;
  for (const event of events) {
    if (event.type === "gap") {
      t.is(event.last_event_id, told);
      t.true(event.next_event_id! > told + 1);
      told = event.next_event_id! - 1;
    } else {
      t.is(event.id, told + 1);
      told = event.id!;
    }
  }
  t.is(told, last);
}

test("thousands of events of several sessions come in order, signed, a request a session at a time, in the form of streams", async (t) => {
  const { receiver, counts, hook, sessionOf } = await feeding(t);
  const sessions = ["a", "b", "c"].map((id) => sessionOf(id));
  for (const { session } of sessions) hook.follow(session, 0);
  for (let round = 1; round <= 25; round += 1) {
    for (const { say } of sessions) for (let index = 0; index < 80; index += 1) say(`${round} ${index}`);
    await eventually("they came", () => receiver.eventsOf("c").length === round * 80, 60_000);
  }
  for (const { session, events } of sessions) {
    await hook.finished(session.id);
    const came = receiver.eventsOf(session.id);
    t.is(came.length, 2_000);
    tellsAll(t, came, 2_000);
    const last = {
      type: "transcript",
      text: "25 79",
      turn_id: "t",
      participant_id: "p",
      final: true,
      role: "user",
    };
    t.like(came.at(-1), last);
    let known: unknown;
    events.subscribe(1_999, ({ id, event }) => {
      known = JSON.parse(JSON.stringify({ id, ...eventJson(event, "whole") }));
    });
    t.deepEqual(came.at(-1) as unknown, known);
  }
  t.is(receiver.forged, 0);
  t.is(receiver.mostAtOnce, 1);
  t.is(counts.delivered, 6_000);
  t.true(receiver.messages.length < 6_000 / 10, "they come many in a message");
  const [{ type, id, data }] = receiver.messages as [(typeof receiver.messages)[number]];
  t.is(type, "session.events");
  t.regex(id, /^evt_[\w-]+$/);
  t.like(data, { call_id: `call of ${data.session_id}`, call_type: "default" });
  t.is(new Set(receiver.requests).size, receiver.requests.length);
});

test("the kinds that were asked for come, and no others; never the end, which has a message of its own", async (t) => {
  const { receiver, hook, sessionOf } = await feeding(t, { events: ["transcript", "state"] });
  const { session, events, say } = sessionOf("a");
  hook.follow(session, 0);
  events.append({ type: "state", at: 1, state: "live" });
  say("not whole", false);
  say("whole");
  events.append({ type: "role", at: 2, role: "billing", by: "model" } as never);
  events.append({ type: "state", at: 3, state: "ended" });
  events.append({ type: "end", at: 3, reason: "closed", error: null });
  await hook.finished("a");
  t.deepEqual(
    receiver.eventsOf("a").map(({ id, type }) => [id, type]),
    [
      [1, "state"],
      [3, "transcript"],
    ],
  );
  t.is(hook.finished("a"), null);

  const partial = await feeding(t, { events: ["partial_transcript"] });
  const other = partial.sessionOf("b");
  partial.hook.follow(other.session, 0);
  other.say("not whole", false);
  other.say("whole");
  await partial.hook.finished("b");
  t.like(partial.receiver.eventsOf("b"), [{ type: "transcript", final: false }]);
  t.is(partial.receiver.eventsOf("b").length, 1);
});

test("a message is tried again with the same id and events, after errors, redirects and answers that never end", async (t) => {
  const { receiver, counts, hook, sessionOf } = await feeding(t, {
    attemptTimeoutMs: 1_500,
    giveUpAfterMs: 600_000,
  });
  const elsewhere = await EventReceiver.open(t);
  const answers = [
    refuse(500),
    refuse(302, { location: elsewhere.url }),
    refuse(307, { location: elsewhere.url }),
    refuse(503, { "retry-after": "3600" }),
    () => false,
  ];
  receiver.answer = (response, index, message) => (answers[index] ?? take)(response, index, message);
  const { session, say } = sessionOf("a");
  hook.follow(session, 0);
  say("one");
  await eventually("it came", () => counts.delivered === 1, 60_000);
  t.is(receiver.requests.length, answers.length + 1);
  t.is(new Set(receiver.requests).size, 1);
  t.is(elsewhere.requests.length, 0);

  receiver.answer = (response) => {
    response.writeHead(200);
    const more = setInterval(() => response.write("x".repeat(10_000)), 5);
    response.once("close", () => clearInterval(more));
    return true;
  };
  say("two");
  await eventually("its status counts", () => counts.delivered === 2, 60_000);
  t.deepEqual(idsOf(receiver.eventsOf("a")), [1, 2]);
});

test("what a receiver did not take in time is told as a gap, and counted", async (t) => {
  const { receiver, counts, lines, hook, sessionOf } = await feeding(t, { giveUpAfterMs: 100 });
  const { session, say } = sessionOf("a");
  hook.follow(session, 0);
  say("one");
  await eventually("it came", () => counts.delivered === 1, 60_000);
  receiver.answer = refuse(500);
  say("a private word");
  say("three");
  await eventually("it is given up", () => counts.failed === 2, 60_000);
  say("four");
  await eventually("it is given up too", () => counts.failed === 3, 60_000);
  receiver.answer = take;
  say("five");
  await eventually("it came", () => counts.delivered === 2, 60_000);
  t.like(receiver.eventsOf("a").slice(1), [
    { type: "gap", last_event_id: 1, next_event_id: 5 },
    { id: 5, text: "five" },
  ]);
  tellsAll(t, receiver.eventsOf("a"), 5);
  t.like(lines, [
    { event: "webhook_events_lost", session_id: "a", outcome: "failed", events: 2, what: "status 500" },
  ]);
  t.is(lines.length, 1);
  t.false(JSON.stringify(lines).includes("private"));
});

test("a receiver that hangs holds nobody: the oldest events are dropped beyond a bound, and told as a gap", async (t) => {
  const { receiver, counts, hook, sessionOf } = await feeding(t, { attemptTimeoutMs: 600_000 });
  const waiting: (() => void)[] = [];
  receiver.answer = async (response, index, message) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return take(response, index, message);
  };
  const { session, say } = sessionOf("a");
  const other = sessionOf("b");
  hook.follow(session, 0);
  hook.follow(other.session, 0);
  say("first");
  await eventually("it is under way", () => receiver.requests.length === 1, 60_000);
  for (let index = 0; index < 3_000; index += 1) say(`${index}`);
  other.say("of another session");
  await eventually("the other session has its own request", () => receiver.requests.length === 2, 60_000);
  t.is(counts.dropped, 2_000);
  receiver.answer = take;
  for (const go of waiting) go();
  await hook.finished("a");
  const came = receiver.eventsOf("a");
  tellsAll(t, came, 3_001);
  t.like(gapsOf(came), [{ last_event_id: 1, next_event_id: 2_002 }]);
  t.is(gapsOf(came).length, 1);
  t.is(counts.delivered, 1_002);

  // Long words are bounded as well as many.
  receiver.answer = () => false;
  const long = sessionOf("c");
  hook.follow(long.session, 0);
  const before = counts.dropped;
  for (let index = 0; index < 100; index += 1) long.say("x".repeat(20_000));
  t.true(counts.dropped - before > 80);
  t.true(counts.dropped - before < 90);
});

test("at the end what waits is sent at once; a receiver that is away delays the end for a bounded time, and is told the rest as a gap", async (t) => {
  const { receiver, counts, hook, sessionOf } = await feeding(t, {
    batchMs: 600_000,
    endWaitMs: 50,
    lastMs: 60_000,
  });
  const { session, events, say } = sessionOf("a");
  hook.follow(session, 0);
  // Characters of several bytes come whole, wherever the network cuts them.
  const long = "ü🎙".repeat(20_000);
  for (const word of ["one", long, "three"]) say(word);
  events.append({ type: "end", at: 1, reason: "closed", error: null });
  await eventually("they came", () => counts.delivered === 3, 60_000);
  t.deepEqual(idsOf(receiver.eventsOf("a")), [1, 2, 3]);
  t.is(receiver.eventsOf("a")[1]?.text, long);
  t.is(receiver.forged, 0);

  const away = await feeding(t, { batchMs: 600_000, endWaitMs: 50, lastMs: 500 });
  const late = away.sessionOf("b");
  away.hook.follow(late.session, 0);
  away.receiver.answer = () => false;
  late.say("one");
  await away.hook.finished("b");
  t.deepEqual(away.receiver.eventsOf("b"), []);
  await eventually("it is dropped", () => away.counts.dropped === 1, 60_000);
  t.is(away.hook.finished("b"), null);

  const failing = await feeding(t, { giveUpAfterMs: 0 });
  const last = failing.sessionOf("c");
  failing.receiver.answer = (response, index, message) =>
    (index === 0 ? refuse(500) : take)(response, index, message);
  failing.hook.follow(last.session, 0);
  last.say("one");
  last.say("two");
  await failing.hook.finished("c");
  t.like(failing.receiver.eventsOf("c"), [{ type: "gap", last_event_id: 0, next_event_id: 3 }]);
  t.deepEqual(failing.counts, { delivered: 0, failed: 2, dropped: 0, gone: 0 });
});

test("after 410 no events are sent, of any session", async (t) => {
  const { receiver, counts, lines, hook, sessionOf } = await feeding(t);
  receiver.answer = refuse(410);
  const [one, other] = [sessionOf("a"), sessionOf("b")];
  hook.follow(one.session, 0);
  one.say("one");
  await eventually("it is refused", () => counts.gone === 1, 60_000);
  hook.follow(other.session, 0);
  other.say("two");
  one.say("three");
  t.is(hook.finished("a"), null);
  t.is(hook.finished("b"), null);
  t.is(receiver.requests.length, 1);
  t.deepEqual(
    lines.map(({ event }) => event),
    ["webhook_events_gone"],
  );
});

test("a session of another process: ids go on, and those that nobody knows are a gap", async (t) => {
  const { receiver, hook, sessionOf } = await feeding(t);
  const before = new EventLog();
  for (const word of ["one", "two", "three"]) say(before, word);
  const events = new EventLog({ lastId: 3, events: before.newest(500), unknown: 1_000 });
  const { session } = sessionOf("a", events);
  hook.follow(session, events.idBefore);
  say(events, "four");
  await hook.finished("a");
  t.like(receiver.eventsOf("a"), [
    { id: 2, text: "two" },
    { id: 3, text: "three" },
    { type: "gap", last_event_id: 3, next_event_id: 1_004 },
    { id: 1_004, text: "four" },
  ]);

  const moved = sessionOf("b");
  hook.follow(moved.session, 0);
  moved.say("said here");
  moved.events.cut();
  await eventually("its last events are sent", () => receiver.eventsOf("b").length === 1, 60_000);
  await eventually("nothing more is awaited", () => hook.finished("b") === null, 60_000);
});

test("a server that stops drops what waits, and counts it", async (t) => {
  const { receiver, counts, hook, sessionOf } = await feeding(t);
  receiver.answer = () => false;
  const { session, say } = sessionOf("a");
  hook.follow(session, 0);
  for (let index = 0; index < 300; index += 1) say(`${index}`);
  await eventually("some are under way", () => receiver.requests.length === 1, 60_000);
  await hook.flush(20);
  hook.stop();
  await eventually("all are counted", () => counts.dropped === 300, 60_000);
  say("too late");
  t.is(receiver.requests.length, 1);
});
