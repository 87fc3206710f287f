import test from "ava";
import type { AgentLauncher } from "greenroom";
import { Shared } from "../../fixtures/shared.ts";
import { answer, question, spokenQuestion } from "../../fixtures/voice/spoken-question.ts";
import { until } from "../../fixtures/voice/voice-call.ts";
import {
  hears,
  letters,
  soundOf,
  startServices,
  startVoiceServer,
  urlsOf,
  VoiceStage,
} from "../../fixtures/voice/voice-stage.ts";

const shared = new Shared();
let server: AgentLauncher;

test.before(async () => {
  server = await startVoiceServer(shared);
});
test.after.always(() => shared.end());

const story =
  "Once upon a time there was a king. He had a castle with a hundred rooms. In each room there was a bed.";

test.serial("a spoken question → a tool → a spoken answer, eager or not", (t) =>
  spokenQuestion(t, "none", server),
);

test.serial("words over the agent: it is cut, and the model is told what was heard of it", async (t) => {
  const stage = await VoiceStage.open(t, "published", server);
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
    const stage = await VoiceStage.open(t, "none", server);
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
    const stage = await VoiceStage.open(t, "none", server);
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
    const stage = await VoiceStage.open(t, "none", server);
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
  const stage = await VoiceStage.open(t, "none", server);
  const { gemini, deepgram, elevenlabs } = stage.services;
  const reserve = await startServices(t, "none");
  hears(reserve, question);
  gemini.faults.add({ kind: "status", status: 503, times: 1_000 });
  deepgram.faults.always = { status: 503 };
  elevenlabs.faults.always = { status: 503 };
  const call = await stage.call(t, { speed: 4, reserve: urlsOf(reserve) }, reserve.deepgram);
  await call.say();
  t.is((await call.turnsOver(1)).outcome, "done");
  t.deepEqual(call.transcript, [`alice: ${question}`, `agent: ${answer}`]);
  t.is(soundOf(call, reserve), letters(answer));
});
