import { BroadcastChannel } from "node:worker_threads";
import test from "ava";
import type { AgentEvent, Message } from "greenroom";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { script } from "../../fixtures/scripted-llm.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";

const scripted = agentUrl("scripted");

/** Returns the words of all, in order: `alice: …`, `agent: …`. */
const conversation = (thread: AgentThread): string[] =>
  thread.events.flatMap((event) =>
    event.type === "transcript" && event.final ? [`${event.participantId}: ${event.text}`] : [],
  );

const turns = (thread: AgentThread) => thread.events.filter((event) => event.type === "turn");

/** The first turn after `count` others. */
async function turnAfter(thread: AgentThread, count: number) {
  await thread.event("turn", () => turns(thread).length > count);
  return turns(thread)[count]!;
}

/** Resolves with the conversation so far as the model is shown it. */
async function history(thread: AgentThread): Promise<Message[]> {
  const before = turns(thread).length;
  thread.type(script([{ say: "history" }]));
  const { turnId } = await turnAfter(thread, before);
  const words = thread.events.find(
    (event) =>
      event.type === "transcript" && event.role === "agent" && event.final && event.turnId === turnId,
  );
  return words?.type === "transcript" ? JSON.parse(words.text ?? "") : [];
}

const deltaOf = (text: string) => (event: AgentEvent) => event.type === "transcript" && event.delta === text;

test("words that are typed while the agent speaks cut it short: what was said is kept, nothing else", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const endless = script([{ text: "Once upon a time" }, { wait: "abort" }, { text: " there was more." }]);
  thread.type(endless);
  await thread.event("transcript", deltaOf("Once upon a time"));
  thread.type("stop");
  t.is((await turnAfter(thread, 0)).outcome, "interrupted");
  t.is((await turnAfter(thread, 1)).outcome, "done");
  t.deepEqual(conversation(thread), [
    `alice: ${endless}`,
    "agent: Once upon a time",
    "alice: stop",
    "agent: You said stop",
  ]);
  t.deepEqual(await history(thread), [
    { role: "participant", participantId: "alice", text: endless },
    { role: "agent", text: "Once upon a time", toolCalls: [] },
    { role: "participant", participantId: "alice", text: "stop" },
    { role: "agent", text: "You said stop", toolCalls: [] },
  ]);
});

test("words that are typed while the agent thinks cut it short, though the model does not listen", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const question = script([{ wait: "ever" }]);
  thread.type(question);
  await thread.event("transcript", ({ text }) => text === question);
  thread.type("never mind");
  t.like(await turnAfter(thread, 0), { outcome: "interrupted", firstTokenMs: null });
  await turnAfter(thread, 1);
  t.deepEqual(conversation(thread), [
    `alice: ${question}`,
    "alice: never mind",
    "agent: You said never mind",
  ]);
  const measured = thread.said.flatMap((said) =>
    said.type === "measured" && said.measurement.kind === "llm" ? [said.measurement.outcome] : [],
  );
  t.deepEqual(measured, ["cancelled", "done"]);
});

test("words that are typed while tools run give those up; rounds that were over are kept", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  const question = script([{ call: "echo", arguments: { word: "kept" } }], [{ call: "hang" }]);
  thread.type(question);
  await thread.event("tool", ({ name }) => name === "echo");
  // The second round has begun when the model was asked again.
  await thread.next("measured", ({ measurement }) => measurement.kind === "tool");
  thread.type("stop");
  await turnAfter(thread, 1);
  const [first] = turns(thread);
  t.is(first?.outcome, "interrupted");
  const ended = thread.events.findIndex((event) => event.type === "turn");
  const late = thread.events
    .slice(ended + 1)
    .filter((event) => "turnId" in event && event.turnId === first?.turnId);
  t.deepEqual(late, []);
  const shown = await history(thread);
  t.deepEqual(
    shown.map(({ role }) => role),
    ["participant", "agent", "tools", "participant", "agent"],
  );
  t.like(shown[2], { results: [{ name: "echo", output: "kept" }] });
});

test("messages that came while joining are taken in order, after the greeting, and do not interrupt one another", async (t) => {
  const gate = `gate-${Math.random()}`;
  const opener = new BroadcastChannel(gate);
  const waiting = new Promise((resolve) => {
    opener.onmessage = resolve;
  });
  const thread = new AgentThread(t, scripted);
  thread.assign({ config: { gate, greeting: "Welcome" } });
  await waiting;
  for (const text of ["one", "two", "three"]) thread.type(text);
  opener.postMessage("open");
  await turnAfter(thread, 3);
  opener.close();
  t.deepEqual(
    turns(thread).map(({ outcome }) => outcome),
    ["done", "done", "done", "done"],
  );
  t.deepEqual(conversation(thread), [
    "agent: Welcome",
    "alice: one",
    "agent: You said one",
    "alice: two",
    "agent: You said two",
    "alice: three",
    "agent: You said three",
  ]);
});

test("a session that closes before the agent has joined tells what was typed", async (t) => {
  const thread = new AgentThread(t, scripted);
  thread.assign({ config: { gate: `gate-${Math.random()}` } });
  await thread.next("created");
  thread.type("anybody there?");
  thread.close();
  await thread.next("ended");
  t.deepEqual(conversation(thread), ["alice: anybody there?"]);
  t.like(turns(thread)[0], { outcome: "interrupted" });
  t.false(thread.course.includes("joined"));
});

test("a close ends the turn that runs, and the request to the model", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  thread.type(script([{ text: "I was about" }, { wait: "abort" }]));
  await thread.event("transcript", deltaOf("I was about"));
  thread.close();
  await thread.next("ended");
  t.is(conversation(thread).at(-1), "agent: I was about");
  t.deepEqual(
    turns(thread).map(({ outcome }) => outcome),
    ["interrupted"],
  );
});

test("a model that fails ends its turn, the agent says sorry, and the call goes on", async (t) => {
  const thread = await new AgentThread(t, scripted).join({ apology: "Pardon me." });
  const question = script([{ text: "Well" }, { fail: "too busy", status: 429 }]);
  thread.type(question);
  const failed = await turnAfter(thread, 0);
  t.like(failed, { outcome: "failed", error: { message: "too busy" } });
  t.like(await turnAfter(thread, 1), { origin: "say", outcome: "done" });
  thread.type("again");
  await turnAfter(thread, 2);
  t.deepEqual(conversation(thread), [
    `alice: ${question}`,
    "agent: Well",
    "agent: Pardon me.",
    "alice: again",
    "agent: You said again",
  ]);
  const { measurement } = await thread.next("measured", (said) => said.measurement.kind === "error");
  t.deepEqual(measurement, { kind: "error", component: "llm", provider: "scripted", error: "http_429" });
});

test("without an apology the agent just goes on", async (t) => {
  const thread = await new AgentThread(t, scripted).join({ apology: null });
  thread.type(script([{ fail: "no" }]));
  await turnAfter(thread, 0);
  thread.type("again");
  await turnAfter(thread, 1);
  t.is(conversation(thread).length, 3);
});

for (const [limit, steps] of [
  ["firstTokenTimeoutMs", [{ wait: "ever" }]],
  ["responseTimeoutMs", [{ text: "well" }, { wait: "ever" }]],
] as const) {
  test(`a model that keeps the call waiting fails its turn: ${limit}`, async (t) => {
    const thread = await new AgentThread(t, scripted).join({ limits: { [limit]: 50 } });
    thread.type(script(steps));
    const { outcome, error } = await turnAfter(thread, 0);
    t.is(outcome, "failed");
    t.regex(error?.message ?? "", /of scripted script-1 took longer than 50 ms \(limits\.\w+TimeoutMs\)/);
    const { measurement } = await thread.next("measured", (said) => said.measurement.kind === "error");
    t.like(measurement, { component: "llm", error: "timeout" });
  });
}

test("a model that never stops is cut off", async (t) => {
  const thread = await new AgentThread(t, scripted).join({ limits: { maxReplyLength: 100 } });
  thread.type(script(Array.from({ length: 20 }, () => ({ text: "blah blah " }))));
  const { outcome, error } = await turnAfter(thread, 0);
  t.is(outcome, "failed");
  t.regex(error?.message ?? "", /passed 100 characters/);
});

test("a fast model does not flood the port", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  thread.type(script(Array.from({ length: 5_000 }, (_, index) => ({ text: `${index} ` }))));
  const { durationMs } = await turnAfter(thread, 0);
  const deltas = thread.events.flatMap((event) =>
    event.type === "transcript" && event.delta !== undefined ? [event.delta] : [],
  );
  t.is(deltas.join(""), Array.from({ length: 5_000 }, (_, index) => `${index} `).join(""));
  t.true(deltas.length <= durationMs / 20 + 2, `${deltas.length} deltas`);
});

test("presence: alone from the join on, in company while a turn runs, alone again after it", async (t) => {
  const thread = await new AgentThread(t, scripted).join();
  thread.type("hello");
  await turnAfter(thread, 0);
  await thread.next("presence", () => thread.said.filter(({ type }) => type === "presence").length === 3);
  const [joined, company, alone] = thread.said.flatMap((said) => (said.type === "presence" ? [said] : []));
  const { at } = await thread.next("joined");
  t.true(Math.abs((joined?.aloneSince ?? 0) - at) < 1_000);
  t.is(company?.aloneSince, null);
  t.true((alone?.aloneSince ?? 0) > (joined?.aloneSince ?? 0));
});
