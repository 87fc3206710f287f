import test from "ava";
import type { LoggedEvent } from "../../src/api/session.ts";
import { GreenroomError } from "../../src/shared/errors.ts";
import type { Session } from "../../src/supervisor/session/session.ts";
import { Sessions } from "../../src/supervisor/session/sessions.ts";
import { detachedSession, hear } from "../fixtures/supervisor/detached-session.ts";

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
