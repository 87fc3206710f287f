import test from "ava";
import * as testing from "greenroom/testing";
import { until, VoiceCall } from "../../fixtures/voice/voice-call.ts";

/** A text that would sound for half a minute: however busy the machine is, it is not over before it is cut. */
const long = "This is the first sentence of a long answer. Here comes the second one. And a third. ".repeat(
  20,
);

/** Resolves when what was told by hand has had its effect. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("what is said is answered by voice, and both are part of the conversation", async (t) => {
  const call = await VoiceCall.with(t, {
    llm: new testing.LLM({ replies: ["It is sunny in Paris today."] }),
  });
  const alice = await call.ear("alice");
  alice.say("What is the weather in Paris?");
  const [turn] = await call.turnsOver(1);
  t.is(turn?.outcome, "done");
  t.deepEqual(call.transcript, [
    "alice: What is the weather in Paris?",
    "agent: It is sunny in Paris today.",
  ]);
  t.true(call.edge.recording.durationMs > 300);

  alice.say("And tomorrow?");
  await call.turnsOver(2);
  t.deepEqual(
    call.llm.requests[1]?.messages.map((message) => ("text" in message ? message.text : "")),
    ["What is the weather in Paris?", "It is sunny in Paris today.", "And tomorrow?"],
  );
});

test("sentences are spoken while the model still writes, and a voice knows what came before", async (t) => {
  const llm = new testing.LLM();
  const held = llm.hold();
  const call = await VoiceCall.with(t, { llm });
  (await call.ear("alice")).say("Tell me.");
  await held.request;
  held.text("The first sentence is whole now. The sec");
  await call.sounds(0);
  t.is(call.tts.spoken.length, 1);
  held.text("ond one comes later, as they do.");
  held.end();
  await call.turnsOver(1);
  t.is(call.tts.spoken[1]?.previousText, "The first sentence is whole now.");
});

test("words over the agent: it is silent, and the conversation keeps what was heard", async (t) => {
  const call = await VoiceCall.with(t, { llm: new testing.LLM({ replies: [long, "All right."] }) });
  const alice = await call.ear("alice");
  alice.say("Tell me a story.");
  await call.edge.recording.reached(300);
  alice.started();
  alice.partial("stop that please");
  const [cut] = await call.turnsOver(1);
  t.is(cut?.outcome, "interrupted");
  const framesAtCut = call.edge.recording.frames.length;
  alice.ended("stop that please");
  await call.turnsOver(2);
  const heard = call.transcript[1]!.replace("agent: ", "");
  t.true(long.startsWith(heard) && heard.length < long.length, heard);
  // After the cut comes the next answer, and nothing of the old one.
  const after = call.edge.recording.frames.slice(framesAtCut);
  for (const { samples } of after) {
    t.true(testing.shareOf(testing.TTS.frequencyOf(0), { samples, sampleRate: 16_000 }) < 0.5);
  }
  const asked = call.llm.requests[1]!.messages.map((message) => ("text" in message ? message.text : ""));
  t.deepEqual(asked, ["Tell me a story.", ...(heard === "" ? [] : [heard]), "stop that please"]);
});

for (const words of ["", "mhm", "Yeah, okay."]) {
  test(`a sound over the agent that is no interruption (${words || "noise"}): it goes on where it stopped`, async (t) => {
    const answer = "A sentence that takes a while to be spoken to its end.";
    const call = await VoiceCall.with(t, { llm: new testing.LLM({ replies: [answer] }) });
    const alice = await call.ear("alice");
    alice.say("Tell me.");
    await call.sounds(0);
    alice.started();
    if (words !== "") alice.partial(words);
    alice.ended(words);
    const [turn] = await call.turnsOver(1);
    t.is(turn?.outcome, "done");
    t.is(call.llm.requests.length, 1);
    const heard = words === "" ? [] : [`alice: ${words}`];
    t.deepEqual(call.transcript, ["alice: Tell me.", ...heard, `agent: ${answer}`]);
    // Not a sample is lost or said twice.
    t.is(Math.round(call.edge.recording.durationMs / 20), Math.ceil((answer.length * 20) / 20));
  });
}

test("a sound without words or end: the agent goes on by itself", async (t) => {
  const call = await VoiceCall.with(t, { agent: { bargeIn: { falseInterruptionMs: 50 } } });
  const alice = await call.ear("alice");
  alice.say("Tell me something that takes a while.");
  await call.sounds(0);
  alice.started();
  const [turn] = await call.turnsOver(1);
  t.is(turn?.outcome, "done");
});

test("an answer begun early is spoken once its words stand, and the model is asked once", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  alice.started();
  alice.eagerEnd("What time is it?");
  await until(() => call.llm.requests.length === 1, "the early request");
  t.is(call.tts.spoken.length, 0);
  t.deepEqual(call.transcript, []);
  alice.ended("What time is it?");
  const [turn] = await call.turnsOver(1);
  t.true(turn?.eager);
  t.is(call.llm.requests.length, 1);
  t.deepEqual(call.transcript, ["alice: What time is it?", "agent: You said: What time is it?"]);
});

test("an answer begun early is cancelled where the speaker goes on, and nobody hears of it", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  alice.started();
  alice.eagerEnd("What time");
  await until(() => call.llm.requests.length === 1, "the early request");
  alice.resumed();
  alice.eagerEnd("What time is it in Oslo?");
  alice.ended("What time is it in Oslo?");
  await call.turnsOver(1);
  t.is(call.llm.requests.length, 2);
  t.deepEqual(call.transcript, [
    "alice: What time is it in Oslo?",
    "agent: You said: What time is it in Oslo?",
  ]);
  const outcomes = call.hosted.measurements.flatMap((one) => (one.kind === "llm" ? [one.outcome] : []));
  t.deepEqual(outcomes, ["cancelled", "done"]);
});

test("an answer begun early for other words than the last ones is not spoken", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  alice.started();
  alice.eagerEnd("What time is");
  await until(() => call.llm.requests.length === 1, "the early request");
  alice.ended("What time is it?");
  const [turn] = await call.turnsOver(1);
  t.false(turn?.eager);
  t.is(call.transcript[1], "agent: You said: What time is it?");
});

test("a tool runs only once the turn is over: what it does cannot be taken back", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "order", arguments: {} }], "Ordered."] });
  let orders = 0;
  llm.registerFunction({ name: "order", description: "Orders.", execute: () => ++orders });
  const call = await VoiceCall.with(t, { llm });
  const alice = await call.ear("alice");
  alice.started();
  alice.eagerEnd("Order it");
  await until(() => llm.requests.length === 1, "the early request");
  await settled();
  t.is(orders, 0);
  alice.ended("Order it");
  await call.turnsOver(1);
  t.is(orders, 1);
});

test("speech that may not be interrupted is heard to its end, and the words are answered after it", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  const notice = call.hosted.agent.say("This call is recorded for your own safety.", {
    interruptible: false,
  });
  await call.sounds(0);
  alice.say("But I do not want that");
  t.is(await notice, "done");
  await call.turnsOver(2);
  t.deepEqual(call.transcript, [
    "agent: This call is recorded for your own safety.",
    "alice: But I do not want that",
    "agent: You said: But I do not want that",
  ]);
});

test("of several participants the first who speaks holds the floor", async (t) => {
  const call = await VoiceCall.with(t);
  const alice = await call.ear("alice");
  const bob = await call.ear("bob");
  alice.started();
  alice.partial("I would");
  await settled();
  bob.say("me first");
  await settled();
  alice.ended("I would like tea");
  await call.turnsOver(1);
  t.deepEqual(call.transcript, [
    "bob: me first",
    "alice: I would like tea",
    "agent: You said: I would like tea",
  ]);
  bob.say("Coffee for me");
  await call.turnsOver(2);
  t.is(call.transcript[3], "bob: Coffee for me");
});

test("a voice that fails in mid-turn: the agent says so, and the call lives on", async (t) => {
  const tts = new testing.TTS({ failures: [{ error: new Error("out of breath"), afterChunks: 1 }] });
  const call = await VoiceCall.with(t, { tts });
  const alice = await call.ear("alice");
  alice.say("Tell me.");
  await call.turnsOver(2);
  t.deepEqual(
    call.turns.map(({ origin, outcome }) => `${origin} ${outcome}`),
    ["participant failed", "say done"],
  );
  t.regex(call.transcript.at(-1)!, /Sorry/);
  t.true(call.hosted.measurements.some((one) => one.kind === "error" && one.component === "tts"));
  alice.say("Again.");
  await call.turnsOver(3);
  t.is(call.turns[2]?.outcome, "done");
});

test("a model that fails in mid-turn: what was said stays, the agent says so, and the call lives on", async (t) => {
  const llm = new testing.LLM({
    replies: [[{ text: "It begins well. " }, { fail: "overloaded", status: 503 }]],
  });
  const call = await VoiceCall.with(t, { llm });
  const alice = await call.ear("alice");
  alice.say("Tell me.");
  await call.turnsOver(2);
  t.is(call.turns[0]?.outcome, "failed");
  alice.say("Again.");
  await call.turnsOver(3);
  t.is(call.turns[2]?.outcome, "done");
});

test("a participant who leaves while they speak: their words so far are answered", async (t) => {
  const call = await VoiceCall.with(t);
  const participant = call.edge.addParticipant("alice");
  const alice = await call.stt.stream("alice");
  alice.started();
  alice.partial("I have to");
  await settled();
  participant.leave();
  await call.turnsOver(1);
  t.is(call.transcript[0], "alice: I have to");
});

test("the parts of a response follow one another and add up exactly", async (t) => {
  const call = await VoiceCall.with(t, {
    llm: new testing.LLM({ firstTokenMs: 30, wordMs: 3 }),
    tts: new testing.TTS({ firstChunkMs: 20 }),
  });
  const participant = call.edge.addParticipant("alice");
  const alice = await call.stt.stream("alice");
  alice.started();
  await participant.play(testing.tone(500, 100));
  alice.ended("Tell me about it.");
  const [turn] = await call.turnsOver(1);
  const { latency } = turn!;
  t.truthy(latency);
  const { responseMs, ...parts } = latency!;
  t.true(Object.values(parts).every((part) => part >= 0));
  t.true(Math.abs(Object.values(parts).reduce((sum, part) => sum + part, 0) - responseMs) < 1e-6);
  t.true(parts.firstTokenMs! > 0 && parts.firstByteMs! > 0);
});

test("a typed message in a spoken call is answered by voice too", async (t) => {
  const call = await VoiceCall.with(t);
  call.hosted.type("Hello there, agent");
  await call.turnsOver(1);
  t.true(call.edge.recording.durationMs > 0);
  t.is(call.transcript[1], "agent: You said: Hello there, agent");
});

test("a session that is closed while the agent speaks is silent at once", async (t) => {
  const call = await VoiceCall.with(t, { llm: new testing.LLM({ replies: [long] }) });
  (await call.ear("alice")).say("Tell me.");
  await call.sounds(0);
  call.hosted.handle.close(new Error("closed"));
  const frames = call.edge.recording.frames.length;
  await call.hosted.agent.close();
  t.is(call.edge.recording.frames.length, frames);
  t.is(call.turns[0]?.outcome, "interrupted");
});

/** Returns what is told of the words of a user, in order. */
const captions = (call: VoiceCall) =>
  call.events.flatMap((event) =>
    event.type === "transcript" && event.role === "user"
      ? [{ turnId: event.turnId, ...(event.final ? { final: event.text } : { interim: event.interim }) }]
      : [],
  );

test("what a participant says is shown while they say it, and replaced by the final text", async (t) => {
  const call = await VoiceCall.with(t);
  const ear = await call.ear("alice");
  ear.started();
  ear.partial("What");
  await until(() => captions(call).length === 1, "the first words");
  for (const more of ["What is", "What is the", "What is the weather"]) ear.partial(more);
  await until(() => captions(call).length === 2, "the last words");
  ear.ended("What is the weather?");
  await call.turnsOver(1);
  const turnId = "turn_1";
  t.deepEqual(captions(call), [
    { turnId, interim: "What" },
    // Those between were less than a moment old.
    { turnId, interim: "What is the weather" },
    { turnId, final: "What is the weather?" },
  ]);
  const interim = call.events.find((event) => event.type === "transcript" && !event.final);
  t.like(interim, { role: "user", participantId: "alice", final: false });
  t.false("text" in interim! || "delta" in interim!);
});

test("words that were no turn are taken back", async (t) => {
  const call = await VoiceCall.with(t);
  const ear = await call.ear("alice");
  ear.started();
  ear.partial("mhm");
  await until(() => captions(call).length === 1, "the words");
  ear.ended("");
  await until(() => captions(call).length === 2, "the end of it");
  t.deepEqual(
    captions(call).map((caption) => ("interim" in caption ? caption.interim : caption)),
    ["mhm", ""],
  );
});

test("log lines hold no interim words", async (t) => {
  const call = await VoiceCall.with(t);
  const ear = await call.ear("alice");
  ear.started();
  ear.partial("my secret");
  ear.ended("my secret");
  await call.turnsOver(1);
  t.false(JSON.stringify(call.hosted.logged).includes("secret"));
});

test("the sound that a recogniser was given is counted as it goes, not at the end of a turn", async (t) => {
  const call = await VoiceCall.with(t, { edge: { speed: 100 } });
  await call.ear("alice");
  const given = () =>
    call.hosted.measurements.reduce((sum, one) => sum + (one.kind === "stt" ? one.audioDurationMs : 0), 0);
  await until(() => given() >= 3_000, "the sound");
  t.true(call.hosted.measurements.every((one) => one.kind !== "stt" || one.latencyMs === null));
  t.true(call.stt.streams[0]!.audioDurationMs - given() <= 1_020);
});

test("a voice that goes on without end is ended, and fails its turn", async (t) => {
  const ended = Promise.withResolvers<void>();
  let minutes = 0;
  const minute = { samples: new Int16Array(16_000 * 60), sampleRate: 16_000 };
  class Endless extends testing.TTS {
    override async *speak() {
      try {
        for (; ; minutes += 1) {
          yield minute;
          await settled();
        }
      } finally {
        ended.resolve();
      }
    }
  }
  const call = await VoiceCall.with(t, {
    tts: new Endless(),
    agent: { apology: null },
    edge: { speed: 100 },
  });
  call.edge.addParticipant("alice");
  const said = call.hosted.agent.say("Hello.");
  await ended.promise;
  t.is(minutes, 5);
  t.is(await said, "failed");
  t.regex(
    call.turns[0]?.error?.message ?? "",
    /^The voice testing made more than 300 s of sound of one sentence$/,
  );
});
