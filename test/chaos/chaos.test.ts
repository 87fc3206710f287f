import test from "ava";
import { allFaults } from "../../chaos/faults/all-faults.ts";
import { heartbeatIntervalMs } from "../../chaos/fleet/heartbeat.ts";
import type { Heard } from "../../chaos/fleet/heartbeat-collector.ts";
import type { ProcessExit } from "../../chaos/fleet/life.ts";
import { RedisTroubles } from "../../chaos/fleet/redis-troubles.ts";
import { brokenIn } from "../../chaos/ledger/invariants.ts";
import { Ledger } from "../../chaos/ledger/ledger.ts";
import type { Reply } from "../../chaos/load/client.ts";
import { plan } from "../../chaos/plan.ts";
import { Random } from "../../chaos/random.ts";
import { Timeline } from "../../chaos/timeline.ts";

// The ledger of the chaos test finds each thing that it is there to find: what it was told here is what a fleet would do wrong.

const reply = (status: number, body: object | null = null): Reply => ({
  status,
  code: body && "code" in body ? String(body.code) : null,
  retryAfterMs: null,
  body,
  headers: new Headers(),
  text: String(status),
});

/** Returns what a run of one session, `s`, shows where all is well. Each test changes one thing. */
function wellRun(kind = "brief") {
  const timeline = new Timeline();
  const ledger = new Ledger(timeline);
  const { beganAt } = timeline;
  const start = ledger.wanted("key", "call", kind);
  const session = ledger.answered(start, beganAt, reply(201, { session_id: "s" }))!;
  const heard: Heard[] = [heardOf("s", { from: beganAt + 100, forMs: 5_000 })];
  const flaws: string[] = [];
  const redisTroubles = new RedisTroubles();
  const exits: ProcessExit[] = [];
  const tell = (sessionId: string, endReason = "finished", at = beganAt + 6_000) => {
    const body = JSON.stringify({
      timestamp: "",
      data: { session_id: sessionId, call_id: "call", end_reason: endReason },
    });
    ledger.told({ at, webhookId: `msg_${sessionId}`, sessionId, endReason, body });
  };
  const found = () =>
    brokenIn(ledger, { heard, flaws, redisTroubles, exits, stops: [], slowness: 1 }).map(
      ({ invariant, excuse }) => (excuse === null ? invariant : `${invariant}, allowed`),
    );
  return { ledger, start, session, heard, flaws, redisTroubles, exits, tell, found, beganAt };
}

interface HeardFor {
  readonly from: number;
  readonly forMs: number;
  readonly call?: string;
  readonly pid?: number;
}

function heardOf(session: string, { from, forMs, call = "call", pid = 1 }: HeardFor): Heard {
  const count = Math.floor(forMs / heartbeatIntervalMs) + 1;
  const times = Array.from({ length: count }, (_, index) => from + index * heartbeatIntervalMs);
  return { session, call, key: "key", pid, times };
}

test("nothing is found where all is well, also where an end is told again", (t) => {
  const { tell, found } = wellRun();
  tell("s");
  tell("s");
  t.deepEqual(found(), []);
});

test("an end that is not told", (t) => {
  t.deepEqual(wellRun().found(), ["never_told"]);
});

test("an end that is not told is allowed where Redis was away from the start until the process was killed", (t) => {
  const { session, redisTroubles, exits, found, beganAt } = wellRun();
  const over = redisTroubles.begin(false);
  t.deepEqual(found(), ["never_told"], "its process goes on");
  exits.push({ pid: 2, at: session.answeredAt + 1_000 });
  t.deepEqual(found(), ["never_told"], "another process ended");
  exits.push({ pid: 1, at: session.answeredAt + 1_000 });
  t.deepEqual(found(), ["never_told, allowed"]);
  over();
  exits.length = 0;
  exits.push({ pid: 1, at: beganAt + 60_000 });
  t.deepEqual(found(), ["never_told"], "Redis was back long before");
});

test("an end that is not told of a session whose start nobody saw answered", (t) => {
  const { tell, heard, found, beganAt } = wellRun();
  tell("s");
  heard.push(heardOf("other", { from: beganAt, forMs: 1_000, call: "another-call" }));
  t.deepEqual(found(), ["heard_never_told"]);
});

test("an end that is told with two contents", (t) => {
  const { tell, found } = wellRun();
  tell("s", "finished");
  tell("s", "lost");
  t.deepEqual(found(), ["told_differently", "two_ends"]);
});

test("an end of a session that nobody asked for, and a message with a flaw", (t) => {
  const { ledger, tell, flaws, found, beganAt } = wellRun();
  tell("s");
  const body = JSON.stringify({ data: { session_id: "x", call_id: "foreign", end_reason: "lost" } });
  ledger.told({ at: beganAt, webhookId: "msg_x", sessionId: "x", endReason: "lost", body });
  flaws.push("msg_y: no such signature");
  t.deepEqual(found(), ["told_of_nothing", "told_of_nothing"]);
});

test("an agent that is heard after its end was told", (t) => {
  const { tell, found, beganAt } = wellRun();
  tell("s", "lost", beganAt + 2_000);
  t.deepEqual(found(), ["told_and_lives"]);
});

test("a 404 of a session that lives; a frozen one may wake up for a second", (t) => {
  const { ledger, session, tell, heard, found } = wellRun();
  tell("s");
  ledger.viewed(session, 0, reply(404, { code: "SESSION_NOT_FOUND" }));
  const { at } = session.views[0]!;
  heard[0] = heardOf("s", { from: at + 1, forMs: 800 });
  t.deepEqual(found(), []);
  heard[0] = heardOf("s", { from: at + 1, forMs: 2_000 });
  t.deepEqual(found(), ["live_denied"]);
});

test("a close that was answered as done, and an agent that stays", (t) => {
  const { ledger, session, heard, found } = wellRun();
  ledger.closed(session, 0, reply(204));
  const { at } = session.closes[0]!;
  heard[0] = heardOf("s", { from: at, forMs: 4_000 });
  t.deepEqual(found(), ["never_told"]);
  heard[0] = heardOf("s", { from: at, forMs: 8_000 });
  t.deepEqual(found(), ["never_told", "closed_and_lives"]);
});

test("an end that REST, or a stream of events, tells otherwise", (t) => {
  const { ledger, session, heard, tell, found } = wellRun();
  tell("s");
  heard.length = 0;
  ledger.viewed(session, 0, reply(404, { code: "SESSION_NOT_FOUND", end_reason: "lost" }));
  t.deepEqual(found(), ["two_ends"]);
  session.views.length = 0;
  session.streamed.add("crashed");
  t.deepEqual(found(), ["two_ends"]);
});

test("a start that is answered 500, or with a second session", (t) => {
  const { ledger, start, tell, found, beganAt } = wellRun();
  tell("s");
  ledger.answered(start, beganAt, reply(500, { code: "INTERNAL" }));
  t.deepEqual(found(), ["wrong_answer"]);
  ledger.answered(start, beganAt, reply(201, { session_id: "second" }));
  tell("second");
  t.deepEqual(found(), ["wrong_answer", "key_started_twice"]);
});

test("a session in two processes at the same time; one that moves is in one after another", (t) => {
  const { tell, heard, found, beganAt } = wellRun();
  tell("s");
  heard.push(heardOf("s", { from: beganAt, forMs: 400, pid: 2 }));
  t.deepEqual(found(), []);
  heard[1] = heardOf("s", { from: beganAt, forMs: 3_000, pid: 2 });
  t.deepEqual(found(), ["two_places"]);
});

test("a call that may move is cut; it is allowed where Redis was away, or two processes had ended", (t) => {
  for (const [kind, endReason, broken] of [
    ["moves", "lost", ["calls_cut"]],
    ["moves", "drained", ["calls_cut"]],
    ["moves", "closed", []],
    ["stay", "lost", []],
  ] as const) {
    const { tell, found } = wellRun(kind);
    tell("s", endReason);
    t.deepEqual(found(), broken, `${kind} ${endReason}`);
  }
  const { tell, found, exits, beganAt } = wellRun("moves");
  tell("s", "lost");
  exits.push({ pid: 1, at: beganAt });
  t.deepEqual(found(), ["calls_cut"]);
  exits.push({ pid: 2, at: beganAt + 1 });
  t.deepEqual(found(), ["calls_cut, allowed"]);
});

test("two agents in one call, for longer than a second; it is allowed where Redis was away", (t) => {
  const { tell, heard, redisTroubles, found, beganAt } = wellRun();
  tell("s");
  tell("other");
  heard.push(heardOf("other", { from: beganAt + 4_200, forMs: 1_500 }));
  t.deepEqual(found(), [], "for less than a second");
  heard[1] = heardOf("other", { from: beganAt + 1_000, forMs: 3_000 });
  t.deepEqual(found(), ["call_limit_passed"]);
  redisTroubles.begin(true)();
  t.deepEqual(found(), ["call_limit_passed, allowed"]);
});

test("more agents than a replica, and the fleet, may have", (t) => {
  const { tell, heard, found, beganAt } = wellRun();
  heard.length = 0;
  tell("s");
  for (let count = 0; count < 21; count += 1) {
    const id = `crowd-${count}`;
    tell(id);
    heard.push(heardOf(id, { from: beganAt, forMs: 3_000, call: id, pid: count < 9 ? 1 : count }));
  }
  t.deepEqual(found(), ["fleet_limit_passed", "replica_limit_passed"]);
});

test("a start that is refused while there is room", (t) => {
  const { ledger, tell, found, beganAt } = wellRun();
  tell("s");
  const start = ledger.wanted("another", "another-call", "brief");
  ledger.answered(start, beganAt, reply(429, { code: "POOL_FULL" }));
  t.deepEqual(found(), []);
  ledger.judgeRefusalsBy(() => "there were places");
  ledger.answered(start, beganAt, reply(429, { code: "POOL_FULL" }));
  t.deepEqual(found(), ["refused_with_room"]);
});

const forMs = 20 * 60_000;
const planOf = (seed: number) => plan(new Random(seed), allFaults, forMs);

test("the same seed gives the same faults, another seed gives others", (t) => {
  t.deepEqual(planOf(7), planOf(7));
  t.notDeepEqual(planOf(7), planOf(8));
});

test("a long plan has faults of every kind, in order, and all are over at its end", (t) => {
  const planned = planOf(1);
  t.deepEqual(
    allFaults.filter((fault) => !planned.some((one) => one.fault === fault)),
    [],
  );
  for (const [index, { fault, atMs, lastsMs }] of planned.entries()) {
    t.true(atMs > (planned[index - 1]?.atMs ?? 0));
    t.true(atMs + lastsMs <= forMs);
    t.true(lastsMs >= fault.lastsMs[0] && lastsMs <= fault.lastsMs[1], fault.name);
  }
});
