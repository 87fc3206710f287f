import test from "ava";
import * as testing from "greenroom/testing";
import { until, VoiceCall } from "./fixtures/voice-call.ts";

/** What was told by hand has had its effect. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("words after a sound that was taken for noise: nothing waiting is begun while they last", async (t) => {
  const call = await VoiceCall.with(t, { agent: { bargeIn: { falseInterruptionMs: 20 } } });
  const alice = await call.ear("alice");
  const told = call.hosted.agent.say("A long notice that is cut short by words in the end.");
  const asked = call.hosted.agent.simpleResponse("Say something.");
  await call.sounds(0);
  alice.started();
  await settled();
  const frames = call.edge.recording.frames.length;
  await until(() => call.edge.recording.frames.length > frames + 3, "the agent going on");
  alice.partial("Could you");
  t.is(await told, "interrupted");
  await settled();
  t.is(call.llm.requests.length, 0);
  alice.ended("Could you stop");
  t.is(await asked, "done");
  t.deepEqual(
    call.llm.requests.map(({ messages }) => messages.at(-1)?.role),
    ["participant", "instruction"],
  );
});

test("who has left does not take the floor with what they said before", async (t) => {
  const call = await VoiceCall.with(t);
  const participant = call.edge.addParticipant("alice");
  const alice = await call.stt.stream("alice");
  const bob = await call.ear("bob");
  alice.started();
  participant.leave();
  await settled();
  bob.say("Is anybody there?");
  await call.turnsOver(1);
  t.is(call.transcript[0], "bob: Is anybody there?");
});

test("a start of speech without an end before it keeps the floor", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  const bob = await call.ear("bob");
  alice.started();
  alice.partial("I would like");
  alice.started();
  alice.partial("I want");
  await settled();
  bob.say("me first");
  await settled();
  alice.ended("I want tea");
  await call.turnsOver(2);
  t.deepEqual(
    call.transcript.filter((line) => !line.startsWith("agent")),
    ["alice: I would like", "alice: I want tea"],
  );
});

test("a session that closes while somebody speaks: no answer is begun, and none goes on", async (t) => {
  const llm = new testing.LLM();
  const early = llm.hold();
  const call = await VoiceCall.with(t, { llm });
  const alice = await call.ear("alice");
  alice.started();
  alice.eagerEnd("What time is it?");
  await early.request;
  alice.resumed();
  alice.eagerEnd("What time is it in Oslo?");
  call.hosted.handle.close(new Error("closed"));
  await early.aborted;
  await settled();
  t.is(llm.requests.length, 1);
  t.deepEqual(call.turns, []);
});

test("what was typed while somebody spoke is answered first, and the answer to the words knows of it", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  alice.started();
  alice.eagerEnd("And in Oslo?");
  await until(() => call.llm.requests.length === 1, "the early request");
  call.hosted.type("What time is it?");
  alice.ended("And in Oslo?");
  await call.turnsOver(2);
  const shown = call.llm.requests.map(({ messages }) =>
    messages.map((message) => ("text" in message ? message.text : "")),
  );
  t.deepEqual(shown.at(-1), ["What time is it?", "You said: What time is it?", "And in Oslo?"]);
  t.deepEqual(
    call.turns.map(({ eager }) => eager),
    [false, false],
  );
  const llm = call.hosted.measurements.flatMap((one) => (one.kind === "llm" ? [one.outcome] : []));
  t.deepEqual(llm, ["done", "cancelled", "done"]);
});

test("an answer waits for no tool with what it has said already", async (t) => {
  const llm = new testing.LLM({
    replies: [[{ text: "Let me have a look." }, { call: "look" }], " It is sunny."],
  });
  const tool = Promise.withResolvers<string>();
  llm.registerFunction({ name: "look", description: "Looks.", execute: () => tool.promise });
  const call = await VoiceCall.with(t, { llm });
  (await call.ear("alice")).say("How is the weather?");
  await call.sounds(0);
  t.is(call.tts.spoken[0]?.text, "Let me have a look.");
  tool.resolve("sunny");
  await call.turnsOver(1);
  t.is(call.transcript[1], "agent: Let me have a look. It is sunny.");
});
