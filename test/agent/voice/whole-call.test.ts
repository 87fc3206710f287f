import test from "ava";
import type { AgentLauncher } from "greenroom";
import { Shared } from "../../fixtures/shared.ts";
import { answer, question, spokenQuestion } from "../../fixtures/voice/spoken-question.ts";
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
