import test from "ava";
import * as testing from "greenroom/testing";
import { RealtimeCall } from "../../fixtures/voice/realtime-call.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

const calls = (...names: string[]) => names.map((call) => ({ call }));

/** A tool that ends when its test wants. */
function heldTool(llm: testing.RealtimeModel, name = "slow") {
  const { promise, resolve } = Promise.withResolvers<string>();
  const state = { asked: 0, aborted: false };
  llm.registerFunction({
    name,
    description: "",
    execute: (_, { signal }) => {
      state.asked += 1;
      signal.addEventListener("abort", () => (state.aborted = true));
      return promise;
    },
  });
  return { state, done: resolve };
}

test("calls that are made together run together, and each has one result, unknown ones too", async (t) => {
  const llm = new testing.RealtimeModel({
    replies: [[...calls("slow", "missing"), { say: "Done." }]],
  });
  const { state, done } = heldTool(llm);
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 } });
  const outcome = call.hosted.agent.simpleResponse("Go.");
  const session = await llm.session();
  await until(() => session.results.length === 1, "the first result");
  t.is(state.asked, 1);
  t.like(session.results[0], { name: "missing", ok: false });
  done("slowly");
  t.is(await outcome, "done");
  t.deepEqual(
    session.results.map(({ ok, output }) => ok && output),
    [false, "slowly"],
  );
  t.is(call.turns[0]?.toolCalls, 2);
});

test("an interruption gives up the tools of the turn, and the model is told", async (t) => {
  const llm = new testing.RealtimeModel({ replies: [[...calls("slow"), { say: "Done." }], "Of course."] });
  const { state } = heldTool(llm);
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 } });
  const session = await llm.session();
  const outcome = call.hosted.agent.simpleResponse("Go.");
  await until(() => state.asked === 1, "the tool");
  session.speechStarted();
  t.is(await outcome, "interrupted");
  await until(() => session.results.length === 1, "the result");
  t.like(session.results[0], { name: "slow", ok: false });
  t.true(state.aborted);
  session.speechEnded("Never mind.");
  await call.turnsOver(2);
  t.is(session.results.length, 1);
});

test("a call that the model withdraws has no result", async (t) => {
  const llm = new testing.RealtimeModel({ replies: [[...calls("slow"), { say: "Done." }], "Next."] });
  const { state } = heldTool(llm);
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 } });
  const session = await llm.session();
  const outcome = call.hosted.agent.simpleResponse("Go.");
  await until(() => state.asked === 1, "the tool");
  session.tell({ type: "tool_calls_withdrawn", callIds: ["call_1_1"] });
  session.speechStarted();
  await outcome;
  session.speechEnded("Next?");
  await call.turnsOver(2);
  t.deepEqual(session.results, []);
});

test("a model that does not wait for tools goes on talking, and has the result when it comes", async (t) => {
  const llm = new testing.RealtimeModel({
    capabilities: { asyncTools: true },
    replies: [[...calls("slow"), { say: "I am looking it up." }]],
  });
  const { state, done } = heldTool(llm);
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 } });
  t.is(await call.hosted.agent.simpleResponse("Go."), "done");
  const session = await llm.session();
  t.is(state.asked, 1);
  t.deepEqual(session.results, []);
  done("found");
  await until(() => session.results.length === 1, "the result");
  session.speak("Here it is.");
  await call.turnsOver(2);
  t.false(state.aborted);
  t.deepEqual(call.transcript, ["agent: I am looking it up.", "agent: Here it is."]);
});

test("rounds of tools are bounded", async (t) => {
  const llm = new testing.RealtimeModel({
    replies: [[...calls("quick"), { say: "One. " }, ...calls("quick"), { say: "Two." }]],
  });
  llm.registerFunction({ name: "quick", description: "", execute: () => "quick" });
  const call = await RealtimeCall.with(t, {
    llm,
    edge: { speed: 4 },
    agent: { limits: { maxToolRounds: 1 } },
  });
  t.is(await call.hosted.agent.simpleResponse("Go."), "done");
  const session = await llm.session();
  t.deepEqual(
    session.results.map(({ ok }) => ok),
    [true, false],
  );
});
