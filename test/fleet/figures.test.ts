import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { HttpError, type Scope } from "greenroom";
import type { Fleet as FleetBody, FleetPoint } from "../../src/control-plane/fleet/fleet-schemas.ts";
import { eventually } from "../fixtures/eventually.ts";
import { documentedFleet } from "../fixtures/http/documented-answer.ts";
import { type Fleet, openFleet, peerSecret } from "../fixtures/http/open-fleet.ts";

/** One after another, since they share a fleet. */
const test = anyTest.serial as TestFn<{ fleet: Fleet }>;

const denies = { headers: { "x-caller": "nobody" } };

/** The callback of the fleet's permissions looks at a session only of those who are no operator. */
const canViewSession = (scope: Scope): boolean => {
  const caller = scope.headers.get("x-caller");
  if (caller === "stranger") throw new HttpError(401, "Who are you?");
  if (caller === "operator" || caller === null) return true;
  return scope.session().callId === "theirs";
};

test.before(async (t) => {
  t.context.fleet = await openFleet({
    launcher: { maxConcurrentSessions: 4 },
    serve: () => ({ canViewSession, peerSecret }),
  });
});
test.after.always((t) => t.context.fleet.close());

/** Reads server-sent events of the fleet. */
async function* moments(t: ExecutionContext, url: string, headers = {}): AsyncGenerator<FleetBody> {
  const left = new AbortController();
  t.teardown(() => left.abort());
  const response = await fetch(`${url}/fleet/events`, { headers, signal: left.signal });
  t.is(response.status, 200);
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data === undefined) continue;
      const moment = JSON.parse(data);
      documentedFleet(moment);
      yield moment as FleetBody;
    }
  }
}

async function until(
  stream: AsyncGenerator<FleetBody>,
  holds: (moment: FleetBody) => boolean,
): Promise<FleetBody> {
  // No loop of `for await`: leaving it would end the stream.
  for (;;) {
    const { done, value } = await stream.next();
    if (done) throw new Error("The stream ended before");
    if (holds(value)) return value;
  }
}

const sum = (points: readonly FleetPoint[], name: "started" | "refused") =>
  points.reduce((total, point) => total + point[name], 0);

test("any replica tells of all: slots, sessions, starts, ends and latency of the last minutes", async (t) => {
  const { replicas } = t.context.fleet;
  const [first, second, third] = replicas;
  const sessions = [await first.start(), await second.start(), await second.start()];
  for (const { session_id: id } of sessions) {
    await first.ask(`/sessions/${id}/messages`, { json: { text: "hello" } });
    await eventually("the model has answered", async () => {
      const { body } = await third.ask(`/sessions/${id}`);
      return body.last_latency.first_token_ms !== null;
    });
  }
  await third.ask(`/sessions/${sessions[2].session_id}?wait=true`, { method: "DELETE" });

  await eventually("every interval is over", async () => {
    const { points } = (await third.ask("/fleet")).body as FleetBody;
    return points.some(({ ended }) => ended.closed === 1) && sum(points, "started") >= 3;
  });
  const { body } = await third.ask("/fleet");
  const fleet = body as FleetBody;
  t.is(fleet.answered_by, "replica-2");
  t.true(fleet.all_points);
  t.deepEqual(
    fleet.replicas.map(({ node_id, state, refusal, capacity }) => [node_id, state, refusal, capacity]),
    replicas.map(({ nodeId }) => [nodeId, "serving", null, 4]),
  );
  t.deepEqual(
    fleet.replicas.map(({ slots }) => slots.running),
    [1, 1, 0],
  );
  t.deepEqual(
    fleet.replicas.map(({ sessions: { live } }) => live),
    [1, 1, 0],
  );
  t.deepEqual(fleet.missing, []);
  const last = fleet.points.at(-1)!;
  t.is(last.capacity, 12);
  t.is(last.sessions, 2);
  t.true(last.memory_ratio > 0 && last.memory_ratio < 1);
  t.true(fleet.points.some((point) => (point.first_token_p50_ms ?? 0) > 0));
  for (const { session_id: id } of sessions)
    await first.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
});

test("the stream sends everything at once, and then what is new", async (t) => {
  const [first, second] = t.context.fleet.replicas;
  const stream = moments(t, first.url);
  const whole = (await stream.next()).value as FleetBody;
  t.true(whole.all_points);
  t.is(whole.replicas.length, 3);
  const { session_id: id } = await second.start();
  const news = await until(stream, ({ replicas }) => replicas[1]?.sessions.live === 1);
  t.false(news.all_points);
  t.true(news.points.length <= 3);
  await second.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
  const later = await until(stream, ({ points }) => points.some(({ ended }) => ended.closed === 1));
  t.is(later.replicas[1]?.sessions.live, 0);
  const { text } = await first.ask("/metrics");
  t.regex(text, /^greenroom_event_streams_open 1$/m);
});

test("who may not view every session gets nothing of them", async (t) => {
  const [first] = t.context.fleet.replicas;
  for (const path of ["/fleet", "/fleet/events"]) {
    const { status, body } = await first.ask(path, denies);
    t.deepEqual([status, body.code], [403, "FORBIDDEN"], path);
    t.is((await first.ask(path, { headers: { "x-caller": "stranger" } })).status, 401, path);
    t.is((await first.ask(path, { method: "POST" })).status, 405, path);
  }
  t.is((await first.ask("/fleet", { headers: { "x-caller": "operator" } })).status, 200);
});

test("a client that asks as replicas do is told no more than others", async (t) => {
  const [first] = t.context.fleet.replicas;
  const { body } = await first.ask("/fleet?after=0");
  t.deepEqual(Object.keys(body), ["at", "answered_by", "replicas", "missing", "all_points", "points"]);
  t.is((await first.ask("/fleet?after=0", denies)).status, 403);
  const marked = await first.ask("/fleet", { headers: { "greenroom-peer": "made.up" } });
  t.is(marked.status, 403);
});

test("a replica that does not answer is named, and what it did before still counts", async (t) => {
  const [first, , third] = t.context.fleet.replicas;
  const before = (await first.ask("/fleet")).body as FleetBody;
  t.true(before.points.length > 0);
  const stream = moments(t, first.url);
  await stream.next();
  third.server.close();
  third.server.closeAllConnections();
  const without = await until(stream, ({ replicas }) => replicas.length === 2);
  t.deepEqual(
    without.replicas.map(({ node_id }) => node_id),
    ["replica-0", "replica-1"],
  );
  t.deepEqual(without.missing, ["replica-2"]);
  const whole = (await first.ask("/fleet")).body as FleetBody;
  t.true(whole.points.length >= before.points.length);
});
