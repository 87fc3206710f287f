import test, { type ExecutionContext } from "ava";
import type { JsonObject } from "greenroom";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";

/** An agent in a real session thread that talks to the emulator. */
async function join(t: ExecutionContext, config: JsonObject = {}) {
  const { emulator, bodies } = await geminiStage(t);
  const thread = new AgentThread(t, agentUrl("providers/gemini"));
  await thread.join({ baseUrl: emulator.url, ...config });
  const say = (text: string) => thread.say(text);
  return { emulator, bodies, thread, say };
}

test("an agent calls tools of Gemini in parallel, and remembers the call", async (t) => {
  const { emulator, bodies, thread, say } = await join(t);
  const turn = await say("What is the weather in Paris and Atlantis?");
  t.like(turn, { outcome: "done", toolCalls: 2 });
  t.regex(thread.lastWords, /^In Paris it is .* degrees/);
  t.like(await say("Thanks"), { outcome: "done" });
  // The emulator takes signatures only as it gave them, and answered 400 otherwise.
  t.is(bodies().length, 3);
  t.is(bodies()[2]?.contents?.length, 5);
  // That which was opened ahead, and one more where the first words came sooner.
  t.true(emulator.connections <= 2);
  const measured = thread.measured("llm");
  t.is(measured.length, 2);
  t.like(measured[0], { provider: "gemini", model: "gemini-3.1-flash-lite", outcome: "done" });
  t.true(measured[0]!.inputTokens > 0 && measured[0]!.outputTokens > 0);
});

test("a failure of Gemini fails the turn, not the call", async (t) => {
  const { emulator, thread, say } = await join(t);
  emulator.faults.add({ kind: "status", status: 503, times: 3 });
  const turn = await say("Hi!");
  t.is(turn.outcome, "failed");
  t.regex(turn.error?.message ?? "", /^Gemini answered 503 UNAVAILABLE/);
  t.like(await say("Hello!"), { outcome: "done" });
  const errors = thread.measured("error");
  t.like(errors, [{ component: "llm", provider: "gemini", error: "UNAVAILABLE" }]);
});

test("a session that closes in the middle of an answer closes the response", async (t) => {
  const { emulator, thread } = await join(t);
  emulator.delays = { handshakeMs: 0, firstTokenMs: 0, tokenMs: 5 };
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

test("a conversation continues with another model in the middle of a tool round", async (t) => {
  const { emulator, bodies, say } = await join(t, { first: "gemini-3-flash-preview" });
  const { script } = emulator;
  let asked = 0;
  emulator.script = (request, model) => {
    if (++asked === 1) emulator.faults.add({ kind: "status", status: 503 });
    return script(request, model);
  };
  t.like(await say("What is the weather in Rome?"), { outcome: "done", toolCalls: 1 });
  const paths = emulator.log.of("request").map(({ path }) => String(path).split(/[/:]/).at(-2));
  t.deepEqual(paths, ["gemini-3-flash-preview", "gemini-3-flash-preview", "gemini-3.1-flash-lite"]);
  // One model's signature is not shown to another.
  const sent = bodies()[2]?.contents?.[1]?.parts?.[0]?.thoughtSignature;
  t.is(sent, "skip_thought_signature_validator");
});
