/* The words of the agent's own code, and those that a backend asks for, where another agent takes up the call. */
import test, { type ExecutionContext } from "ava";
import { handoff, Tools } from "greenroom";
import * as testing from "greenroom/testing";
import { writeCallState } from "../../../src/agent/resume/call-state.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";

/** Opens a call whose state is kept. */
async function inCall(
  t: ExecutionContext,
  options: ConstructorParameters<typeof HostedAgent>[0],
  before = "",
) {
  const told = { state: "" };
  const heard = { turnId: "", text: "" };
  const hosted = new HostedAgent(
    { restore: true, resumeLine: null, ...options },
    {
      state: (state) => {
        told.state = state ?? "";
      },
      ...(before === ""
        ? {}
        : { resumption: { reason: "crashed", times: 1, state: before, heard, rests: false } as const }),
    },
  );
  t.teardown(() => hosted.agent.close());
  await hosted.join();
  return { hosted, told };
}

const say = (text: string) => ({ about: "say", text, interrupt: false, interruptible: true }) as const;

test("words and instructions of a backend that wait are said by the agent that takes up the call", async (t) => {
  const llm = new testing.LLM({ replies: [[{ text: "I begin" }, { hang: true }]] });
  const { hosted, told } = await inCall(t, { llm });
  void hosted.agent.finish();
  hosted.type("Begin");
  await eventually("it speaks", () =>
    hosted.events.some((event) => event.type === "transcript" && event.role === "agent"),
  );
  t.like(await hosted.handle.answer(say("Your order has left.")), { outcome: "given" });
  t.like(await hosted.handle.answer({ about: "respond", instruction: "Ask for the address" }), {
    outcome: "given",
  });
  const next = new testing.LLM({ replies: ["I begin again.", "Where do you live?"] });
  const { hosted: after } = await inCall(t, { llm: next }, told.state);
  await eventually("all is said", () => after.said.length === 3);
  t.deepEqual(after.said, ["I begin again.", "Your order has left.", "Where do you live?"]);
  t.like(next.requests[1]?.messages.at(-1), { role: "instruction", text: "Ask for the address" });
});

test("words of a backend that are cut by the end of a thread are said to their end by the next", async (t) => {
  const { hosted, told } = await inCall(t, {
    edge: Object.assign(new testing.Edge({ speed: 1 }), { rejoins: true }),
    stt: new testing.STT(),
    tts: new testing.TTS(),
  });
  void hosted.agent.finish();
  const text = `Your order has left. ${"It is on its way to you. ".repeat(40)}`.trim();
  t.like(await hosted.handle.answer(say(text)), { outcome: "given" });
  await eventually("the state has them", () => told.state.includes("has left"));
  const { hosted: after } = await inCall(t, {}, told.state);
  await eventually("they are said", () => after.said.length === 1);
  t.deepEqual(after.said, [text]);
});

test("many long words that wait do not keep the call from being taken up", (t) => {
  const waiting = Array.from({ length: 100 }, (_, index) => ({
    origin: "say" as const,
    text: `${index} ${"x".repeat(8_000)}`,
    owed: true,
  }));
  const state = writeCallState({
    messages: [],
    pending: null,
    waiting,
    turns: 0,
    tasks: [],
    handle: null,
    steps: [],
    role: { name: null, instructions: null },
    data: {},
    spent: { tokens: 0, characters: 0 },
    hints: null,
  });
  const kept = (JSON.parse(state ?? "{}") as { waiting: typeof waiting }).waiting;
  t.true(kept.length > 10);
  t.deepEqual(kept, waiting.slice(0, kept.length));
});

test("a role and instructions that joinCall gives the agent are not given again where they have changed since", async (t) => {
  const tools = new Tools();
  tools.registerFunction({ name: "connect", description: "Connects", execute: () => handoff("billing") });
  const entered: string[] = [];
  const roles = {
    greeter: { onEnter: () => entered.push("greeter") },
    billing: { onEnter: () => entered.push("billing") },
  };
  /** What joinCall of the agent does once it has joined. */
  const ownCode = async ({ agent }: HostedAgent) => {
    agent.become("greeter");
    agent.instruct("Greet in French.");
    await agent.say("Bonjour.");
    void agent.finish();
  };
  const llm = new testing.LLM({ replies: [[{ call: "connect" }], "Billing here."] });
  const { hosted, told } = await inCall(t, { llm, tools, roles });
  await ownCode(hosted);
  hosted.type("My bill");
  await eventually("billing answers", () => hosted.said.includes("Billing here."));
  t.like(await hosted.handle.answer({ about: "change", instructions: "Be brief." }), { outcome: "given" });

  const next = new testing.LLM();
  const { hosted: after } = await inCall(t, { llm: next, tools, roles }, told.state);
  await ownCode(after);
  t.is(after.agent.role, "billing");
  t.is(after.agent.instructions, "Be brief.");
  // From here on it changes as ever.
  after.agent.become("greeter");
  t.is(after.agent.role, "greeter");
  await eventually("the functions of the roles were called", () => entered.length === 3);
  t.deepEqual(entered, ["greeter", "billing", "greeter"]);
  t.deepEqual(after.said, []);
});
