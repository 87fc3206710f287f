import { randomUUID } from "node:crypto";
import { BroadcastChannel } from "node:worker_threads";
import test, { type ExecutionContext } from "ava";
import { agentUrl } from "../fixtures/agent-url.ts";
import { AgentThread } from "../fixtures/thread/agent-thread.ts";

/** Starts a thread, and returns it with what its agent tells in the order of the telling. */
function start(t: ExecutionContext) {
  const name = randomUUID();
  const channel = new BroadcastChannel(name);
  t.teardown(() => channel.close());
  const told: unknown[] = [];
  const first = Promise.withResolvers<unknown>();
  channel.onmessage = ({ data }: MessageEvent) => {
    told.push(data);
    first.resolve(data);
  };
  const thread = new AgentThread(t, `${agentUrl("imports/idle-preload")}?channel=${name}`);
  return { thread, told, first: first.promise };
}

test("a warm thread that waits for a session loads what a session may do without", async (t) => {
  const { thread, first } = start(t);
  await thread.next("warm");
  t.is(await first, "loaded");
});

test("a session that comes first is not kept waiting by it", async (t) => {
  const { thread, told, first } = start(t);
  thread.assign();
  t.is(await first, "session");
  await thread.next("failed");
  t.deepEqual(told, ["session"]);
});
