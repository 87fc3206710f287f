import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { SealedTexts } from "../../src/registry/redis/succession/sealed-text.ts";
import { agentUrl } from "../fixtures/agent-url.ts";
import { eventually } from "../fixtures/eventually.ts";
import { knowEachOther } from "../fixtures/fleet/balanced-fleet.ts";
import { ReplicaProcess } from "../fixtures/fleet/replica-process.ts";
import { EventReader } from "../fixtures/http/event-reader.ts";
import { needs } from "../fixtures/needs.ts";
import { RedisServer } from "../fixtures/programs/redis-server.ts";

/** Declares tests that run one after another: each has processes of its own, and there are two cores. */
const test = needs("redis-server", (anyTest as TestFn).serial);

interface TwoReplicas {
  readonly redis: RedisServer;
  readonly first: ReplicaProcess;
  readonly second: ReplicaProcess;
}

async function replicas(t: ExecutionContext): Promise<TwoReplicas> {
  t.timeout(120_000);
  const redis = await RedisServer.open();
  t.teardown(() => redis[Symbol.asyncDispose]());
  const open = (nodeId: string) =>
    ReplicaProcess.open(t, {
      nodeId,
      redisUrl: redis.url,
      launcher: { agent: String(agentUrl("come-back")), ignoreLoad: true, threadWaitTimeoutMs: 60_000 },
      runner: {},
      environment: { GREENROOM_REGISTRY_LEASE_MS: "3000" },
    });
  const [first, second] = await Promise.all([open("first"), open("second")]);
  await Promise.all([first.ready(), second.ready()]);
  await knowEachOther([first, second]);
  return { redis, first, second };
}

/** A conversation by typed words, whose events are read through one replica after another. */
class Conversation {
  readonly sessionId: string;
  readonly #t: ExecutionContext;
  readonly said: string[] = [];
  readonly kinds: string[] = [];
  #lastId = 0;
  #reader: EventReader | null = null;

  constructor(t: ExecutionContext, sessionId: string) {
    this.#t = t;
    this.sessionId = sessionId;
  }

  /** Says something by way of a replica, where there is something to say, and resolves with all words of the answer. */
  async hears(replica: ReplicaProcess, words: string, text?: string): Promise<void> {
    const path = `/sessions/${this.sessionId}`;
    if (text !== undefined)
      await eventually("the words are taken", async () => {
        const { status } = await replica.ask(`${path}/messages`, { json: { text } });
        return status === 202;
      });
    while (!this.said.includes(words)) {
      this.#reader ??= await EventReader.open(this.#t, `${replica.url}${path}/events`, {
        "last-event-id": String(this.#lastId),
      });
      const event = await this.#reader.next().catch(() => null);
      if (event === null) {
        this.#reader = null;
        continue;
      }
      this.#lastId = event.id ?? this.#lastId;
      this.kinds.push(event.event);
      const { role, final, text: spoken } = event.data;
      if (event.event === "transcript" && role === "agent" && final) this.said.push(spoken);
    }
  }
}

const whereIs = async ({ redis }: TwoReplicas, sessionId: string) =>
  String(await redis.command("HGET", "{greenroom}:live", sessionId))
    .split("#")[0]
    ?.slice(2);

test("a replica is killed: its session goes on in the other one, with the conversation, and no second greeting", async (t) => {
  const both = await replicas(t);
  const { first, second, redis } = both;
  const { session_id } = await first.start();
  const conversation = new Conversation(t, session_id);
  await conversation.hears(second, "You said: my name is Ann", "my name is Ann");
  await eventually("Redis has the conversation", async () => {
    const kept = String(await redis.command("GET", `{greenroom}:state:${session_id}`));
    const { call } = JSON.parse(new SealedTexts([]).open(session_id, kept));
    const { messages, pending, steps } = JSON.parse(call.state);
    return messages.length === 4 && pending === null && steps[0].outcome !== null;
  });
  const before = (await second.ask(`/sessions/${session_id}`)).body;
  await first.kill();
  await eventually("it is adopted", async () => (await whereIs(both, session_id)) === "second");
  await conversation.hears(second, "You said: still there?", "still there?");
  const { body } = await second.ask(`/sessions/${session_id}`);
  t.like(body, { session_id, state: "live", resumes: 1, session_started_at: before.session_started_at });
  t.is(conversation.said.filter((words) => words === "Hello there.").length, 1);
  await conversation.hears(second, "Done: charged once", "charge");
  const metrics = (await second.ask(`/sessions/${session_id}/metrics`)).body;
  t.true(metrics.metrics.llm_latency_ms__avg !== null);
  t.is(await second.metric("greenroom_session_resumes_total", 'where="adopted"'), 1);
  t.is((await second.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" })).status, 204);
  t.is((await second.ask(`/sessions/${session_id}`)).body.end_reason, "closed");
  t.is(await second.metric("greenroom_sessions_ended_total", 'reason="lost"'), 0);
});

test("a replica drains: its session goes on in the other one, and its own process is gone", async (t) => {
  const both = await replicas(t);
  const { first, second } = both;
  const { session_id } = await first.start();
  const conversation = new Conversation(t, session_id);
  await conversation.hears(first, "You said: my name is Ann", "my name is Ann");
  const exit = first.drain();
  await eventually("it is handed over", async () => (await whereIs(both, session_id)) === "second");
  t.is(await exit, 0);
  await conversation.hears(second, "You said: still there?", "still there?");
  t.deepEqual(conversation.said, ["Hello there.", "You said: my name is Ann", "You said: still there?"]);
  t.deepEqual(
    conversation.kinds.filter((kind) => kind === "interrupted" || kind === "resumed" || kind === "end"),
    ["interrupted", "resumed"],
  );
  t.is(await second.metric("greenroom_session_resumes_total", 'where="handed_over"'), 1);
  await second.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
});
