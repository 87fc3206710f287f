import test from "ava";
import * as testing from "greenroom/testing";
import { until, VoiceCall } from "../../fixtures/voice/voice-call.ts";

const [first, second, third] = [
  "The first sentence is whole.",
  "The second one breaks off.",
  "The third is not heard.",
];
const answer = `${first} ${second} ${third}`;

/** A sentence of the answer, by its place, fails after so many of its chunks of ten characters. */
async function broken(t: Parameters<typeof VoiceCall.with>[0], place: number, afterChunks: number) {
  const failure = { error: new Error("out of breath"), afterChunks };
  const tts = new testing.TTS({ failures: [...Array(place).fill(null), failure] });
  const llm = new testing.LLM();
  const held = llm.hold();
  const call = await VoiceCall.with(t, { tts, llm, agent: { apology: null } });
  (await call.ear("alice")).say("Tell me.");
  await held.request;
  return { call, held };
}

test("speech that breaks off: what was made before is heard, and nothing after it", async (t) => {
  const { call, held } = await broken(t, 1, 1);
  held.text(answer);
  held.end();
  const [turn] = await call.turnsOver(1);
  t.is(turn?.outcome, "failed");
  const heard = call.transcript[1]?.replace("agent: ", "") ?? "";
  t.true(heard.startsWith(`${first} The seco`) && heard.length < first.length + 12, heard);
  // 20 ms a character.
  t.is(call.edge.recording.durationMs, (first.length + 10) * 20);
});

test("a sentence without any sound is not taken for heard", async (t) => {
  const { call, held } = await broken(t, 0, 0);
  held.text(answer);
  held.end();
  await call.turnsOver(1);
  t.deepEqual(call.transcript, ["alice: Tell me."]);
  t.is(call.edge.recording.durationMs, 0);
});

test("a voice that fails: the model is not waited for", async (t) => {
  const { call, held } = await broken(t, 0, 0);
  held.text(`${first} And so on`);
  await held.aborted;
  await until(() => call.turns.length === 1, "the end of the turn");
  t.is(call.turns[0]?.outcome, "failed");
});
