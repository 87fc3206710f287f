import test from "ava";
import type { LoggedEvent } from "../../src/api/session.ts";
import { GreenroomError } from "../../src/shared/errors.ts";
import { EventLog } from "../../src/supervisor/session/event-log.ts";
import type { Session } from "../../src/supervisor/session/session.ts";
import { Sessions } from "../../src/supervisor/session/sessions.ts";
import { detachedSession, hear } from "../fixtures/supervisor/detached-session.ts";

const delta = (text: string) =>
  ({
    type: "transcript",
    at: 0,
    role: "agent",
    turnId: "t",
    participantId: "a",
    final: false,
    delta: text,
  }) as const;

function collect(log: EventLog, afterId: number) {
  const seen: LoggedEvent[] = [];
  const subscription = log.subscribe(afterId, (entry) => seen.push(entry));
  return { seen, ids: () => seen.map(({ id }) => id), ...subscription };
}

test("a late subscriber gets what it missed, then what comes, without a hole", (t) => {
  const log = new EventLog();
  for (const word of ["a", "b", "c"]) log.append(delta(word));
  const reader = collect(log, 1);
  log.append(delta("d"));
  t.deepEqual(reader.ids(), [2, 3, 4]);
  t.false(reader.gap);
  reader.unsubscribe();
  log.append(delta("e"));
  t.deepEqual(reader.ids(), [2, 3, 4]);
});

test("interim words are kept until others stand in their place, and their absence is no gap", (t) => {
  const log = new EventLog();
  const user = { type: "transcript", at: 0, role: "user", turnId: "t", participantId: "a" } as const;
  const live = collect(log, 0);
  log.append({ ...user, final: false, interim: "What" });
  log.append(delta("a"));
  log.append({ ...user, turnId: "u", final: false, interim: "What is" });
  t.deepEqual(collect(log, 0).ids(), [1, 2, 3]);
  log.append({ ...user, turnId: "u", final: false, interim: "What is the" });
  t.deepEqual(collect(log, 0).ids(), [1, 2, 4]);
  log.append({ ...user, turnId: "u", final: true, text: "What is the weather?" });
  t.deepEqual(collect(log, 0).ids(), [1, 2, 5]);
  t.false(collect(log, 3).gap);
  t.deepEqual(collect(log, 3).ids(), [5]);
  t.deepEqual(live.ids(), [1, 2, 3, 4, 5]);
});

test("more events than are kept: a gap is told, and what is left follows without a hole", (t) => {
  const log = new EventLog();
  for (let i = 0; i < 1_500; i += 1) log.append(delta("x"));
  const reader = collect(log, 3);
  t.true(reader.gap);
  t.is(reader.seen.length, 1_024);
  t.is(reader.ids().at(-1), 1_500);
  t.false(collect(log, 1_500).gap);
  t.deepEqual(collect(log, 1_500).ids(), []);
});

test("long words push out old events", (t) => {
  const log = new EventLog();
  for (let i = 0; i < 100; i += 1) log.append(delta("x".repeat(16_384)));
  const reader = collect(log, 0);
  t.true(reader.gap);
  t.true(reader.seen.length > 10 && reader.seen.length < 40);
});

test("a single event larger than all that may be kept is kept all the same", (t) => {
  const log = new EventLog();
  log.append(delta("x".repeat(2_000_000)));
  t.deepEqual(collect(log, 0).ids(), [1]);
});

test("an id that this log never gave is a gap, and everything kept follows", (t) => {
  const log = new EventLog();
  log.append(delta("a"));
  const reader = collect(log, 77);
  t.true(reader.gap);
  t.deepEqual(reader.ids(), [1]);
});

test("events of another process are told again, and those that nobody knows are a gap in their place", (t) => {
  const other = new EventLog();
  for (const word of ["a", "b", "c"]) other.append(delta(word));
  const log = new EventLog({ lastId: 3, events: other.newest(450), unknown: 10 });
  log.append(delta("d"));
  t.deepEqual(collect(log, 2).ids(), [3, 14]);
  t.deepEqual(collect(log, 2).gaps, [{ after: 3, next: 14 }]);
  t.deepEqual(collect(log, 0).ids(), [2, 3, 14]);
  t.deepEqual(collect(log, 0).gaps, [
    { after: 0, next: 2 },
    { after: 3, next: 14 },
  ]);
  t.deepEqual(collect(log, 7).gaps, [{ after: 7, next: 14 }]);
  t.deepEqual(collect(log, 7).ids(), [14]);
  t.deepEqual(collect(log, 13).gaps, []);
  t.deepEqual(collect(log, 14).gaps, []);
});

test("the numbers go on behind the last event of the process that hands a session over", (t) => {
  const other = new EventLog();
  other.append(delta("a"));
  const log = new EventLog({ lastId: other.lastId, events: other.newest(10_000) });
  log.append(delta("here"));
  for (const word of ["b", "c"]) other.append(delta(word));
  log.follow({ lastId: other.lastId, events: other.newest(10_000) }, 1);
  const { seen, ids, gap } = collect(log, 0);
  t.false(gap);
  t.deepEqual(ids(), [1, 2, 3, 4]);
  const words = seen.map(({ event }) => event.type === "transcript" && event.delta);
  t.deepEqual(words, ["a", "b", "c", "here"]);
});

test("nothing follows the end, and what was before it can still be read", (t) => {
  const log = new EventLog();
  log.append(delta("a"));
  const reader = collect(log, 0);
  log.append({ type: "end", at: 0, reason: "finished", error: null });
  log.append(delta("late"));
  t.true(log.ended);
  t.deepEqual(reader.ids(), [1, 2]);
  t.deepEqual(collect(log, 0).ids(), [1, 2]);
});

/** A session that said much and ended of an error. */
function endedSession(sessions: Sessions, number: number): Session {
  const session = detachedSession({
    identity: { callId: `call-${number}`, config: { long: "x".repeat(9_000) }, createdBy: "ann" },
    transcript: true,
    onEnded: (ended) => {
      sessions.retire(ended);
      ended.showEnd();
    },
  });
  sessions.add(session);
  for (let turn = 0; turn < 20; turn += 1) hear(session, "user", turn, "w".repeat(500));
  session.abandon(new Error("m".repeat(5_000), { cause: new GreenroomError("INTERNAL") }));
  return session;
}

function replay(session: Session, afterId = 0): { gap: boolean; events: LoggedEvent[] } {
  const events: LoggedEvent[] = [];
  const { gap } = session.events.subscribe(afterId, (entry) => events.push(entry));
  return { gap, events };
}

test("of an ended session neither config nor transcript is kept, and its events while few have ended since", (t) => {
  const sessions = new Sessions();
  const session = endedSession(sessions, 0);
  t.deepEqual(session.config, {});
  t.is(session.transcript, null);
  t.is(sessions.get(session.id), session);
  t.true(replay(session).events.length > 20);
  t.truthy(session.error?.stack);
});

test("once many have ended since, what is left is a summary", (t) => {
  const sessions = new Sessions();
  const first = endedSession(sessions, 0);
  for (let number = 1; number <= 64; number += 1) endedSession(sessions, number);
  const { gap, events } = replay(first);
  t.true(gap, "readers are told that something is missing");
  t.deepEqual(
    events.map(({ event }) => event.type),
    ["metrics", "state", "end"],
  );
  t.true(first.events.ended);
  t.like(sessions.get(first.id), { callId: "call-0", createdBy: "ann", endReason: "start_failed" });
  const kept = { events, error: first.error, metrics: first.metrics.snapshot(), usage: first.metrics.usage };
  t.true(JSON.stringify(kept).length < 4_096);
  t.like(first.error?.cause, { message: "Internal server error", stack: undefined });
  const { lastId } = first.events;
  t.deepEqual(replay(first, lastId), { gap: false, events: [] }, "who has read the end has read all");
});
