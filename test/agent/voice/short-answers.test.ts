import test, { type ExecutionContext } from "ava";
import * as testing from "greenroom/testing";
import { level } from "../../../src/audio/pcm.ts";
import { until, VoiceCall, type VoiceCallOptions } from "../../fixtures/voice/voice-call.ts";

/** Resolves when what was told by hand has had its effect. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Each character sounds for 20 ms: these sound for seconds. */
const question = "Would you like me to book the table at the window for seven o'clock tonight?";
const statement =
  "The table at the window is free tonight, and so is the one beside the door, which is a little larger. ";
const long = statement.repeat(3).trim();

const asked = (call: VoiceCall, request: number) =>
  call.llm.requests[request]?.messages.map((message) => ("text" in message ? message.text : ""));

const backchannels = (call: VoiceCall) =>
  call.events.flatMap((event) => (event.type === "transcript" && event.backchannel ? [event.text] : []));

/** Alice, and an agent that has begun to say this. */
async function told(t: ExecutionContext, text: string, options: VoiceCallOptions = {}) {
  const call = await VoiceCall.with(t, {
    llm: new testing.LLM({ replies: [text, "Very well."] }),
    ...options,
  });
  const alice = await call.ear("alice");
  alice.say("Go on then.");
  await call.sounds(0);
  return { call, alice };
}

/** Resolves when so much of the agent's sound was sent, all in all. */
const soundOf = (call: VoiceCall, ms: number) => call.edge.recording.reached(ms);

for (const words of ["Yes.", "Okay.", "Right.", "mhm"]) {
  test(`an answer in the last moments of a question is answered, and the question heard whole: ${words}`, async (t) => {
    const { call, alice } = await told(t, question);
    await soundOf(call, question.length * 20 - 200);
    alice.started();
    alice.partial(words);
    alice.ended(words);
    await call.turnsOver(2);
    t.deepEqual(call.transcript, [
      "alice: Go on then.",
      `agent: ${question}`,
      `alice: ${words}`,
      "agent: Very well.",
    ]);
    t.deepEqual(asked(call, 1), ["Go on then.", question, words]);
    t.deepEqual(
      call.turns.map(({ outcome }) => outcome),
      ["done", "done"],
    );
    t.deepEqual(backchannels(call), []);
  });
}

test("an answer that comes to its end after the question has is answered", async (t) => {
  const { call, alice } = await told(t, question);
  await soundOf(call, question.length * 20 - 200);
  alice.started();
  await call.turnsOver(1);
  alice.ended("Yes.");
  await call.turnsOver(2);
  t.deepEqual(asked(call, 1), ["Go on then.", question, "Yes."]);
});

test("with eager turn detection a short answer to a question is answered once", async (t) => {
  const { call, alice } = await told(t, question);
  await soundOf(call, question.length * 20 - 200);
  alice.started();
  alice.eagerEnd("Yes.");
  await call.turnsOver(1);
  alice.eagerEnd("Yes.");
  alice.ended("Yes.");
  await call.turnsOver(2);
  t.deepEqual(call.transcript.slice(2), ["alice: Yes.", "agent: Very well."]);
});

test("to a question that goes on with other sentences: the agent ends the one that it is saying, and answers", async (t) => {
  const { call, alice } = await told(t, `Shall I book it? ${long}`);
  // In the first words after the question.
  await soundOf(call, "Shall I book it?".length * 20 + 300);
  alice.say("Yes.");
  await call.turnsOver(2);
  const [, heard, answer] = call.transcript;
  t.is(heard, `agent: Shall I book it? ${statement.trim()}`);
  t.is(answer, "alice: Yes.");
  t.is(call.turns[0]?.outcome, "interrupted");
});

test("to a question that shares a piece with the sentence behind it", async (t) => {
  const text =
    "The table is free. Shall I book it? It is by the window, and rather a nice one, as most guests say.";
  const { call, alice } = await told(t, text);
  await soundOf(call, text.indexOf("It is") * 20 + 100);
  alice.say("Yes.");
  await call.turnsOver(2);
  t.deepEqual(call.transcript.slice(2), ["alice: Yes.", "agent: Very well."]);
  t.deepEqual(backchannels(call), []);
});

test("an answer to a question that comes at once is an answer", async (t) => {
  const { call, alice } = await told(t, "There is one table. Shall I book it?");
  alice.say("Yes.");
  await call.turnsOver(2);
  t.deepEqual(call.transcript.slice(1), [
    "agent: There is one table. Shall I book it?",
    "alice: Yes.",
    "agent: Very well.",
  ]);
});

for (const words of ["Yes.", "Okay.", "Right.", "mhm"]) {
  test(`said while the agent thinks it is answered, with what was asked before: ${words}`, async (t) => {
    const llm = new testing.LLM();
    const first = llm.hold();
    const call = await VoiceCall.with(t, { llm });
    const alice = await call.ear("alice");
    alice.say("Book a table.");
    await first.request;
    alice.say(words);
    await first.aborted;
    await call.turnsOver(2);
    t.deepEqual(call.transcript, ["alice: Book a table.", `alice: ${words}`, `agent: You said: ${words}`]);
    t.deepEqual(asked(call, 1), ["Book a table.", words]);
  });
}

test("as a statement comes to its end, a short answer is answered", async (t) => {
  const { call, alice } = await told(t, statement.trim());
  await soundOf(call, statement.length * 20 - 300);
  alice.say("Okay.");
  await call.turnsOver(2);
  t.deepEqual(call.transcript.slice(1), [`agent: ${statement.trim()}`, "alice: Okay.", "agent: Very well."]);
});

for (const words of ["Yes.", "mhm", "Ja, genau.", "claro", "oui", "はい", "네", "да"]) {
  test(`in the middle of a long statement it is a backchannel: ${words}`, async (t) => {
    const { call, alice } = await told(t, long);
    alice.say(words);
    await call.turnsOver(1);
    t.is(call.turns[0]?.outcome, "done");
    t.is(call.llm.requests.length, 1);
    t.deepEqual(call.transcript, ["alice: Go on then.", `alice: ${words}`, `agent: ${long}`]);
    t.deepEqual(backchannels(call), [words]);
    // It is part of the conversation.
    call.hosted.type("And now?");
    await call.turnsOver(2);
    t.deepEqual(asked(call, 1), ["Go on then.", long, words, "And now?"]);
  });
}

test("a short answer that is a question is answered at once", async (t) => {
  const { call, alice } = await told(t, long);
  alice.say("Right?");
  await call.turnsOver(2);
  t.is(call.turns[0]?.outcome, "interrupted");
  t.deepEqual(call.transcript.slice(-2), ["alice: Right?", "agent: Very well."]);
});

test("fewer words than interrupt leave a trace, and are an answer where the agent has asked", async (t) => {
  const agent = { bargeIn: { minWords: 3 } };
  const { call, alice } = await told(t, long, { agent });
  alice.say("The window");
  await call.turnsOver(1);
  t.deepEqual(backchannels(call), ["The window"]);
  const other = await told(t, question, { agent });
  other.alice.say("The window");
  await other.call.turnsOver(2);
  t.is(other.call.transcript[2], "alice: The window");
  t.deepEqual(backchannels(other.call), []);
});

test("words that mean something else in another language count where that one is spoken", async (t) => {
  const stt = Object.assign(new testing.STT(), { language: "pl-PL" });
  const { call, alice } = await told(t, long, { stt });
  alice.say("No, tak.");
  await call.turnsOver(1);
  t.deepEqual(backchannels(call), ["No, tak."]);
  const english = await told(t, long);
  english.alice.say("No.");
  await english.call.turnsOver(2);
  t.is(english.call.turns[0]?.outcome, "interrupted");
});

test("what the agent's code has it say is said though somebody says mhm before it sounds", async (t) => {
  const tts = new testing.TTS();
  const go = tts.hold();
  const call = await VoiceCall.with(t, { tts });
  const alice = await call.ear("alice");
  const notice = call.hosted.agent.say("Your order is on its way.");
  await until(() => tts.spoken.length === 1, "the speech");
  alice.say("okay");
  await settled();
  go();
  t.is(await notice, "done");
  await call.turnsOver(2);
  t.deepEqual(call.transcript.slice(0, 2), ["agent: Your order is on its way.", "alice: okay"]);
});

test("a typed yes is answered, whatever the agent is saying", async (t) => {
  const { call } = await told(t, long);
  call.hosted.type("Yes.");
  await call.turnsOver(2);
  t.deepEqual(call.transcript.slice(-2), ["alice: Yes.", "agent: Very well."]);
});

test("a sound makes the agent quieter and not silent; it is as loud as before when it was nothing", async (t) => {
  const { call, alice } = await told(t, long);
  const { frames } = call.edge.recording;
  const loudness = () => level(frames.at(-1)?.samples ?? new Int16Array());
  const before = loudness();
  alice.started();
  // Frames of one speech follow one another without a gap all the while.
  await until(() => loudness() < before / 2, "the quieter sound");
  const since = frames.length;
  await until(() => frames.length > since + 10, "some more of it");
  t.true(loudness() > before / 8 && loudness() < before / 2);
  alice.partial("mhm");
  alice.ended("mhm");
  await until(() => loudness() > before * 0.8, "the full sound");
  const [turn] = await call.turnsOver(1);
  t.is(turn?.outcome, "done");
  t.is(call.transcript.at(-1), `agent: ${long}`);
});

test("how much quieter can be chosen", async (t) => {
  const { call, alice } = await told(t, long, { agent: { bargeIn: { duckingDb: 0 } } });
  const { frames } = call.edge.recording;
  const before = level(frames.at(-1)!.samples);
  const since = frames.length;
  alice.started();
  await until(() => frames.length > since + 10, "more of the sound");
  for (const { samples } of frames.slice(since)) t.true(level(samples) > before * 0.8);
});

test("an agent that is about to speak waits for whoever makes a sound", async (t) => {
  const llm = new testing.LLM();
  const held = llm.hold();
  const call = await VoiceCall.with(t, { llm });
  const alice = await call.ear("alice");
  alice.say("Tell me.");
  await held.request;
  alice.started();
  held.text("It is a long story indeed.");
  held.end();
  await until(() => call.tts.spoken.length === 1, "the speech");
  await settled();
  t.is(call.edge.recording.frames.length, 0);
  alice.ended("");
  await call.turnsOver(1);
  t.is(call.transcript[1], "agent: It is a long story indeed.");
});

test("a recogniser that tells no words: the agent is silent at the first sound", async (t) => {
  const stt = Object.assign(new testing.STT(), { words: false });
  const { call, alice } = await told(t, long, { stt });
  alice.started();
  await settled();
  const { frames } = call.edge.recording;
  const since = frames.length;
  // Elsewhere somebody else's agent goes on.
  const { call: other } = await told(t, long);
  await soundOf(other, 200);
  t.is(frames.length, since);
});
