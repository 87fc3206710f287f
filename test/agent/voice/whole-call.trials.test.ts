import test, { type ExecutionContext } from "ava";
import { heardOf } from "../../emulators/elevenlabs/tone.ts";
import { trials } from "../../fixtures/trials.ts";
import { until } from "../../fixtures/voice/voice-call.ts";
import {
  type Services,
  type StagedCall,
  startServices,
  VoiceStage,
} from "../../fixtures/voice/voice-stage.ts";

const question = "What is the weather like in Amsterdam today?";
const answer = "In Amsterdam it is 12 degrees, cloudy.";
const story =
  "Once upon a time there was a king. He had a castle with a hundred rooms. In each room there was a bed.";

/**
 * Returns what the sound of the call tells of what was to be said: the emulator's voice tells which character it speaks.
 */
function soundOf({ line, services }: StagedCall, { elevenlabs } = services): string {
  const { samples, sampleRate } = line.recording.sound;
  const each = (sampleRate * elevenlabs.script.msPerCharacter) / 1_000;
  let begin = 0;
  const heard = elevenlabs.log.of("request").flatMap(({ speech, body }) => {
    if (speech !== true) return [];
    const characters = [...(body as { text: string }).text];
    const sound = samples.subarray(begin, begin + characters.length * each);
    begin += sound.length;
    return [characters.slice(0, heardOf(characters.join(""), sound, { sampleRate })).join("")];
  });
  return letters(heard.join(""));
}

const letters = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, "");

function hears({ deepgram }: Services, ...phrases: readonly (string | readonly string[])[]): void {
  deepgram.script.phrases = phrases;
}

function partsAddUp(t: ExecutionContext, latency: NonNullable<StagedCall["turns"][number]["latency"]>) {
  const { responseMs, ...parts } = latency;
  t.true(Object.values(parts).every((part) => part >= 0));
  t.true(Math.abs(Object.values(parts).reduce((sum, part) => sum + part, 0) - responseMs) < 1e-6);
}

for (const delays of ["none", "published"] as const) {
  for (const eager of [false, true]) {
    test.serial(
      `a spoken question → a tool → a spoken answer; delays: ${delays}, eager: ${eager}`,
      async (t) => {
        const stage = await VoiceStage.open(t, delays);
        hears(stage.services, question);
        const call = await stage.call(t, { eager, speed: delays === "none" ? 4 : 1 });
        await call.say();
        const turn = await call.turnsOver(1);

        t.is(turn.outcome, "done");
        t.is(turn.toolCalls, 1);
        t.is(turn.eager, eager);
        partsAddUp(t, turn.latency!);
        t.deepEqual(call.transcript, [`alice: ${question}`, `agent: ${answer}`]);
        t.is(soundOf(call), letters(answer));
        // Eager or not, the model is asked once, and once more with what the tool has brought.
        t.is(call.asked.length, 2);
        await call.end();
        t.is(call.session.endReason, "finished");
      },
    );
  }
}

test.serial("words over the agent: it is cut, and the model is told what was heard of it", async (t) => {
  const stage = await VoiceStage.open(t, "published");
  hears(stage.services, "Tell me a story.", "Stop it please.");
  stage.services.gemini.script = (request) => [
    { text: JSON.stringify(request.contents?.at(-1)).includes("story") ? story : "All right." },
  ];
  const call = await stage.call(t);
  await call.say();
  await call.line.recording.reached(1_000);
  await call.say();
  t.is((await call.turnsOver(1)).outcome, "interrupted");
  await call.turnsOver(2);

  const heard = call.transcript[1]!.replace("agent: ", "");
  t.true(story.startsWith(heard) && heard.length > 10 && heard.length < story.length, heard);
  t.deepEqual(call.transcript, [
    "alice: Tell me a story.",
    `agent: ${heard}`,
    "alice: Stop it please.",
    "agent: All right.",
  ]);
  const shown = call.asked.at(-1)!.contents!.map(({ parts = [] }) => parts.map(({ text }) => text).join(""));
  t.deepEqual(shown, ["Tell me a story.", heard, "Stop it please."]);
  // What sounded is what was heard, but for the frames that were on their way.
  const sounded = soundOf(call).replace(letters("All right."), "");
  t.true(Math.abs(sounded.length - letters(heard).length) <= 3, `${sounded} / ${heard}`);
});

test.serial(
  "the recogniser's connection is lost in mid-turn: the turn goes on with the next one",
  async (t) => {
    const stage = await VoiceStage.open(t, "none");
    const { deepgram } = stage.services;
    hears(stage.services, "Hello there.");
    const call = await stage.call(t);
    const { alice } = call;
    const playing = call.say(4_000);
    await until(
      () => deepgram.log.of("sent").some(({ message }) => JSON.stringify(message).includes("StartOfTurn")),
      "the start of the turn",
    );
    await deepgram.connections[0]!.read();
    deepgram.connections[0]!.cut();
    await playing;
    await alice.pause(100);
    const turn = await call.turnsOver(1);
    t.is(turn.outcome, "done");
    t.regex(call.transcript[0]!, /^alice: Hello.*Hello there\.$/);
    t.is(deepgram.log.of("open").length, 2);
  },
);

test.serial(
  "the model fails in mid-answer: what was made is heard, the agent says so, the call lives on",
  async (t) => {
    const stage = await VoiceStage.open(t, "none");
    const { gemini } = stage.services;
    hears(stage.services, "Tell me a story.");
    const saga = `${story} ${story}`;
    gemini.script = () => [{ text: saga }];
    gemini.faults.add({ kind: "error_chunk", afterChunks: 2, status: 503 });
    const call = await stage.call(t, { speed: 4 });
    await call.say();
    t.is((await call.turnsOver(1)).outcome, "failed");
    t.is((await call.turnsOver(2)).outcome, "done");
    t.is(call.transcript.at(-1), "agent: Sorry about that.");
    await call.say();
    t.is((await call.turnsOver(3)).outcome, "done");
    t.is(call.transcript.at(-1), `agent: ${saga}`);
  },
);

test.serial(
  "the voice fails in mid-sentence: what was made is heard, the agent says so, the call lives on",
  async (t) => {
    const stage = await VoiceStage.open(t, "none");
    const { gemini, elevenlabs } = stage.services;
    hears(stage.services, "Tell me a story.");
    gemini.script = () => [{ text: story }];
    elevenlabs.faults.push({}, { cutAfterMs: 600 });
    const call = await stage.call(t, { speed: 4 });
    await call.say();
    t.is((await call.turnsOver(1)).outcome, "failed");
    const heard = call.transcript[1]!.replace("agent: ", "");
    // The third sentence may overtake the second one, which needs a connection of its own.
    t.regex(heard, /^Once upon a time there was a king\. He had a( castle with a hundred rooms\. In each)? /);
    t.true(heard.length < story.length - 10, heard);
    t.is((await call.turnsOver(2)).outcome, "done");
    await call.say();
    t.is((await call.turnsOver(3)).outcome, "done");
    t.is(call.transcript.at(-1), `agent: ${story}`);
  },
);

test.serial("each service fails and has another behind it: the caller notices nothing", async (t) => {
  const stage = await VoiceStage.open(t, "none");
  const { gemini, deepgram, elevenlabs } = stage.services;
  const reserve = await startServices(t, "none");
  hears(reserve, question);
  gemini.faults.add({ kind: "status", status: 503, times: 1_000 });
  deepgram.faults.always = { status: 503 };
  elevenlabs.faults.always = { status: 503 };
  const urls = {
    gemini: reserve.gemini.url,
    deepgram: reserve.deepgram.url,
    elevenlabs: reserve.elevenlabs.url,
  };
  const call = await stage.call(t, { speed: 4, reserve: urls }, reserve.deepgram);
  await call.say();
  t.is((await call.turnsOver(1)).outcome, "done");
  t.deepEqual(call.transcript, [`alice: ${question}`, `agent: ${answer}`]);
  t.is(soundOf(call, reserve), letters(answer));
});

/** Returns what the process holds, by kind; the services count sockets themselves. */
function holdings(): Record<string, number> {
  const held: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (!/^TCP/.test(kind)) held[kind] = (held[kind] ?? 0) + 1;
  }
  return held;
}

const calls = trials(8, 100);

test.serial(`${calls} calls in a row leave no socket, timer or thread behind`, async (t) => {
  t.timeout(900_000);
  const before = holdings();
  const stage = await VoiceStage.open(t, "none", { warmSessions: 2 });
  const { gemini, deepgram, elevenlabs } = stage.services;
  hears(stage.services, "Hello there.");
  gemini.script = () => [{ text: "Hello Alice!" }];
  for (let count = 0; count < calls; count += 1) {
    deepgram.log.clear();
    const call = await stage.call(t, { speed: 20 });
    await call.say();
    t.is((await call.turnsOver(1)).outcome, "done");
    await call.end();
    t.is(call.session.endReason, "finished");
    await until(() => deepgram.connections.length === 0, "the end of the recogniser's connections");
  }
  t.is(stage.launcher.listSessions().length, 0);
  await stage.launcher.stop();
  await until(() => gemini.openConnections === 0, "the end of the model's connections");
  await until(() => elevenlabs.connections.open === 0, "the end of the voice's connections");
  t.is(elevenlabs.speaking, 0);
  await until(
    () => Object.entries(holdings()).every(([kind, count]) => count <= (before[kind] ?? 0)),
    "the end of all",
  );
});
