import test from "ava";
import * as testing from "greenroom/testing";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { spoken } from "../../fixtures/voice/spoken.ts";

test("a spoken turn tells how long its answer took to sound, and what that consists of", async (t) => {
  const launcher = await startLauncher({ warmSessions: 1 });
  t.teardown(() => launcher.stop());
  const { url, ask } = await openServer(t, launcher);
  const session = await launcher.startSession({ callId: "spoken", inMemory: { speed: 4 } });
  using call = await testing.dial(session.id);
  await call.joined;
  await call.addParticipant("alice").play(await spoken("Good evening."));

  const reader = await EventReader.open(t, `${url}/sessions/${session.id}/events`);
  const events = await reader.until(({ event }) => event === "turn");
  const heard = events.find(({ data }) => data.role === "user")!;
  t.is(heard.data.participant_id, "alice");
  const { data: turn } = events.at(-1)!;
  t.is(turn.outcome, "done");
  t.is(turn.eager, false);
  const { response_ms, ...parts } = turn.latency;
  t.deepEqual(Object.keys(parts), [
    "end_of_turn_ms",
    "first_token_ms",
    "first_sentence_ms",
    "first_byte_ms",
    "output_ms",
  ]);
  const sum = (Object.values(parts) as number[]).reduce((whole, part) => whole + part, 0);
  t.true(Math.abs(sum - response_ms) < 0.01);
  t.true(parts.end_of_turn_ms > 0);

  const { metrics } = (await ask(`/sessions/${session.id}/metrics`)).body;
  t.is(metrics.response_latency_ms__avg, response_ms);
  t.is(metrics.eot_latency_ms__avg, parts.end_of_turn_ms);
  t.is(metrics.turn_trailing_silence_ms__avg, parts.end_of_turn_ms);
  t.true(metrics.tts_characters__total > 0 && metrics.stt_audio_duration_ms__total > 0);
  const { text } = await ask("/metrics");
  t.regex(text, /^greenroom_response_seconds_count\{outcome="done",eager="false"\} 1$/m);
  t.regex(text, /^greenroom_response_part_seconds_count\{part="end_of_turn"\} 1$/m);
});
