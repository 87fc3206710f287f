import test from "ava";
import { Agent } from "greenroom";
import * as testing from "greenroom/testing";
import { FloorGate } from "../../../src/agent/realtime/floor-gate.ts";
import { launch } from "../../fixtures/launch.ts";
import { eventOf } from "../../fixtures/session-watch.ts";
import { RealtimeCall } from "../../fixtures/voice/realtime-call.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

/** A text that would sound for half a minute: however busy the machine is, it is not over before it is cut. */
const long = "This is a sentence of a long answer. ".repeat(40).trim();

test("sound in, sound out: a spoken call by a speech-to-speech model, with the transcripts of both sides", async (t) => {
  const llm = new testing.RealtimeModel({
    transcripts: ["What is the weather in Oslo?", "And in Rome?"],
    replies: [
      [{ call: "get_weather", arguments: { location: "Oslo" } }, { say: "It rains in Oslo." }],
      "It is sunny.",
    ],
  });
  const asked: string[] = [];
  llm.registerFunction<{ location: string }>({
    name: "get_weather",
    description: "Get the current weather for a location",
    parameters: { type: "object", properties: { location: { type: "string" } } },
    execute: ({ location }) => {
      asked.push(location);
      return "rain";
    },
  });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent: { instructions: "Be brief." } });
  const alice = call.edge.addParticipant("alice");
  await alice.play(testing.tone(400, 800));
  const [first] = await call.turnsOver(1);
  t.like(first, { outcome: "done", origin: "participant", toolCalls: 1 });
  await alice.play(testing.tone(400, 800));
  await call.turnsOver(2);

  t.deepEqual(asked, ["Oslo"]);
  t.deepEqual(call.transcript, [
    "alice: What is the weather in Oslo?",
    "agent: It rains in Oslo.",
    "alice: And in Rome?",
    "agent: It is sunny.",
  ]);
  const session = await llm.session();
  t.like(session.opened, { instructions: "Be brief.", messages: [] });
  t.deepEqual(
    session.opened.functions.map(({ name }) => name),
    ["get_weather"],
  );
  t.deepEqual(
    session.results.map(({ output }) => output),
    ["rain"],
  );
  t.deepEqual(session.history, [
    { role: "user", text: "What is the weather in Oslo?" },
    { role: "model", text: "It rains in Oslo." },
    { role: "user", text: "And in Rome?" },
    { role: "model", text: "It is sunny." },
  ]);
  t.deepEqual(session.stopped, []);

  const { latency } = first!;
  const { responseMs, ...stages } = latency!;
  t.deepEqual(Object.keys(stages).toSorted(), ["endOfTurnMs", "firstByteMs", "outputMs"]);
  t.true(Math.abs(Object.values(stages).reduce((sum, ms) => sum + ms, 0) - responseMs) < 1e-6);
  const kinds = new Set(call.hosted.measurements.map(({ kind }) => kind));
  t.true(
    ["llm", "realtime", "tool", "turn", "response"].every((kind) => kinds.has(kind as "llm")),
    [...kinds].join(),
  );
  const answers = call.hosted.measurements.filter((one) => one.kind === "llm");
  t.deepEqual(
    answers.map(({ outcome }) => outcome),
    ["done", "done"],
  );
});

test("speech over the agent silences it at once, and the model remembers what was heard", async (t) => {
  const llm = new testing.RealtimeModel({
    transcripts: ["Tell me a story.", "Stop."],
    replies: [long, "All right."],
  });
  const call = await RealtimeCall.with(t, { llm });
  call.edge.addParticipant("alice");
  const session = await llm.session();
  session.speechStarted();
  session.speechEnded("Tell me a story.");
  await call.edge.recording.reached(300);
  session.speechStarted();
  const [cut] = await call.turnsOver(1);
  t.is(cut?.outcome, "interrupted");
  const framesAtCut = call.edge.recording.frames.length;
  session.speechEnded("Stop.");
  await call.turnsOver(2);
  const heard = call.transcript[1]!.replace("agent: ", "");
  t.true(long.startsWith(heard) && heard.length > 0 && heard.length < long.length, heard);
  t.is(session.stopped.length, 1);
  t.is(session.stopped[0]?.heard.characters, heard.length);
  t.deepEqual(
    session.history.map(({ text }) => text),
    ["Tell me a story.", heard, "Stop.", "All right."],
  );
  // After the cut comes the next answer, and nothing of the old one.
  for (const { samples } of call.edge.recording.frames.slice(framesAtCut)) {
    t.true(testing.shareOf(testing.RealtimeModel.frequencyOf(0), { samples, sampleRate: 16_000 }) < 0.5);
  }
});

test("the agent's code speaks by the model: greetings, instructions, typed words, and what must not be interrupted", async (t) => {
  const llm = new testing.RealtimeModel({ replies: ["Hello there.", "Typed, I see."] });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 } });
  const { agent } = call.hosted;
  t.is(await agent.simpleResponse("Greet them."), "done");
  t.is(await agent.say("This call is recorded."), "done");
  call.hosted.type("I cannot speak.");
  await call.turnsOver(3);
  t.deepEqual(call.transcript, [
    "agent: Hello there.",
    "agent: This call is recorded.",
    "alice: I cannot speak.",
    "agent: Typed, I see.",
  ]);
  const session = await llm.session();
  t.deepEqual(
    session.requests.map((request) => request.type),
    ["answer", "say", "answer"],
  );

  call.edge.addParticipant("alice");
  await until(() => session.heardMs > 0, "the sound of her microphone");
  const notice = agent.say(long.slice(0, 200), { interruptible: false });
  await until(() => session.requests.length === 4, "the notice");
  session.speechStarted();
  session.speechEnded("But I object");
  t.is(await notice, "done");
  await call.turnsOver(5);
  t.deepEqual(call.transcript.slice(-2), ["alice: But I object", "agent: You said: But I object"]);
});

test("a model that only writes is spoken by the agent's own voice", async (t) => {
  const llm = new testing.RealtimeModel({ replies: [[{ write: "Spoken by another voice." }]] });
  const tts = new testing.TTS();
  const call = await RealtimeCall.with(t, { llm, agent: { tts } });
  const session = await llm.session();
  session.speechStarted();
  session.speechEnded("Hello?");
  const [turn] = await call.turnsOver(1);
  t.is(turn?.outcome, "done");
  t.is(await call.hosted.agent.say("And this too."), "done");
  t.deepEqual(
    tts.spoken.map(({ text }) => text),
    ["Spoken by another voice.", "And this too."],
  );
  // The model was told what it has not said itself.
  t.deepEqual(
    session.history.map(({ text }) => text),
    ["Hello?", "Spoken by another voice.", "And this too."],
  );
});

test("in a call of text the model's words are read", async (t) => {
  const llm = new testing.RealtimeModel({ replies: ["Words to read."] });
  const call = await RealtimeCall.with(t, { llm, edge: { sound: false } });
  call.hosted.type("Hello");
  await call.turnsOver(1);
  t.is(await call.hosted.agent.say("As it is."), "done");
  t.deepEqual(call.transcript, ["alice: Hello", "agent: Words to read.", "agent: As it is."]);
});

test("a recogniser beside a model that hears is a mistake", (t) => {
  const options = {
    edge: new testing.Edge(),
    agentUser: { id: "agent", name: "" },
    instructions: "",
    llm: new testing.RealtimeModel(),
    stt: new testing.STT(),
  };
  t.throws(() => new Agent(options), { message: "new Agent: stt: a speech-to-speech model hears by itself" });
});

const quiet = new Int16Array(320);
const loud = testing.tone(400, 20).samples;

function admitted(gate: FloorGate, frames: readonly (readonly [string, Int16Array])[]): string {
  return frames.map(([who, samples]) => (gate.admits(who, samples) ? who : ".")).join("");
}

test("one voice at a time is heard: who is loud first, until they have been quiet for a while", (t) => {
  const gate = new FloorGate();
  t.is(
    admitted(gate, [
      ["a", quiet],
      ["b", quiet],
      ["a", loud],
      ["b", loud],
      ["a", quiet],
      ["b", loud],
    ]),
    "a.a.a.",
  );
  t.is(gate.holder, "a");
  const pause = Array.from({ length: 40 }, () => ["a", quiet] as const);
  admitted(gate, pause);
  t.is(
    admitted(gate, [
      ["b", quiet],
      ["b", loud],
      ["a", quiet],
      ["b", quiet],
    ]),
    ".b.b",
  );
  gate.participantLeft("b");
  t.is(gate.holder, "a");
});

test("of two who speak one after the other it is known who said what", async (t) => {
  const llm = new testing.RealtimeModel({
    transcripts: ["Tea for me.", "Coffee for me."],
    replies: ["One tea.", "One coffee."],
  });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 } });
  const alice = call.edge.addParticipant("alice");
  const bob = call.edge.addParticipant("bob");
  await alice.play(testing.tone(400, 600));
  await call.turnsOver(1);
  await bob.play(testing.tone(500, 600));
  await call.turnsOver(2);
  t.deepEqual(call.transcript, [
    "alice: Tea for me.",
    "agent: One tea.",
    "bob: Coffee for me.",
    "agent: One coffee.",
  ]);
});

test("in a session of a server: transcripts, latency and figures cross the thread", async (t) => {
  const launcher = await launch(t, "providers/realtime", { unresponsiveAfterMs: 30_000 });
  const session = await launcher.startSession({ callId: "call-1", inMemory: { speed: 4 } });
  const said: string[] = [];
  session.events.subscribe(0, ({ event }) => {
    if (event.type === "transcript" && event.final) said.push(`${event.participantId}: ${event.text}`);
  });
  using call = await testing.dial(session.id);
  const alice = call.addParticipant("alice");
  await eventOf(session, (event) => event.type === "turn" && event.origin === "response");
  await alice.play(testing.tone(400, 800));
  const turn = await eventOf(session, (event) => event.type === "turn" && event.origin === "participant");
  t.like(turn, { outcome: "done" });
  t.true(turn.type === "turn" && turn.latency !== null && !("firstTokenMs" in turn.latency));
  t.deepEqual(said, ["agent: Hello.", "alice: Who is there?", "agent: It is me."]);
  t.true(call.recording.durationMs > 200);
  call.hangUp();
  await session.ended;
  const metrics = session.metrics.snapshot();
  t.true(metrics.realtime_audio_input_duration_ms__total > 500);
  t.true(metrics.realtime_audio_output_duration_ms__total > 0);
  t.true(metrics.response_latency_ms__avg !== null);
  t.is(metrics.llm_input_tokens__total > 0, true);
});
