import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { eventually } from "../../fixtures/eventually.ts";
import { Conversation, isKept, ownerIn, resumingFleet } from "../../fixtures/fleet/conversation.ts";
import type { ReplicaProcess } from "../../fixtures/fleet/replica-process.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { eventSource } from "../../fixtures/http/event-source.ts";
import { needs } from "../../fixtures/needs.ts";
import { inLongForm } from "../../fixtures/trials.ts";

/** Declares tests that run one after another: each has processes of its own, and there are two cores. */
const test = needs("redis-server", (anyTest as TestFn).serial);

const longForm = inLongForm(test);

async function two(t: ExecutionContext) {
  t.timeout(120_000);
  const { redis, replicas } = await resumingFleet(t, ["first", "second"], { leaseMs: 3_000 });
  const [first, second] = replicas as [ReplicaProcess, ReplicaProcess];
  return { redis, first, second };
}

test("a replica is killed: its session goes on in the other one, with the conversation, and no second greeting", async (t) => {
  const { first, second, redis } = await two(t);
  const { session_id } = await first.start();
  const conversation = new Conversation(t, session_id);
  await conversation.exchange(second, "my name is Ann");
  await isKept(redis, session_id, "You said: my name is Ann");
  const before = (await second.ask(`/sessions/${session_id}`)).body;
  const url = `${second.url}/sessions/${session_id}/events`;
  const followed = eventSource(t, url, ["state", "gap", "interrupted", "resumed", "end"]);
  await eventually("it is followed", () => followed.length > 0);
  await first.kill();
  await eventually("it is adopted", async () => (await ownerIn(redis, session_id)) === "second");
  await conversation.exchange(second, "still there?");
  const { body } = await second.ask(`/sessions/${session_id}`);
  t.like(body, { session_id, state: "live", resumes: 1, session_started_at: before.session_started_at });
  t.is(conversation.said.filter((words) => words === "Hello there.").length, 1);
  const metrics = (await second.ask(`/sessions/${session_id}/metrics`)).body;
  t.true(metrics.metrics.llm_latency_ms__avg !== null);
  t.is(await second.metric("greenroom_session_resumes_total", 'where="adopted"'), 1);
  // A standard EventSource has come back by itself, though nobody could be asked for some seconds.
  const isOfType = (type: string) => followed.some((line) => line.kind === "event" && line.type === type);
  await eventually("the EventSource is back", () => isOfType("resumed"));
  t.true(followed.some(({ kind }) => kind === "error"));
  // Who begins anew is told what is known of the time before, and where something may be missing.
  const anew = await EventReader.open(t, url);
  const kinds: string[] = [];
  while (!["resumed", "over"].includes(kinds.at(-1) ?? "")) kinds.push((await anew.next())?.event ?? "over");
  t.deepEqual(kinds.slice(0, 3), ["state", "state", "state"]);
  t.is(kinds.filter((kind) => kind === "gap").length, 1);
  t.true(kinds.indexOf("transcript") < kinds.indexOf("gap"));
  t.true(kinds.indexOf("gap") < kinds.indexOf("interrupted"));
  t.is((await second.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" })).status, 204);
  t.is((await second.ask(`/sessions/${session_id}`)).body.end_reason, "closed");
  t.is(await second.metric("greenroom_sessions_ended_total", 'reason="lost"'), 0);
});

longForm("a replica drains: its session goes on in the other one, and its own process is gone", async (t) => {
  const { first, second, redis } = await two(t);
  const { session_id } = await first.start();
  const conversation = new Conversation(t, session_id);
  await conversation.exchange(first, "my name is Ann");
  const exit = first.drain();
  await eventually("it is handed over", async () => (await ownerIn(redis, session_id)) === "second");
  t.is(await exit, 0);
  await conversation.exchange(second, "still there?");
  t.deepEqual(conversation.said, ["Hello there.", "You said: my name is Ann", "You said: still there?"]);
  t.deepEqual(
    conversation.kinds.filter((kind) => kind === "interrupted" || kind === "resumed" || kind === "end"),
    ["interrupted", "resumed"],
  );
  t.is(await second.metric("greenroom_session_resumes_total", 'where="handed_over"'), 1);
  await second.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
});
