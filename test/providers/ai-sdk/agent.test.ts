import test, { type ExecutionContext } from "ava";
import type { JsonObject } from "greenroom";
import { startVendors, type VendorStep } from "../../emulators/vendors.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";

/** An agent in a real session thread that talks to the emulator of the vendors. */
async function join(t: ExecutionContext, config: JsonObject = {}) {
  const emulator = await startVendors();
  t.teardown(() => emulator.close());
  const thread = new AgentThread(t, agentUrl("providers/ai-sdk"));
  await thread.join({ baseUrl: emulator.url, ...config });
  const say = (text: string) => thread.say(text);
  return { emulator, thread, say };
}

const weather = (...places: readonly string[]): VendorStep[] => [
  { reasoning: "I have to look." },
  { text: "One moment." },
  { calls: places.map((location) => ({ name: "get_weather", args: { location } })) },
];

/** Answers with calls while the conversation has no results of tools. */
const once =
  (...places: readonly string[]) =>
  (body: object): VendorStep[] =>
    /tool_result|"role":"tool"/.test(JSON.stringify(body))
      ? [{ text: "It is fine there." }]
      : weather(...places);

test("an agent calls tools in parallel, and gives signed reasoning back", async (t) => {
  const { emulator, say, thread } = await join(t);
  emulator.script = once("Paris", "Atlantis");
  t.like(await say("What is the weather in Paris and Atlantis?"), { outcome: "done", toolCalls: 2 });
  t.like(await say("Thanks"), { outcome: "done" });
  // The emulator takes signatures only as it gave them, and answers 400 otherwise.
  t.is(emulator.log.of("request").length, 3);
  t.like(thread.measured("llm")[0], { provider: "anthropic", model: "claude-haiku-4-5", outcome: "done" });
});

test("a failure fails the turn, not the call", async (t) => {
  const { emulator, say, thread } = await join(t);
  const busy = { kind: "status", status: 529, code: "overloaded_error", message: "Overloaded" } as const;
  emulator.faults.push(busy, busy, busy);
  const turn = await say("Hi!");
  t.is(turn.outcome, "failed");
  t.is(turn.error?.message, "anthropic answered 529 overloaded_error: Overloaded");
  t.like(await say("Hello!"), { outcome: "done" });
  t.like(thread.measured("error"), [{ component: "llm", provider: "anthropic", error: "overloaded_error" }]);
});

test("a session that closes in the middle of an answer closes the response", async (t) => {
  const { emulator, thread } = await join(t);
  emulator.slow = true;
  emulator.script = () => [{ text: "word ".repeat(10_000) }];
  thread.type("Talk");
  await emulator.log.seen("first_byte");
  thread.close();
  await emulator.log.seen("aborted");
  t.is((await thread.next("ended")).type, "ended");
});

test("a conversation continues with another vendor in the middle of a tool round", async (t) => {
  const { emulator, say } = await join(t, { first: "anthropic" });
  const answer = once("Rome");
  let asked = 0;
  emulator.script = (body) => {
    const busy = { kind: "status", status: 529, code: "overloaded_error" } as const;
    if (++asked === 1) emulator.faults.push(busy, busy, busy);
    return answer(body);
  };
  t.like(await say("What is the weather in Rome?"), { outcome: "done", toolCalls: 1 });
  const paths = emulator.log.of("request").map(({ path }) => String(path).split("/")[1]);
  t.deepEqual(paths, ["anthropic", "anthropic", "anthropic", "anthropic", "mistral"]);
});

test.serial(
  "the agent of docs/voice.md greets, with the key and the address of the environment",
  async (t) => {
    const emulator = await startVendors();
    t.teardown(() => emulator.close());
    emulator.script = () => [{ reasoning: "A greeting." }, { text: "Hello, friend!" }];
    process.env.OPENAI_BASE_URL = `${emulator.url}/openai/v1`;
    process.env.OPENAI_API_KEY = "right-key";
    t.teardown(() => {
      delete process.env.OPENAI_BASE_URL;
      delete process.env.OPENAI_API_KEY;
    });
    const thread = new AgentThread(t, new URL("../../../examples/ai-sdk-agent.ts", import.meta.url).href);
    await thread.join();
    const said = await thread.event("transcript", (event) => event.role === "agent" && event.final);
    t.is(said.text, "Hello, friend!");
    t.like(emulator.log.of("request")[0]?.body, {
      model: "gpt-5-mini",
      reasoning: { effort: "minimal" },
    } as object);
  },
);
