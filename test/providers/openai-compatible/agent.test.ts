import test, { type ExecutionContext } from "ava";
import type { JsonObject } from "greenroom";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";

/** An agent in a real session thread that talks to the emulator. */
async function join(t: ExecutionContext, config: JsonObject = {}) {
  const { emulator, bodies } = await openaiStage(t);
  const thread = new AgentThread(t, agentUrl("providers/openai-compatible"));
  await thread.join({ baseUrl: emulator.url, ...config });
  const say = (text: string) => thread.say(text);
  return { emulator, bodies, thread, say };
}

test("an agent calls tools in parallel, and remembers the call", async (t) => {
  const { emulator, bodies, say, thread } = await join(t);
  t.like(await say("What is the weather in Paris and Atlantis?"), { outcome: "done", toolCalls: 2 });
  t.regex(thread.lastWords, /^In Paris it is .* degrees/);
  t.like(await say("Thanks"), { outcome: "done" });
  // The emulator refuses results without their calls, and calls without results.
  t.deepEqual(
    bodies()[2]?.messages?.map(({ role }) => role),
    ["system", "user", "assistant", "tool", "tool", "assistant", "user"],
  );
  // That which was opened ahead, and one more where the first words came sooner.
  t.true(emulator.connections <= 2);
  const told = thread.measured("llm");
  t.is(told.length, 2);
  t.like(told[0], { provider: "openai-compatible", model: "emulated", outcome: "done" });
  t.true((told[0] as { inputTokens: number }).inputTokens > 0);
});

test("a failure of a service fails the turn, not the call", async (t) => {
  const { emulator, say, thread } = await join(t);
  emulator.faults.add({ kind: "status", status: 429, times: 3 });
  const turn = await say("Hi!");
  t.is(turn.outcome, "failed");
  t.regex(turn.error?.message ?? "", /answered 429 rate_limit_exceeded/);
  t.like(await say("Hello!"), { outcome: "done" });
  t.like(thread.measured("error"), [
    { component: "llm", provider: "openai-compatible", error: "rate_limit_exceeded" },
  ]);
});

test("a session that closes in the middle of an answer closes the response", async (t) => {
  const { emulator, thread } = await join(t);
  emulator.delays = { firstTokenMs: 0, tokenMs: 5 };
  emulator.script = () => [{ text: "word ".repeat(10_000) }];
  thread.type("Talk");
  await emulator.log.seen("first_byte");
  thread.close();
  await emulator.log.seen("aborted");
  await thread.next("ended");
  for (let count = 1; count <= emulator.connections; count++)
    await emulator.log.seen("connection_closed", count);
  t.is(emulator.openConnections, 0);
});

for (const order of ["gemini first", "gemini second"]) {
  test(`a conversation goes on with the other vendor in the middle of a tool round: ${order}`, async (t) => {
    const { emulator: google } = await geminiStage(t);
    const { emulator, say, thread } = await join(t, { gemini: google.url, order });
    const [first, second] = order === "gemini first" ? [google, emulator] : [emulator, google];
    const requests = () => [first, second].map(({ log }) => log.of("request").length);
    /** Has the first one fail with its next request. */
    const fail = () => first.faults.add({ kind: "status", status: 503 });
    const [ofGoogle, ofOther] = [google.script, emulator.script];
    const failsNext =
      <Given extends unknown[], Given2>(script: (...given: Given) => Given2) =>
      (...given: Given) => {
        fail();
        return script(...given);
      };
    // The first makes the calls, and fails behind them: the second answers with their results.
    if (order === "gemini first") google.script = failsNext(ofGoogle);
    else emulator.script = failsNext(ofOther);
    t.like(await say("What is the weather in Rome and Oslo?"), { outcome: "done", toolCalls: 2 });
    t.regex(thread.lastWords, /^In Rome it is .* degrees.* In Oslo it is/);
    t.deepEqual(requests(), [2, 1]);
    // Now the second makes a call. Each of them refuses ids and signatures that it does not know, whoever answers.
    google.script = ofGoogle;
    emulator.script = ofOther;
    fail();
    t.like(await say("And what is the weather in Berlin?"), { outcome: "done", toolCalls: 1 });
    t.regex(thread.lastWords, /^In Berlin it is/);
    t.true(requests()[1]! >= 2);
    t.like(await say("Thanks"), { outcome: "done" });
    const served = new Set(thread.measured("llm").map(({ provider }) => provider));
    t.true(served.has("gemini") && served.has("openai-compatible"));
  });
}
