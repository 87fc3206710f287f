import test from "ava";
import type { Message, ToolResult } from "greenroom";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { type Script, script } from "../../fixtures/scripted-llm.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";

const scripted = agentUrl("scripted");

/** Lets the model do this, and returns its turn and the words that it ends with, which are JSON. */
async function perform(thread: AgentThread, ...rounds: Script) {
  thread.type(script(...rounds), "m");
  const { turnId } = await thread.event("transcript", ({ messageId }) => messageId === "m");
  const turn = await thread.event("turn", (event) => event.turnId === turnId);
  const words = thread.events.find(
    (event) =>
      event.type === "transcript" && event.role === "agent" && event.final && event.turnId === turnId,
  );
  const text = words?.type === "transcript" ? (words.text ?? "") : "";
  const json = text.indexOf("[");
  return { turn, text, messages: (json < 0 ? [] : JSON.parse(text.slice(json))) as Message[] };
}

const resultsIn = (messages: readonly Message[]): ToolResult[] =>
  messages.flatMap((message) => (message.role === "tools" ? message.results : []));

test("a zod schema types, checks and fills in the arguments", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const { messages } = await perform(thread, [
    { call: "add", arguments: { a: 2 } },
    { call: "add", arguments: { a: "two", b: 1 } },
    { call: "add", arguments: null },
  ]);
  const [right, wrong, none] = resultsIn(messages);
  t.deepEqual(right, { callId: "0-0", name: "add", ok: true, output: '{"sum":3}', format: "json" });
  t.false(wrong?.ok);
  t.regex(wrong?.output ?? "", /^Invalid arguments: a: .*number/);
  t.regex(none?.output ?? "", /^Invalid arguments: .*object/);
});

test("a plain JSON schema checks the arguments", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const { messages } = await perform(thread, [
    { call: "echo", arguments: { word: "hello" } },
    { call: "echo", arguments: { times: 1.5 } },
    { call: "echo", arguments: "hello" },
  ]);
  t.deepEqual(
    resultsIn(messages).map(({ output }) => output),
    [
      "hello",
      "Invalid arguments: word: missing; times: expected integer, received number",
      "Invalid arguments: arguments: expected object, received string",
    ],
  );
});

test("the model is told of tools that throw and of tools that do not exist", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const { turn, messages } = await perform(thread, [{ call: "break" }, { call: "fly" }]);
  const [broken, unknown] = resultsIn(messages);
  t.like(broken, { ok: false, output: "The function failed for a technical reason." });
  t.is(
    unknown?.output,
    'There is no function named "fly". Functions: add, echo, break, hang, shout, meet, peak',
  );
  t.is(turn.outcome, "done");
  t.is(turn.toolCalls, 2);
  const errors = thread.said.flatMap((said) =>
    said.type === "measured" && said.measurement.kind === "error" ? [said.measurement.error] : [],
  );
  t.deepEqual(errors.sort(), ["other", "unknown_function"]);
});

test("calls of one round run in parallel, and their results keep the order of the calls", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const { messages } = await perform(thread, [
    { call: "meet" },
    { call: "echo", arguments: { word: "between" } },
    { call: "meet" },
    { call: "meet" },
  ]);
  t.deepEqual(
    resultsIn(messages).map(({ callId, output }) => [callId, output]),
    [
      ["0-0", "met"],
      ["0-1", "between"],
      ["0-2", "met"],
      ["0-3", "met"],
    ],
  );
});

test("no more calls run at the same time than may, and no more are taken than may", async (t) => {
  const limits = { maxParallelTools: 2, maxToolCallsPerRound: 5 };
  const thread = await new AgentThread(t, scripted).join({ limits });
  const { messages } = await perform(
    thread,
    Array.from({ length: 7 }, () => ({ call: "peak" })),
  );
  t.deepEqual(
    resultsIn(messages).map(({ output }) => output),
    ["2", "2", "2", "2", "2"],
  );
});

test("a tool that hangs is given up, and the model is told", async (t) => {
  const thread = await new AgentThread(t, scripted).join({ limits: { toolTimeoutMs: 50 } });
  const { messages } = await perform(thread, [{ call: "hang" }]);
  t.is(resultsIn(messages)[0]?.output, "The tool hang took longer than 50 ms");
  const tool = await thread.event("tool");
  t.false(tool.ok);
});

test("the output of a tool is cut", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const { messages } = await perform(thread, [{ call: "shout" }]);
  t.is(resultsIn(messages)[0]?.output.length, 60_000);
});

test("rounds of tools are bounded: after the last one the model has to answer", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const again = [{ call: "echo", arguments: { word: "again" } }];
  const { turn, text } = await perform(thread, again, again, again, [{ text: "enough" }, ...again], again);
  t.is(text, "enough");
  t.is(turn.toolCalls, 3);
  t.is(turn.outcome, "done");
});

test("what the provider attached to a call comes back with it", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const providerData = { thoughtSignature: "c2ln" };
  const { messages } = await perform(thread, [
    { text: "One moment. " },
    { call: "echo", arguments: { word: "x" }, providerData },
  ]);
  t.like(messages[0], { role: "agent", text: "One moment. " });
  const [first] = messages.flatMap((message) => (message.role === "agent" ? message.toolCalls : []));
  t.deepEqual(first?.providerData, providerData);
});

test("an event tells of what class the failure of a tool is, and nothing that it says", async (t) => {
  const thread = await new AgentThread(t, scripted).join({ limits: { toolTimeoutMs: 50 } });
  await perform(thread, [
    { call: "add", arguments: { a: 1 } },
    { call: "break", arguments: {} },
    { call: "hang", arguments: {} },
    { call: "add", arguments: { a: "two" } },
    { call: "nothing", arguments: {} },
  ]);
  const failures = thread.events.flatMap((event) => (event.type === "tool" ? [[event.ok, event.error]] : []));
  t.deepEqual(failures.toSorted(), [
    [false, "Error"],
    [false, "bad_arguments"],
    [false, "timeout"],
    [false, "unknown_function"],
    [true, undefined],
  ]);
});
