import test from "ava";
import * as testing from "greenroom/testing";
import { until, VoiceCall } from "../../fixtures/voice/voice-call.ts";

/** Resolves when what was told by hand has had its effect. */
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
    ["alice: I would like", "bob: me first", "alice: I want tea"],
  );
});

const asked = (call: VoiceCall, request: number) =>
  call.llm.requests[request]?.messages.map((message) => ("text" in message ? message.text : ""));

test("what others say while somebody has the floor is answered with what that one says", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  const bob = await call.ear("bob");
  alice.started();
  alice.eagerEnd("Tea for me");
  await until(() => call.llm.requests.length === 1, "the early request");
  bob.say("And coffee for me");
  await settled();
  alice.ended("Tea for me");
  await call.turnsOver(1);
  // The one that was begun early did not know of it.
  t.deepEqual(asked(call, 1), ["And coffee for me", "Tea for me"]);
  t.deepEqual(call.transcript, [
    "bob: And coffee for me",
    "alice: Tea for me",
    "agent: You said: Tea for me",
  ]);
  call.hosted.type("Who wants what?");
  await call.turnsOver(2);
  t.deepEqual(asked(call, 2)?.slice(0, 2), ["And coffee for me", "Tea for me"]);
});

test("where the sound of the one who has the floor was nothing, what others said meanwhile is answered", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  const bob = await call.ear("bob");
  alice.started();
  await settled();
  bob.say("What time is it?");
  await settled();
  t.deepEqual(call.transcript, []);
  alice.ended("");
  await call.turnsOver(1);
  t.deepEqual(call.transcript, ["bob: What time is it?", "agent: You said: What time is it?"]);
});

test("who ends what they began while another had the floor is answered", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  const bob = await call.ear("bob");
  alice.started();
  bob.started();
  await settled();
  alice.ended("");
  await settled();
  bob.ended("Is anybody there?");
  await call.turnsOver(1);
  t.is(call.transcript[0], "bob: Is anybody there?");
});

test("the end of a turn that was given up: the same words are not answered twice, others are", async (t) => {
  const call = await VoiceCall.with(t, { agent: { limits: { stalledTurnMs: 30 } } });
  const alice = await call.ear("alice");
  alice.started();
  alice.partial("I would like");
  await call.turnsOver(1);
  alice.ended("I would like");
  await settled();
  alice.started();
  alice.partial("I would like");
  await call.turnsOver(2);
  alice.ended("I would like tea");
  await call.turnsOver(3);
  t.deepEqual(
    call.transcript.filter((line) => line.startsWith("alice")),
    ["alice: I would like", "alice: I would like", "alice: I would like tea"],
  );
});

test("where more participants speak than can be listened to, the log tells who is not", async (t) => {
  const call = await VoiceCall.with(t);
  for (let place = 1; place <= 8; place += 1) await call.ear(`p${place}`);
  call.edge.addParticipant("ninth");
  const told = () =>
    call.hosted.logged.filter(([, message]) => message.startsWith("A participant is not listened to"));
  await until(() => told().length > 0, "the log line");
  t.like(told(), [[{ participant_id: "ninth" }]]);
});

test("a session that closes while somebody speaks: what they said so far is in the transcript", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  const bob = await call.ear("bob");
  alice.started();
  alice.partial("Goodbye then");
  await settled();
  bob.say("Bye");
  await settled();
  call.hosted.handle.close(new Error("closed"));
  t.deepEqual(call.transcript, ["bob: Bye", "alice: Goodbye then"]);
  t.deepEqual(call.turns, []);
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
