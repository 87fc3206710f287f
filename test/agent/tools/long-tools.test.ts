import test from "ava";
import type { FunctionContext, Message } from "greenroom";
import * as testing from "greenroom/testing";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { VoiceCall } from "../../fixtures/voice/voice-call.ts";

const turnsOf = ({ events }: HostedAgent) => events.filter((event) => event.type === "turn");
const toolsOf = ({ events }: HostedAgent) => events.filter((event) => event.type === "tool");
const textsOf = (messages: readonly Message[] = []) =>
  messages.map((message) =>
    "text" in message ? message.text : message.results.map(({ output }) => output).join(),
  );

/** A function that ends by hand. */
function byHand() {
  const calls: {
    readonly context: FunctionContext;
    readonly end: (value: unknown) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const execute = (_: unknown, context: FunctionContext) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    calls.push({ context, end: resolve, fail: reject });
    return promise;
  };
  return { calls, execute };
}

test("words are said while a function takes long, and stand before its call in the conversation", async (t) => {
  const { calls, execute } = byHand();
  const llm = new testing.LLM({ replies: [[{ text: "Let me see." }, { call: "look" }], "It is there."] });
  llm.registerFunction({
    name: "look",
    description: "Looks",
    filler: { afterMs: 1, say: "One moment, please." },
    execute,
  });
  const call = await VoiceCall.with(t, { llm });
  (await call.ear("alice")).say("Is it there?");
  await eventually("the filler is spoken", () =>
    call.tts.spoken.some(({ text }) => text.includes("One moment")),
  );
  calls[0]?.end("yes");
  await call.turnsOver(1);
  t.deepEqual(call.transcript.at(-1), "agent: Let me see. One moment, please. It is there.");
  t.deepEqual(textsOf(llm.requests[1]?.messages), [
    "Is it there?",
    "Let me see. One moment, please. ",
    "yes",
  ]);
});

test("nothing is said where the function is quick; of two that are slow, one", async (t) => {
  const { calls, execute } = byHand();
  const llm = new testing.LLM({
    replies: [[{ call: "quick" }], "Done.", [{ call: "slow" }, { call: "slow" }], "Done again."],
  });
  llm.registerFunction({
    name: "quick",
    description: "Is quick",
    filler: { afterMs: 60_000, say: "One moment." },
    execute: () => "ok",
  });
  llm.registerFunction({
    name: "slow",
    description: "Is slow",
    filler: { afterMs: 1, say: async () => "One moment." },
    execute,
  });
  const hosted = await new HostedAgent({ llm }).join();
  hosted.type("quick");
  await eventually("the first turn is over", () => turnsOf(hosted).length === 1);
  hosted.type("slow");
  await eventually("the filler is said", () =>
    hosted.events.some((event) => event.type === "transcript" && event.delta?.includes("One moment.")),
  );
  for (const { end } of calls) end("ok");
  await eventually("the second turn is over", () => turnsOf(hosted).length === 2);
  t.deepEqual(hosted.said, ["Done.", "One moment. Done again."]);
});

test("a filler that cannot be made is logged, and the function goes on", async (t) => {
  const { calls, execute } = byHand();
  const llm = new testing.LLM({ replies: [[{ call: "slow" }], "Done."] });
  llm.registerFunction({
    name: "slow",
    description: "Is slow",
    filler: {
      afterMs: 0,
      say: () => {
        throw new Error("no words");
      },
    },
    execute,
  });
  const hosted = await new HostedAgent({ llm }).join();
  hosted.type("slow");
  await eventually("it is logged", () =>
    hosted.logged.some(([fields]) => "event" in fields && fields.event === "tool_filler_failed"),
  );
  calls[0]?.end("ok");
  await eventually("the turn is over", () => turnsOf(hosted).length === 1);
  t.deepEqual(hosted.said, ["Done."]);
});

/** An agent whose function `order` runs on at once. */
async function ordering(
  replies: ConstructorParameters<typeof testing.LLM>[0],
  options: { readonly timeoutMs?: number } = {},
) {
  const { calls, execute } = byHand();
  const llm = new testing.LLM(replies);
  llm.registerFunction({ name: "order", description: "Orders", runOnAfterMs: 0, execute, ...options });
  const hosted = await new HostedAgent({ llm }).join();
  return { hosted, llm, calls };
}

test("a function runs on while the conversation goes on, and its result is told when it is there", async (t) => {
  const { hosted, llm, calls } = await ordering({
    replies: [[{ call: "order" }], "It is under way.", "Nice weather.", "Your order is there."],
  });
  hosted.type("Order a pizza");
  await eventually("the first turn is over", () => turnsOf(hosted).length === 1);
  t.regex(textsOf(llm.requests[1]?.messages).at(-1) ?? "", /^This takes longer, and runs on as task_1\./);
  t.deepEqual(
    llm.requests[0]?.functions.map(({ name }) => name),
    ["order", "check_task", "cancel_task"],
  );
  hosted.type("How is the weather?");
  await eventually("the conversation goes on", () => turnsOf(hosted).length === 2);
  t.deepEqual(toolsOf(hosted), []);
  calls[0]?.end({ number: 7 });
  await eventually("the result is told", () => turnsOf(hosted).length === 3);
  t.deepEqual(hosted.said, ["It is under way.", "Nice weather.", "Your order is there."]);
  t.regex(
    textsOf(llm.requests.at(-1)?.messages).at(-1) ?? "",
    /task_1, "order", is done\. Its result: \{"number":7\}/,
  );
  t.like(toolsOf(hosted), [{ name: "order", ok: true }]);
});

test("one that fails, or takes too long, is told too", async (t) => {
  const { hosted, llm, calls } = await ordering({
    replies: [[{ call: "order" }], "Under way.", "It has failed."],
  });
  hosted.type("Order");
  await eventually("it runs", () => turnsOf(hosted).length === 1);
  calls[0]?.fail(new Error("a secret of the kitchen"));
  await eventually("it is told", () => turnsOf(hosted).length === 2);
  const told = textsOf(llm.requests.at(-1)?.messages).at(-1) ?? "";
  t.regex(told, /task_1, "order", has failed\. Its error: The function failed for a technical reason\./);
  t.like(toolsOf(hosted), [{ ok: false }]);

  const late = await ordering({ replies: [[{ call: "order" }], "Under way."] }, { timeoutMs: 20 });
  late.hosted.type("Order");
  await eventually("it is told", () => turnsOf(late.hosted).length === 2);
  t.true(late.calls[0]?.context.signal.aborted);
  t.like(toolsOf(late.hosted), [{ ok: false, error: "timeout" }]);
});

test("the model asks how far it has come, and gives it up where nobody wants it any more", async (t) => {
  const { hosted, llm, calls } = await ordering({
    replies: [
      [{ call: "order" }],
      "Under way.",
      [{ call: "check_task", arguments: { task: "task_1" } }],
      "It is in the oven.",
      [{ call: "cancel_task", arguments: { task: "task_1" } }],
      "Cancelled.",
      [{ call: "check_task", arguments: { task: "task_1" } }],
      "Nothing runs.",
    ],
  });
  hosted.type("Order");
  await eventually("it runs", () => turnsOf(hosted).length === 1);
  calls[0]?.context.progress("in the oven");
  for (const [index, text] of ["Where is it?", "I do not want it", "Where is it?"].entries()) {
    hosted.type(text);
    await eventually("it has answered", () => turnsOf(hosted).length === index + 2);
  }
  const results = llm.requests.flatMap(({ messages }) => {
    const last = messages.at(-1);
    return last?.role === "tools" ? [last.results[0]?.output] : [];
  });
  t.deepEqual(results.slice(1), [
    '{"task":"task_1","status":"running","progress":"in the oven"}',
    '{"task":"task_1","status":"cancelled"}',
    "No task task_1 runs. Running: none",
  ]);
  t.true(calls[0]?.context.signal.aborted);
  // Nothing more comes of it.
  calls[0]?.end("late");
  await hosted.agent.say("Goodbye.");
  t.is(hosted.said.at(-1), "Goodbye.");
  t.is(turnsOf(hosted).length, 5);
});

test("one that is quick enough is a plain function; a turn that is cut before gives it up", async (t) => {
  const { calls, execute } = byHand();
  const llm = new testing.LLM({ replies: [[{ call: "order" }], "Done.", [{ call: "order" }], "Cut."] });
  llm.registerFunction({ name: "order", description: "Orders", runOnAfterMs: 60_000, execute });
  const hosted = await new HostedAgent({ llm }).join();
  hosted.type("Order");
  await eventually("it is called", () => calls.length === 1);
  calls[0]?.end("ordered");
  await eventually("it has answered", () => turnsOf(hosted).length === 1);
  t.deepEqual(textsOf(llm.requests[1]?.messages).at(-1), "ordered");
  hosted.type("Order again");
  await eventually("it is called again", () => calls.length === 2);
  t.true(hosted.agent.interrupt());
  await eventually("it is given up", () => calls[1]?.context.signal.aborted === true);
  t.is(turnsOf(hosted).at(-1)?.outcome, "interrupted");
});

test("the end of the conversation gives up all that run", async (t) => {
  const { hosted, calls } = await ordering({ replies: [[{ call: "order" }], "Under way."] });
  hosted.type("Order");
  await eventually("it runs", () => turnsOf(hosted).length === 1);
  await hosted.agent.close();
  t.true(calls[0]?.context.signal.aborted);
});

test("the agent that takes up a call tells the model of tasks that were cut off", async (t) => {
  let state = "";
  const llm = new testing.LLM({ replies: [[{ call: "order" }], "Under way."] });
  llm.registerFunction({ name: "order", description: "Orders", runOnAfterMs: 0, execute: byHand().execute });
  const before = new HostedAgent({ llm, restore: true }, { state: (told) => (state = told ?? "") });
  await before.join();
  before.type("Order");
  await eventually("the state tells of it", () => state.includes('"tasks":[{"id":"task_1","name":"order"}]'));
  await before.agent.close();
  const next = new testing.LLM();
  const after = new HostedAgent(
    { llm: next },
    { resumption: { reason: "crashed", times: 1, state, heard: { turnId: "", text: "" }, rests: false } },
  );
  await after.join();
  t.teardown(() => after.agent.close());
  after.type("Is it there?");
  await eventually("it has answered", () => turnsOf(after).length > 0);
  t.true(
    textsOf(next.requests[0]?.messages).some((text) =>
      text.startsWith('(Tasks were cut off: task_1, "order".'),
    ),
  );
});

test("what a function cannot be is refused where it is registered", (t) => {
  const llm = new testing.LLM();
  const register = (parts: object) => () =>
    llm.registerFunction({ name: "x", description: "x", execute: () => {}, ...parts } as never);
  t.throws(register({ filler: { afterMs: -1, say: "x" } }), { message: /filler\.afterMs must be/ });
  t.throws(register({ filler: { says: "x" } }), { message: /filler/ });
  t.throws(register({ runOnAfterMs: "soon" }), { message: /runOnAfterMs must be/ });
  t.throws(register({ timeoutMs: 0 }), { message: /timeoutMs must be/ });
});
