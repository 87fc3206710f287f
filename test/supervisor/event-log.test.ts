import test from "ava";
import type { LoggedEvent } from "../../src/api/session.ts";
import { EventLog } from "../../src/supervisor/session/event-log.ts";

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
