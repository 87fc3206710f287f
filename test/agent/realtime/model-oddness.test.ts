import test from "ava";
import * as testing from "greenroom/testing";
import { RealtimeCall } from "../../fixtures/voice/realtime-call.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

/** A text that would sound for half a minute: however busy the machine is, it is not over before it is cut. */
const long = "This is a sentence of a long answer. ".repeat(40).trim();

test("an answer without an end is over when nothing more comes", async (t) => {
  const llm = new testing.RealtimeModel({
    replies: ["There is no end to this.", [{ say: "Nor to this." }, { hang: true }]],
  });
  const call = await RealtimeCall.with(t, {
    llm,
    edge: { speed: 4 },
    agent: { limits: { stalledTurnMs: 200 } },
  });
  const session = await llm.session();
  session.speak([{ say: "Nor to this." }, { hang: true }]);
  const [turn] = await call.turnsOver(1);
  t.like(turn, { outcome: "done", origin: "response" });
  t.deepEqual(call.transcript, ["agent: Nor to this."]);

  const endless = new testing.RealtimeModel({
    replies: ["This one never tells."],
    capabilities: { endsAnswers: false },
  });
  const other = await RealtimeCall.with(t, { llm: endless, edge: { speed: 4 } });
  t.is(await other.hosted.agent.simpleResponse("Go on."), "done");
});

test("an answer that does not come fails in time, and the agent says sorry", async (t) => {
  const llm = new testing.RealtimeModel({ replies: [[{ hang: true }]] });
  const call = await RealtimeCall.with(t, {
    llm,
    edge: { speed: 4 },
    agent: { limits: { firstTokenTimeoutMs: 100 }, apology: "Sorry." },
  });
  t.is(await call.hosted.agent.simpleResponse("Go on."), "failed");
  await call.turnsOver(2);
  t.deepEqual(call.transcript, ["agent: Sorry."]);
});

test("an answer that the model reports as failed fails its turn", async (t) => {
  const llm = new testing.RealtimeModel({
    replies: [[{ say: "I was about to say" }, { fail: "overloaded" }]],
  });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent: { apology: null } });
  t.is(await call.hosted.agent.simpleResponse("Go on."), "failed");
  t.is(call.turns[0]?.error?.message, "overloaded");
});

test("words that come late, or never: the turn does not wait for them", async (t) => {
  const late = new testing.RealtimeModel({ transcribes: "late", replies: ["Yes.", "Indeed."] });
  const call = await RealtimeCall.with(t, { llm: late, edge: { speed: 4 } });
  call.edge.addParticipant("alice");
  const session = await late.session();
  session.speechStarted();
  session.speechEnded("Is it late?");
  await call.turnsOver(1);
  await until(() => call.transcript.length === 2, "the late words");
  t.deepEqual(call.transcript.toSorted(), ["agent: Yes.", "participant: Is it late?"]);

  const never = new testing.RealtimeModel({ transcribes: "never", replies: ["Yes."] });
  const other = await RealtimeCall.with(t, { llm: never, edge: { speed: 4 } });
  const silent = await never.session();
  silent.speechStarted();
  silent.speechEnded("Nobody knows.");
  const [turn] = await other.turnsOver(1);
  t.is(turn?.outcome, "done");
  t.deepEqual(other.transcript, ["agent: Yes."]);
});

test("late words stand in the conversation where they were said", async (t) => {
  const llm = new testing.RealtimeModel({ transcribes: "late", replies: ["Yes.", "Indeed."] });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 } });
  const session = await llm.session();
  session.speechStarted();
  session.speechEnded("Is it late?");
  await call.turnsOver(1);
  await until(() => call.transcript.length === 2, "the late words");
  session.lose(new Error("gone"));
  const again = await llm.session(2);
  t.deepEqual(
    again.history.map(({ text }) => text),
    ["Is it late?", "Yes."],
  );
});

test("a model that cannot tell what it answers, and breaks off by itself", async (t) => {
  const llm = new testing.RealtimeModel({ correlates: false, replies: [long, "Second."] });
  const call = await RealtimeCall.with(t, { llm });
  const session = await llm.session();
  session.speechStarted();
  session.speechEnded("First?");
  await call.edge.recording.reached(100);
  session.tell({ type: "answer_ended", answerId: "answer_1", outcome: "interrupted" });
  session.speechStarted();
  session.speechEnded("Second?");
  await call.turnsOver(2);
  t.deepEqual(
    call.turns.map(({ outcome }) => outcome),
    ["interrupted", "done"],
  );
  t.is(call.transcript.at(-1), "agent: Second.");
});

test("what comes of a stopped answer is not heard, and an answer to what was given up is stopped", async (t) => {
  const llm = new testing.RealtimeModel({ replies: [long, [{ hang: true }]] });
  const call = await RealtimeCall.with(t, { llm });
  const session = await llm.session();
  session.speechStarted();
  session.speechEnded("Tell me.");
  await call.edge.recording.reached(100);
  session.speechStarted();
  await call.turnsOver(1);
  const frames = call.edge.recording.frames.length;
  session.tell({
    type: "sound",
    answerId: "answer_1",
    frame: testing.tone(300, 500, { sampleRate: 24_000 }),
  });
  session.tell({ type: "sound", answerId: "unknown", frame: testing.tone(300, 500, { sampleRate: 24_000 }) });
  session.tell({ type: "answer_started", answerId: "stale", answers: "turn_of_old" });
  await until(() => session.stopped.some(({ answerId }) => answerId === "stale"), "the end of the stale one");
  t.is(call.edge.recording.frames.length, frames);
});

test("a turn that only its answer ends, since the model tells of no end of speech", async (t) => {
  const llm = new testing.RealtimeModel({ correlates: false });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 } });
  const session = await llm.session();
  session.tell({ type: "speech_started", turnId: "a" });
  session.tell({ type: "transcript", turnId: "a", text: "Hello", final: true });
  session.speak("Good morning.");
  const [turn] = await call.turnsOver(1);
  t.like(turn, { outcome: "done", origin: "participant" });
  t.deepEqual(call.transcript, ["participant: Hello", "agent: Good morning."]);
});

test("a phantom beginning of speech holds nothing for ever", async (t) => {
  const llm = new testing.RealtimeModel({ replies: ["Hello."] });
  const call = await RealtimeCall.with(t, {
    llm,
    edge: { speed: 4 },
    agent: { limits: { stalledTurnMs: 50 } },
  });
  const session = await llm.session();
  session.tell({ type: "speech_started", turnId: "phantom" });
  await new Promise((resolve) => setImmediate(resolve));
  t.is(await call.hosted.agent.simpleResponse("Greet."), "done");
  t.is(call.turns.length, 1);
});

test("a lost session fails what was under way; another one is opened with the conversation", async (t) => {
  const llm = new testing.RealtimeModel({
    replies: ["I remember.", [{ say: "And then" }, { hang: true }], "Still here."],
  });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent: { apology: null } });
  const session = await llm.session();
  session.speechStarted();
  session.speechEnded("Remember the number five.");
  await call.turnsOver(1);
  const running = call.hosted.agent.simpleResponse("Go on.");
  await until(() => session.requests.length === 1, "the request");
  session.lose(Object.assign(new Error("cut"), { code: "ECONNRESET" }));
  t.is(await running, "failed");
  const again = await llm.session(2);
  t.deepEqual(
    again.opened.messages.slice(0, 2).map((message) => "text" in message && message.text),
    ["Remember the number five.", "I remember."],
  );
  t.is(await call.hosted.agent.simpleResponse("Are you there?"), "done");
  t.is(call.transcript.at(-1), "agent: Still here.");
});

test("where no session can be had participants are unheard, until one can", async (t) => {
  const refused = () => Object.assign(new Error("refused"), { status: 503 });
  const failures = Array.from({ length: 7 }, refused);
  const llm = new testing.RealtimeModel({ failures, replies: ["Here I am."] });
  const call = await RealtimeCall.with(t, { llm, agent: { limits: { hearingRetryMs: 20 } } });
  call.edge.addParticipant("alice");
  const session = await llm.session();
  await until(() => call.events.some(({ type }) => type === "participant_heard"), "alice");
  t.deepEqual(
    call.events.flatMap((event) => (event.type.startsWith("participant_") ? [event.type] : [])).slice(0, 2),
    ["participant_unheard", "participant_heard"],
  );
  session.speechStarted();
  session.speechEnded("Hello?");
  await call.turnsOver(1);
  t.is(call.transcript.at(-1), "agent: Here I am.");
});

test("the session is closed with the agent, and its permit given back", async (t) => {
  const llm = new testing.RealtimeModel();
  let permits = 0;
  const permit = async () => {
    permits += 1;
    return { [Symbol.dispose]: () => (permits -= 1) };
  };
  const call = await RealtimeCall.with(t, { llm, host: { permit } });
  const session = await llm.session();
  t.true(session.open);
  t.is(permits, 1);
  await call.hosted.agent.close();
  t.false(session.open);
  t.is(permits, 0);
});

test("an answer that is text and sound by turns fails, and not the session", async (t) => {
  const llm = new testing.RealtimeModel({
    replies: [[{ say: "Sound. " }, { write: "Text." }], "Sound alone."],
  });
  const call = await RealtimeCall.with(t, { llm, agent: { apology: null } });
  t.is(await call.hosted.agent.simpleResponse("Mix."), "failed");
  t.is(await call.hosted.agent.simpleResponse("Again."), "done");
  t.is(llm.sessions.length, 1);
});
