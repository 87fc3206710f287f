import test from "ava";
import { until, VoiceCall } from "../../fixtures/voice/voice-call.ts";

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
