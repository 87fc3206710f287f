/* Functions that run on, at bad moments: a turn that is cut, a thread that ends, results that cannot be told. */
import test, { type ExecutionContext } from "ava";
import { type FunctionContext, handoff, type Message, Tools } from "greenroom";
import * as testing from "greenroom/testing";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";

const turnsOf = ({ events }: HostedAgent) => events.filter((event) => event.type === "turn");
const textsOf = (messages: readonly Message[] = []) =>
  messages.map((message) =>
    "text" in message ? message.text : message.results.map(({ output }) => output).join(),
  );
const lastTo = (llm: testing.LLM) => textsOf(llm.requests.at(-1)?.messages).at(-1) ?? "";
const loggedBy = ({ logged }: HostedAgent, name: string) =>
  logged.filter(([fields]) => "event" in fields && fields.event === name);

/** Opens a call that is over when the test is. */
async function inCall(
  t: ExecutionContext,
  ...parts: ConstructorParameters<typeof HostedAgent>
): Promise<HostedAgent> {
  const hosted = new HostedAgent(...parts);
  t.teardown(() => hosted.agent.close());
  return hosted.join();
}

/** A function that ends by hand, each call by itself. */
class ByHand {
  readonly calls: { readonly context: FunctionContext; readonly end: (value: unknown) => void }[] = [];

  readonly execute = (_: unknown, context: FunctionContext): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.calls.push({ context, end: resolve });
    return promise;
  };

  registeredOn(
    llm: testing.LLM,
    options: { readonly runOnAfterMs?: number; readonly timeoutMs?: number } = {},
  ) {
    llm.registerFunction({
      name: "order",
      description: "Orders",
      runOnAfterMs: 0,
      execute: this.execute,
      ...options,
    });
    return this;
  }
}

/** Returns the host's part that keeps the state of the call, and what the next agent is given. */
function kept() {
  let state = "";
  return {
    host: {
      state: (told: string | null) => {
        state = told ?? "";
      },
    },
    get resumption() {
      const heard = { turnId: "", text: "" };
      return { resumption: { reason: "crashed", times: 1, state, heard, rests: false } as const };
    },
  };
}

test("the time limit counts from the call of a function, whether it runs on or not", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "order" }], "It has failed."] });
  new ByHand().registeredOn(llm, { timeoutMs: 20, runOnAfterMs: 60_000 });
  const hosted = await inCall(t, { llm });
  hosted.type("Order");
  await eventually("it is told", () => turnsOf(hosted).length === 1);
  t.is(lastTo(llm), "The tool order took longer than 20 ms");

  const other = new testing.LLM({ replies: [[{ call: "order" }], "Under way.", "It has failed."] });
  new ByHand().registeredOn(other, { timeoutMs: 60, runOnAfterMs: 1 });
  const runsOn = await inCall(t, { llm: other });
  runsOn.type("Order");
  await eventually("it is told", () => turnsOf(runsOn).length === 2);
  t.regex(lastTo(other), /has failed\. Its error: The tool order took longer than 60 ms/);
});

test("one that throws at once is a plain failure; a handoff that comes late is a failure of its task", async (t) => {
  const llm = new testing.LLM({
    replies: [[{ call: "broken" }], "It is broken.", [{ call: "order" }], "Under way.", "It has failed."],
  });
  const { calls } = new ByHand().registeredOn(llm);
  llm.registerFunction({
    name: "broken",
    description: "Throws",
    runOnAfterMs: 0,
    execute: () => {
      throw new Error("at once");
    },
  });
  const hosted = await inCall(t, { llm, roles: { billing: {} } });
  hosted.type("Break");
  await eventually("it is told", () => turnsOf(hosted).length === 1);
  t.is(lastTo(llm), "The function failed for a technical reason.");
  hosted.type("Order");
  await eventually("it runs on", () => turnsOf(hosted).length === 2);
  calls[0]?.end(handoff("billing"));
  await eventually("it is told", () => turnsOf(hosted).length === 3);
  t.regex(lastTo(llm), /has failed\. Its error: A function that ran on cannot hand the conversation over\./);
  t.is(hosted.agent.role, null);
  t.is(loggedBy(hosted, "tool_failed").length, 2);
});

test("results of tasks are told as those of other functions are, and the log says what could not be", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "order" }], "Under way.", "Done."] });
  const { calls } = new ByHand().registeredOn(llm);
  const hosted = await inCall(t, { llm });
  hosted.type("Order");
  await eventually("it runs on", () => turnsOf(hosted).length === 1);
  calls[0]?.end({ number: 12345678901234567890n, stream: new ReadableStream(), half: "\ud800" });
  await eventually("it is told", () => turnsOf(hosted).length === 2);
  t.true(
    lastTo(llm).includes('{"number":"12345678901234567890","stream":"(ReadableStream)","half":"\\ud800"}'),
  );
  t.true(lastTo(llm).isWellFormed());
  t.is(loggedBy(hosted, "tool_result_untold").length, 1);
});

test("a function of the agent's own that is named like one for tasks stays", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "check_task" }], "Done."] });
  new ByHand().registeredOn(llm);
  llm.registerFunction({ name: "check_task", description: "The agent's own", execute: () => "own" });
  const hosted = await inCall(t, { llm });
  hosted.type("Check");
  await eventually("it is answered", () => turnsOf(hosted).length === 1);
  t.is(turnsOf(hosted)[0]?.outcome, "done");
  t.is(lastTo(llm), "own");
  t.deepEqual(
    llm.requests[0]?.functions.map(({ name }) => name),
    ["order", "check_task", "cancel_task"],
  );
});

test("a role that none of its own functions makes tasks can give up the task of the role before", async (t) => {
  const tools = new Tools();
  tools.registerFunction({ name: "hand_over", description: "Hands over", execute: () => handoff("billing") });
  const hand = new ByHand();
  tools.registerFunction({ name: "order", description: "Orders", runOnAfterMs: 0, execute: hand.execute });
  const llm = new testing.LLM({
    replies: [
      [{ call: "order" }],
      [{ call: "hand_over" }],
      "Billing here.",
      [{ call: "cancel_task", arguments: { task: "task_1" } }],
      "Cancelled.",
    ],
  });
  const hosted = await inCall(t, { llm, tools, roles: { billing: { tools: new Tools() } } });
  hosted.type("Order, and connect me");
  await eventually("it is handed over", () => turnsOf(hosted).length === 2);
  hosted.type("I do not want it any more");
  await eventually("it is given up", () => turnsOf(hosted).length === 3);
  t.true(hand.calls[0]?.context.signal.aborted);
});

test("many at once: some run on, the answer waits for the others, and each result is told once", async (t) => {
  const llm = new testing.LLM({
    replies: [Array.from({ length: 60 }, () => ({ call: "order" }) as const), "Done."],
    otherwise: "Told.",
  });
  const { calls } = new ByHand().registeredOn(llm);
  const hosted = await inCall(t, { llm });
  hosted.type("Order all");
  await eventually("the answer waits", () => calls.length >= 24);
  let ended = 0;
  while (turnsOf(hosted).length === 0) {
    for (; ended < calls.length; ended += 1) calls[ended]?.end(`number ${ended}`);
    await new Promise(setImmediate);
  }
  // Those that run on.
  for (; ended < calls.length; ended += 1) calls[ended]?.end(`number ${ended}`);
  const told = () => llm.requests.filter(({ messages }) => textsOf(messages).at(-1)?.startsWith("(The task"));
  await eventually("all are over", () => hosted.events.filter(({ type }) => type === "tool").length === 60);
  const [results] =
    llm.requests[1]?.messages.flatMap((one) => (one.role === "tools" ? [one.results] : [])) ?? [];
  const tasks = results?.filter(({ output }) => output.includes("runs on as")).length ?? 0;
  await eventually("each task is told", () => turnsOf(hosted).length === tasks + 1);
  t.is(results?.length, 60);
  t.is(told().length, tasks);
});

test("the end of a task that waits for another turn is told by the agent that takes up the call", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "order" }], "Under way.", [{ hang: true }]] });
  const { calls } = new ByHand().registeredOn(llm);
  const keeps = kept();
  const before = await inCall(t, { llm, restore: true }, keeps.host);
  before.type("Order");
  await eventually("it runs on", () => turnsOf(before).length === 1);
  before.type("And what else is there?");
  await eventually("another turn has begun", () => llm.requests.length === 3);
  calls[0]?.end("number 7");
  await eventually("the state has the result", () => keeps.resumption.resumption.state.includes("number 7"));

  const next = new testing.LLM({ replies: ["There is more.", "Your number is 7."] });
  const after = await inCall(t, { llm: next }, keeps.resumption);
  await eventually("both are answered", () => after.said.length === 3);
  t.deepEqual(after.said.slice(1), ["There is more.", "Your number is 7."]);
  t.regex(lastTo(next), /task_1, "order", is done\. Its result: number 7/);
});

test("the end of a task that is cut while the agent tells it is told by the agent that takes up the call", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "order" }], "Under way.", [{ hang: true }]] });
  const { calls } = new ByHand().registeredOn(llm);
  const keeps = kept();
  const before = await inCall(t, { llm, restore: true }, keeps.host);
  before.type("Order");
  await eventually("it runs on", () => turnsOf(before).length === 1);
  calls[0]?.end("number 7");
  await eventually("it is being told", () => llm.requests.length === 3);

  const next = new testing.LLM({ replies: ["Your number is 7."] });
  const after = await inCall(t, { llm: next }, keeps.resumption);
  await eventually("it is told", () => after.said.includes("Your number is 7."));
  t.regex(lastTo(next), /task_1, "order", is done\. Its result: number 7/);
});

test("a task that is lost in the turn in which it began: the model learns it last, and new tasks have other ids", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "order" }], [{ hang: true }]] });
  new ByHand().registeredOn(llm);
  const keeps = kept();
  const before = await inCall(t, { llm, restore: true }, keeps.host);
  before.type("Order");
  await eventually("the model is told that it runs on", () => llm.requests.length === 2);

  const next = new testing.LLM({ replies: [[{ call: "order" }], "It was cut off."] });
  new ByHand().registeredOn(next);
  const after = await inCall(t, { llm: next, resumeLine: null }, keeps.resumption);
  await eventually("it is answered", () => after.said.includes("It was cut off."));
  const [asked, called, running, lost] = textsOf(next.requests[0]?.messages);
  t.deepEqual([asked, called], ["Order", ""]);
  t.regex(running ?? "", /runs on as task_1/);
  t.regex(lost ?? "", /^\(Tasks were cut off: task_1/);
  t.regex(lastTo(next), /runs on as task_2/);
});

test("words meanwhile that come too late, or never, are not said", async (t) => {
  const words = Promise.withResolvers<string>();
  const llm = new testing.LLM({ replies: [[{ call: "slow" }], "Done.", "Bye."] });
  const { calls, execute } = new ByHand();
  const asked = Promise.withResolvers<void>();
  llm.registerFunction({
    name: "slow",
    description: "Is slow",
    filler: {
      afterMs: 0,
      say: () => {
        asked.resolve();
        return words.promise;
      },
    },
    execute,
  });
  const hosted = await inCall(t, { llm });
  hosted.type("slow");
  await asked.promise;
  calls[0]?.end("ok");
  await eventually("the turn is over", () => turnsOf(hosted).length === 1);
  words.resolve("One moment.");
  await words.promise;
  hosted.type("Goodbye");
  await eventually("the next is over", () => turnsOf(hosted).length === 2);
  t.deepEqual(hosted.said, ["Done.", "Bye."]);
});

test("an agent that is cut short while it says words meanwhile has said these, and calls nothing more", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "slow" }], "Yes?"] });
  const { calls, execute } = new ByHand();
  llm.registerFunction({
    name: "slow",
    description: "Is slow",
    filler: { afterMs: 0, say: "One **moment**, please." },
    execute,
  });
  const hosted = await inCall(t, { llm });
  hosted.type("slow");
  await eventually("the words are said", () =>
    hosted.events.some((event) => event.type === "transcript" && event.delta?.includes("moment")),
  );
  t.true(hosted.agent.interrupt());
  t.true(calls[0]?.context.signal.aborted);
  hosted.type("Wait");
  await eventually("it goes on", () => turnsOf(hosted).length === 2);
  t.deepEqual(hosted.said, ["One **moment**, please. ", "Yes?"]);
  t.deepEqual(textsOf(llm.requests.at(-1)?.messages), ["slow", "One **moment**, please. ", "Wait"]);
});

test("a turn that is cut while one of its tools runs: the model knows those that were carried out, and those that run on", async (t) => {
  const llm = new testing.LLM({
    replies: [[{ call: "charge" }, { call: "order" }, { call: "slow" }], "Yes?"],
  });
  const { calls } = new ByHand().registeredOn(llm);
  const slow = new ByHand();
  llm.registerFunction({ name: "charge", description: "Charges", execute: () => "charged" });
  llm.registerFunction({ name: "slow", description: "Is slow", execute: slow.execute });
  const keeps = kept();
  const hosted = await inCall(t, { llm, restore: true }, keeps.host);
  hosted.type("Order and pay");
  await eventually("it runs on", () => keeps.resumption.resumption.state.includes("runs on as task_1"));
  t.true(hosted.agent.interrupt());
  t.true(slow.calls[0]?.context.signal.aborted);
  t.false(calls[0]?.context.signal.aborted);
  hosted.type("Wait");
  await eventually("it goes on", () => turnsOf(hosted).length === 2);
  const shown = llm.requests.at(-1)?.messages ?? [];
  t.deepEqual(
    shown.map(({ role }) => role),
    ["participant", "agent", "tools", "participant"],
  );
  const [, called] = shown;
  t.deepEqual(called?.role === "agent" && called.toolCalls.map(({ name }) => name), ["charge", "order"]);
  t.regex(textsOf(shown)[2] ?? "", /^charged,This takes longer, and runs on as task_1/);
});
