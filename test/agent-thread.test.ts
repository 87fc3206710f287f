import test from "ava";
import { AgentThread } from "./fixtures/agent-thread.ts";

const defaultAgent = new URL("../workers/default-agent.ts", import.meta.url).href;

test("a session goes from warm to ended", async (t) => {
  const thread = new AgentThread(t, defaultAgent);
  await thread.next("warm");
  await thread.join();
  thread.type("What is the weather in Paris and Rome?", "m1");
  const { turnId } = await thread.event("transcript", (event) => event.messageId === "m1");
  const turn = await thread.event("turn", (event) => event.turnId === turnId);
  t.is(turn.outcome, "done");
  t.is(turn.toolCalls, 2);
  thread.close();
  await thread.next("ended");
  t.log(
    thread.said.slice(0, 12),
    thread.events.filter((e) => e.type === "transcript" && e.final),
  );
  t.deepEqual(thread.course, ["warm", "entered", "created", "joined", "ended"]);
});
