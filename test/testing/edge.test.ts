import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import test, { type ExecutionContext } from "ava";
import {
  Agent,
  type Connection,
  type LlmEvent,
  type LlmRequest,
  type PcmFrame,
  type SpeechEvent,
} from "greenroom";
import * as testing from "greenroom/testing";
import { concatenate } from "../../src/audio/pcm.ts";
import { SoundRecording } from "../../src/providers/memory/recording.ts";
import { Child } from "../fixtures/runner/child.ts";

const agentUser = { id: "agent", name: "Agent" };
const signal = () => new AbortController().signal;

/** The agent's end of the call, without an agent. */
async function joined(t: ExecutionContext, edge: testing.Edge): Promise<Connection> {
  t.teardown(() => edge.close());
  const call = await edge.createCall({ callType: "default", callId: "call", agentUser, signal: signal() });
  return edge.join(call, { agentUser, signal: signal() });
}

/** Returns what is heard of each participant, from here on. */
function hearing(connection: Connection): Map<string, PcmFrame[]> {
  const heard = new Map<string, PcmFrame[]>();
  connection.audio?.listen((participantId, frame) => {
    heard.set(participantId, [...(heard.get(participantId) ?? []), frame]);
  });
  return heard;
}

const samplesOf = (frames: readonly PcmFrame[] = []) => concatenate(frames.map(({ samples }) => samples));

/** Returns the sound of frames, without the silence of an open microphone before and after. */
const loudOf = (frames: readonly PcmFrame[] = []) => {
  const all = samplesOf(frames);
  const first = all.findIndex((sample) => sample !== 0);
  return first < 0 ? new Int16Array(0) : all.slice(first, all.findLastIndex((sample) => sample !== 0) + 1);
};

const temporary = (t: ExecutionContext): string => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-edge-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
};

for (const speed of [1, 10, Infinity]) {
  test(`played sound arrives complete, in frames and in order: speed ${speed}`, async (t) => {
    const edge = new testing.Edge({ speed });
    const heard = hearing(await joined(t, edge));
    const alice = edge.addParticipant("alice");
    const one = testing.tone(300, 110);
    const two = testing.tone(500, 90);
    const [first, second] = await Promise.all([alice.play(one), alice.play(two)]);
    t.true(first.complete && second.complete);
    t.true(first.startedAt! <= first.endedAt! && first.endedAt! <= second.startedAt!);
    const frames = heard.get("alice") ?? [];
    t.true(frames.every(({ samples, sampleRate }) => samples.length === 320 && sampleRate === 16_000));
    const wanted = new Int16Array(1_920 + 1_600);
    wanted.set(one.samples);
    wanted.set(two.samples, 1_920);
    const all = samplesOf(frames);
    const begin = all.findIndex((sample) => sample !== 0) - one.samples.findIndex((sample) => sample !== 0);
    t.deepEqual(all.slice(begin, begin + wanted.length), wanted);
  });
}

test("in real time no frame is early", async (t) => {
  const edge = new testing.Edge();
  const before = performance.timeOrigin + performance.now();
  await joined(t, edge);
  const { endedAt } = await edge.addParticipant("alice").play(testing.tone(300, 200));
  t.true(endedAt! - before >= 178, `${endedAt! - before} ms`);
});

test("an open microphone sends silence, a muted one nothing, while played sound waits", async (t) => {
  const edge = new testing.Edge({ speed: 20 });
  const connection = await joined(t, edge);
  const alice = edge.addParticipant("alice");
  const bob = edge.addParticipant("bob");
  alice.muted = true;
  const playing = alice.play(testing.tone(300, 40));
  const heard = hearing(connection);
  await bob.pause(500);
  t.is(heard.get("alice"), undefined);
  t.true((heard.get("bob")?.length ?? 0) >= 25);
  t.deepEqual(loudOf(heard.get("bob")), new Int16Array(0));
  alice.muted = false;
  t.true((await playing).complete);
});

test("a WAV file is played, whatever its rate", async (t) => {
  const path = join(temporary(t), "question.wav");
  await testing.writeWav(path, testing.tone(400, 300, { sampleRate: 48_000 }));
  const edge = new testing.Edge({ speed: Infinity, sampleRate: 24_000 });
  const heard = hearing(await joined(t, edge));
  const alice = edge.addParticipant("alice");
  t.true((await alice.play(path)).complete);
  const samples = samplesOf(heard.get("alice"));
  t.is(samples.length, 7_200);
  t.true(testing.shareOf(400, { samples, sampleRate: 24_000 }) > 0.99);
  await t.throwsAsync(alice.play(import.meta.filename), {
    instanceOf: testing.WavError,
    message: /no WAV file/,
  });
  await t.throwsAsync(alice.play("/nowhere.wav"), { code: "ENOENT" });
  t.true((await alice.play(testing.tone(300, 20))).complete, "the next sound is played all the same");
});

test("several participants join, leave and are heard separately", async (t) => {
  const edge = new testing.Edge({ speed: 20 });
  const early = edge.addParticipant("early", { name: "Early Bird" });
  const connection = await joined(t, edge);
  t.deepEqual([...connection.participants.keys()], ["early"]);
  t.is(connection.participants.get("early")?.name, "Early Bird");
  const events: string[] = [];
  connection.subscribe((event) =>
    events.push("participant" in event ? `${event.type} ${event.participant.id}` : event.type),
  );
  const heard = hearing(connection);
  const late = edge.addParticipant("late");
  await Promise.all([early.play(testing.tone(300, 200)), late.play(testing.tone(700, 200))]);
  early.leave();
  early.leave();
  t.deepEqual([...connection.participants.keys()], ["late"]);
  for (const [id, frequency] of [
    ["early", 300],
    ["late", 700],
  ] as const) {
    const samples = loudOf(heard.get(id));
    t.true(testing.shareOf(frequency, { samples, sampleRate: 16_000 }) > 0.95, id);
  }
  t.throws(() => edge.addParticipant("late"), { message: /late is in the call already/ });
  edge.addParticipant("early");
  edge.hangUp();
  edge.hangUp();
  t.deepEqual(events, [
    "participant_joined late",
    "participant_left early",
    "participant_joined early",
    "ended",
  ]);
});

test("a stopped participant is silent, and the playback tells how far it got", async (t) => {
  const edge = new testing.Edge({ speed: 5 });
  const heard = hearing(await joined(t, edge));
  const alice = edge.addParticipant("alice");
  const playing = alice.play(testing.tone(300, 60_000));
  const waiting = alice.play(testing.tone(700, 100));
  await alice.pause(0);
  while (loudOf(heard.get("alice")).length === 0) await new Promise(setImmediate);
  alice.stop();
  t.like(await playing, { complete: false });
  t.not((await playing).startedAt, null);
  t.deepEqual(await waiting, { startedAt: null, endedAt: null, complete: false });
  t.true((await alice.play(testing.tone(700, 40))).complete);
});

test("when the call ends, all playbacks end, and no sound passes any more", async (t) => {
  const edge = new testing.Edge({ speed: 10 });
  const connection = await joined(t, edge);
  const heard = hearing(connection);
  const alice = edge.addParticipant("alice");
  const playing = alice.play(testing.tone(300, 60_000));
  edge.hangUp();
  await edge.left;
  t.false((await playing).complete);
  const count = heard.get("alice")?.length ?? 0;
  t.notThrows(() => connection.audio?.send({ samples: new Int16Array(320), sampleRate: 16_000 }));
  t.is(edge.recording.frames.length, 0);
  t.false((await edge.addParticipant("bob").play(testing.tone(300, 20))).complete);
  t.is(heard.get("alice")?.length ?? 0, count);
  await connection.leave();
});

test("sound that is played before the agent joins waits for it", async (t) => {
  const edge = new testing.Edge({ speed: 10 });
  const playing = edge.addParticipant("alice").play(testing.tone(300, 40));
  const heard = hearing(await joined(t, edge));
  await edge.joined;
  t.true((await playing).complete);
  t.is(loudOf(heard.get("alice")).length > 600, true);
});

test("a call without sound has participants all the same", async (t) => {
  const edge = new testing.Edge({ sound: false });
  const connection = await joined(t, edge);
  edge.addParticipant("alice");
  t.is(connection.audio, null);
  t.is(connection.participants.size, 1);
});

test("a join can be slow, or fail, and happens once", async (t) => {
  const failing = new testing.Edge({
    beforeJoin: async () => {
      throw new Error("no such call");
    },
  });
  await t.throwsAsync(joined(t, failing), { message: "no such call" });
  const edge = new testing.Edge();
  await joined(t, edge);
  await t.throwsAsync(joined(t, edge), { message: /joined once/ });
  const gone = new testing.Edge();
  const call = { callType: "default", callId: "call" };
  await t.throwsAsync(gone.join(call, { agentUser, signal: AbortSignal.abort(new Error("closing")) }), {
    message: "closing",
  });
});

test("the agent's frames are checked: another length or rate throws", async (t) => {
  const { audio } = await joined(t, new testing.Edge());
  t.throws(() => audio?.send({ samples: new Int16Array(100), sampleRate: 16_000 }), {
    instanceOf: TypeError,
  });
  t.throws(() => audio?.send({ samples: new Int16Array(320), sampleRate: 48_000 }), {
    instanceOf: TypeError,
  });
});

for (const options of [
  { speed: 0.5 },
  { speed: Number.NaN },
  { speed: 1_000 },
  { leadMs: -1 },
  { sampleRate: 11_025 },
]) {
  test(`an edge refuses ${JSON.stringify(options)}`, (t) => {
    t.throws(() => new testing.Edge(options));
  });
}

test("a recording has the time of each frame, the gaps, and the longest lead", (t) => {
  const recording = new SoundRecording(16_000);
  const frame = (value: number) => new Int16Array(320).fill(value);
  for (const at of [1_000, 1_000, 1_000, 1_020, 1_040, 1_500, 1_525]) recording.add(frame(1), at);
  t.is(recording.durationMs, 140);
  t.is(recording.mostAheadMs, 60);
  t.deepEqual(recording.gaps(), [{ at: 1_100, ms: 400 }]);
  t.deepEqual(recording.gaps(1), [
    { at: 1_100, ms: 400 },
    { at: 1_520, ms: 5 },
  ]);
  t.is(recording.sound.samples.length, 7 * 320);
  const { samples } = recording.timeline(900);
  t.is(samples.length, (1_525 + 20 - 900) * 16);
  t.is(samples.indexOf(1), 1_600, "100 ms of silence before");
  t.deepEqual(new Set(samples.slice(3_200, 9_600)), new Set([0]));
});

test("a recording of a fast call counts in the time of the call", (t) => {
  const recording = new SoundRecording(16_000, 10);
  for (const at of [1_000, 1_002, 1_044]) recording.add(new Int16Array(320), at);
  t.deepEqual(recording.gaps(), [{ at: 1_004, ms: 400 }]);
});

test("waiting for a recording has a deadline", async (t) => {
  const recording = new SoundRecording(16_000, 20);
  await t.throwsAsync(recording.reached(20, 10), {
    name: "DeadlineError",
    message: /20 ms of what the agent says/,
  });
  const reached = recording.reached(40);
  recording.add(new Int16Array(320));
  recording.add(new Int16Array(320));
  await reached;
  await recording.reached(40);
  await recording.quiet(20);
  await t.throwsAsync(recording.quiet(10_000, 10), { name: "DeadlineError" });
});

/** A thread with an edge of a name of its own. */
function edgeThread(t: ExecutionContext, speed = 5): { readonly worker: Worker; readonly name: string } {
  const name = `edge-${Math.random()}`;
  const worker = new Worker(new URL("../fixtures/thread/edge-thread.ts", import.meta.url), {
    workerData: { name, speed },
  });
  t.teardown(() => worker.terminate());
  return { worker, name };
}

test("a call in another thread is dialed, driven and recorded", async (t) => {
  const { worker, name } = edgeThread(t);
  using call = await testing.dial(name, { timeoutMs: 60_000 });
  t.is(call.recording.speed, 5);
  const alice = call.addParticipant("alice");
  t.throws(() => call.addParticipant("alice"), { message: /in the call already/ });
  const sound = testing.tone(300, 400);
  const playing = alice.play(sound);
  worker.postMessage("join");
  await call.joined;
  const { complete, startedAt } = await playing;
  t.true(complete);
  // It says again what it hears.
  await call.recording.reached(380);
  t.true(testing.shareOf(300, call.recording.sound) > 0.95);
  t.true(call.recording.frames[0]!.at >= startedAt!);

  const path = join(temporary(t), "again.wav");
  await testing.writeWav(path, sound);
  const before = call.recording.durationMs;
  t.true((await alice.play(path)).complete);
  await call.recording.reached(before + 380);

  const stopped = alice.play(testing.tone(500, 60_000));
  alice.stop();
  t.false((await stopped).complete);
  alice.muted = true;
  t.true(alice.muted);

  const ended = once(worker, "message");
  call.hangUp();
  t.deepEqual(await ended, ["ended"]);
  await call.left;
  t.false((await call.addParticipant("bob").play(sound)).complete);
});

test("a late dial receives the earlier sound, and that the agent has joined", async (t) => {
  const { worker, name } = edgeThread(t, 20);
  using first = await testing.dial(name, { timeoutMs: 60_000 });
  worker.postMessage("join");
  await first.addParticipant("alice").play(testing.tone(300, 200));
  await first.recording.reached(180);
  using second = await testing.dial(name, { timeoutMs: 60_000 });
  await second.joined;
  t.true(second.recording.durationMs >= 180);
});

test("the other thread is told of participants who leave", async (t) => {
  const { worker, name } = edgeThread(t);
  using call = await testing.dial(name, { timeoutMs: 60_000 });
  worker.postMessage("join");
  await call.joined;
  const come = once(worker, "message");
  const alice = call.addParticipant("alice");
  t.deepEqual(await come, ["participant_joined"]);
  const gone = once(worker, "message");
  alice.leave();
  t.deepEqual(await gone, ["participant_left"]);
  call.addParticipant("alice");
});

test("an edge that closes ends the waits of a dialed call; a closed one throws", async (t) => {
  const { worker, name } = edgeThread(t);
  const call = await testing.dial(name, { timeoutMs: 60_000 });
  const alice = call.addParticipant("alice");
  const playing = alice.play(testing.tone(300, 100));
  const exit = once(worker, "exit");
  worker.postMessage("leave");
  await call.left;
  t.false((await playing).complete);
  call.close();
  call.close();
  t.throws(() => call.hangUp(), { message: /closed/ });
  await exit;
});

test("closing a dialed call ends its playbacks, and the call continues", async (t) => {
  const { worker, name } = edgeThread(t);
  const call = await testing.dial(name, { timeoutMs: 60_000 });
  const playing = call.addParticipant("alice").play(testing.tone(300, 100));
  await new Promise(setImmediate);
  call.close();
  t.false((await playing).complete);
  using again = await testing.dial(name, { timeoutMs: 60_000 });
  worker.postMessage("join");
  await again.joined;
});

test("without an edge of that name dial rejects with a clear error", async (t) => {
  await t.throwsAsync(testing.dial(`nobody-${Math.random()}`, { timeoutMs: 50 }), {
    message: /The answer of a testing\.Edge named nobody-.* took longer than 50 ms/,
  });
});

test("a call that is left open lets its process end, but not before its speech is answered", async (t) => {
  const child = new Child(t, [join(import.meta.dirname, "../fixtures/thread/left-open-call.ts")]);
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.is(child.stdout, "Agent has answered\n");
});

test("a wait for speech that fails tells how much of it came", async (t) => {
  const recording = new SoundRecording(16_000);
  await t.throwsAsync(recording.reached(500, 20), {
    message: "500 ms of what the agent says took longer than 20 ms: nothing came",
  });
  recording.add(new Int16Array(320));
  await t.throwsAsync(recording.reached(500, 20), { message: /: 20 ms of it came$/ });
});

test("a recording can be the caller, and the conversation is written to a file", async (t) => {
  const folder = temporary(t);
  const [wav, out] = [join(folder, "in.wav"), join(folder, "out.wav")];
  await testing.writeWav(wav, testing.tone(300, 600));
  const edge = new testing.Edge({ speed: 10 });
  const agent = new Agent({
    edge,
    agentUser,
    instructions: "",
    llm: new testing.LLM({ replies: ["Nice to meet you."] }),
    stt: new testing.STT({ transcripts: ["Hello."] }),
    tts: new testing.TTS(),
  });
  t.teardown(() => agent.close());
  const calling = testing.callAsRecording(edge, { wav, out, quietMs: 3_000 });
  await agent.join(await agent.createCall("default", "call"));
  void agent.say("Welcome.");
  await calling;
  await agent.finish();
  const { buffer } = Uint8Array.from(readFileSync(out));
  const stereo = new Int16Array(buffer, 44);
  const channel = (first: number) => stereo.filter((_, index) => index % 2 === first);
  const caller = loudOf([{ samples: channel(0), sampleRate: 16_000 }]);
  t.true(testing.shareOf(300, { samples: caller, sampleRate: 16_000 }) > 0.9, "left is the caller");
  const said = edge.recording.sound.samples;
  const sound = (samples: Int16Array) => samples.filter((sample) => sample !== 0);
  t.deepEqual(sound(channel(1)), sound(said), "right is the agent");
  const answer = { samples: said.slice(-4_000), sampleRate: 16_000 };
  t.true(testing.shareOf(testing.TTS.frequencyOf(1), answer) > 0.9);
});

/** Resolves with all that a model says to one request. */
async function ask(llm: testing.LLM, text: string, abort = signal()): Promise<LlmEvent[]> {
  const events: LlmEvent[] = [];
  const messages = [{ role: "participant" as const, participantId: "alice", text }];
  const request: LlmRequest = {
    instructions: "",
    messages,
    functions: [],
    toolChoice: "auto",
    signal: abort,
  };
  for await (const event of llm.generate(request)) events.push(event);
  return events;
}

const textOf = (events: readonly LlmEvent[]) =>
  events.map((event) => (event.type === "text" ? event.delta : "")).join("");

test("the model gives its scripted replies, then the other one", async (t) => {
  const llm = new testing.LLM({
    replies: [
      "Hello  there,\nyou.",
      [
        { text: "Wait. " },
        { call: "look", arguments: { at: "it" }, providerData: "kept" },
        { call: "listen" },
      ],
      ({ messages }) => `${messages.length} messages`,
    ],
  });
  const first = await ask(llm, "hi");
  t.is(textOf(first), "Hello  there,\nyou.");
  t.is(first.filter(({ type }) => type === "text").length, 3);
  t.deepEqual(first.at(-1), { type: "usage", inputTokens: 1, outputTokens: 3 });
  const calls = (await ask(llm, "hi")).flatMap((event) => (event.type === "tool_call" ? [event.call] : []));
  t.deepEqual(calls, [
    { id: "call_2_1", name: "look", arguments: { at: "it" }, providerData: "kept" },
    { id: "call_2_2", name: "listen", arguments: {} },
  ]);
  t.is(textOf(await ask(llm, "hi")), "1 messages");
  t.is(textOf(await ask(llm, "hi")), "You said: hi");
  llm.reply("More.");
  t.is(textOf(await ask(llm, "hi")), "More.");
  t.is(textOf(await ask(new testing.LLM({ otherwise: "Always." }), "hi")), "Always.");
  t.is(llm.requests.length, 5);
  t.is(llm.aborted, 0);
});

test("the model fails, hangs and is slow as scripted, and can be aborted at any time", async (t) => {
  const llm = new testing.LLM({
    replies: [
      [{ text: "Well" }, { fail: "too many", status: 429 }],
      [{ hang: true }],
      [{ delayMs: 60_000 }],
      "slow words",
    ],
    firstTokenMs: 1,
    wordMs: 60_000,
  });
  const error = await t.throwsAsync(ask(llm, "1"), { message: "too many" });
  t.is((error as { status?: number }).status, 429);
  for (const text of ["2", "3", "4"]) {
    const cancel = new AbortController();
    const asked = ask(llm, text, cancel.signal);
    await new Promise(setImmediate);
    cancel.abort();
    await t.throwsAsync(asked, { name: "AbortError" }, text);
  }
  t.is(llm.aborted, 3);
});

test("the model is driven by hand", async (t) => {
  const llm = new testing.LLM({ replies: ["first"] });
  const held = llm.hold();
  t.is(textOf(await ask(llm, "1")), "first");
  const asked = ask(llm, "2");
  t.like((await held.request).messages[0], { text: "2" });
  held.text("By ");
  held.text("hand.");
  held.call("look", { at: "it" });
  held.end();
  const events = await asked;
  t.is(textOf(events), "By hand.");
  t.true(events.some(({ type }) => type === "tool_call"));

  const failing = llm.hold();
  failing.fail(new Error("by hand too"));
  await t.throwsAsync(ask(llm, "3"), { message: "by hand too" });

  const cancel = new AbortController();
  const dropped = llm.hold();
  const given = ask(llm, "4", cancel.signal);
  await dropped.request;
  cancel.abort(new Error("enough"));
  await t.throwsAsync(given, { message: "enough" });
  await dropped.aborted;
  t.is(llm.aborted, 1);
});

/** Resolves with all that a stream tells until it ends. */
async function told(stream: AsyncIterable<SpeechEvent>): Promise<SpeechEvent[]> {
  const events: SpeechEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

test("the recogniser is driven by hand", async (t) => {
  const stt = new testing.STT({ failures: [new Error("busy")] });
  const listen = () => stt.listen({ participantId: "alice", signal: signal() });
  await t.throwsAsync(listen(), { message: "busy" });
  const found = stt.stream("alice");
  const stream = await listen();
  const ear = await found;
  t.is<unknown, unknown>(ear, stream);
  stream.write(testing.tone(300, 20));
  ear.started();
  ear.partial("What");
  ear.eagerEnd("What is", 5);
  ear.resumed();
  ear.ended("What is it?");
  ear.say("Well?");
  ear.error(new Error("hiccup"));
  ear.error(new Error("over"), { fatal: true });
  const events = await told(stream);
  t.deepEqual(
    events.map(({ type }) => type),
    ["started", "partial", "eager_end", "resumed", "ended", "started", "partial", "ended", "error", "error"],
  );
  t.like(events[2], { text: "What is", speechEndedAt: 5 });
  t.is(typeof (events[4] as { speechEndedAt: unknown }).speechEndedAt, "number");
  t.is(ear.audioDurationMs, 20);
  t.false(ear.open);
  await stt.close();
});

test("the recogniser detects turns by the sound, at any speed, and has the words from a script", async (t) => {
  for (const speed of [10, Infinity]) {
    const edge = new testing.Edge({ speed });
    const { audio } = await joined(t, edge);
    const stt = new testing.STT({ transcripts: ["One.", "Two."] });
    const stream = await stt.listen({ participantId: "alice", signal: signal() });
    audio?.listen((_, frame) => stream.write(frame));
    const alice = edge.addParticipant("alice");
    for (let turn = 0; turn < 3; turn += 1) {
      await alice.play(testing.tone(300, 300));
      await alice.pause(500);
    }
    await stt.close();
    const events = await told(stream);
    t.deepEqual(
      events.map((event) => (event.type === "ended" ? event.text : event.type)),
      ["started", "One.", "started", "Two.", "started", ""],
    );
    t.is(Math.round(stream.audioDurationMs / 20) * 20, stream.audioDurationMs);
  }
});

test("the voice makes a tone of each text, each character equally long", async (t) => {
  const tts = new testing.TTS({ characterMs: 30, chunkCharacters: 4 });
  const say = async (text: string) => {
    const chunks = [];
    for await (const chunk of tts.speak(text, { signal: signal(), previousText: "before" }))
      chunks.push(chunk);
    return chunks;
  };
  const one = await say("Hello there");
  t.is(one.length, 3);
  t.deepEqual(
    one.flatMap(({ alignment }) => alignment?.characters ?? []),
    [..."Hello there"],
  );
  t.deepEqual(one[1]?.alignment?.startMs, [120, 150, 180, 210]);
  const whole = { samples: concatenate(one.map(({ samples }) => samples)), sampleRate: 16_000 };
  t.is(whole.samples.length, 11 * 30 * 16);
  t.true(testing.shareOf(testing.TTS.frequencyOf(0), whole) > 0.99);
  const two = await say("Bye");
  t.true(testing.shareOf(testing.TTS.frequencyOf(1), two[0]!) > 0.9);
  t.deepEqual(tts.spoken, [
    { text: "Hello there", previousText: "before", nextText: null, state: "done", made: 11 },
    { text: "Bye", previousText: "before", nextText: null, state: "done", made: 3 },
  ]);
  await tts.asked(2);
});

test("the voice fails, holds and is aborted as scripted", async (t) => {
  const failures = [{ error: new Error("no voice") }, { error: new Error("lost it"), afterChunks: 1 }, null];
  const tts = new testing.TTS({ failures, alignment: false });
  const chunks: number[] = [];
  const say = async (abort = signal()) => {
    for await (const chunk of tts.speak("twelve chars", { signal: abort })) {
      t.is(chunk.alignment, undefined);
      chunks.push(chunk.samples.length);
    }
  };
  await t.throwsAsync(say(), { message: "no voice" });
  t.is(chunks.length, 0);
  await t.throwsAsync(say(), { message: "lost it" });
  t.is(chunks.length, 1);

  const release = tts.hold();
  const cancel = new AbortController();
  const cancelled = say(cancel.signal);
  const held = say();
  await tts.asked(4);
  cancel.abort(new Error("enough"));
  await t.throwsAsync(cancelled, { message: "enough" });
  t.is(chunks.length, 1);
  release();
  await held;
  for await (const _ of tts.speak("broken off", { signal: signal() })) break;
  t.deepEqual(
    tts.spoken.map(({ state }) => state),
    ["failed", "failed", "cancelled", "done", "cancelled"],
  );
});
