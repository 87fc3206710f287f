import test from "ava";
import * as testing from "greenroom/testing";
import { launch } from "../../fixtures/launch.ts";
import { eventOf } from "../../fixtures/session-watch.ts";

test("in a session of a server: transcripts, latency and figures cross the thread", async (t) => {
  const launcher = await launch(t, "realtime", { warmSessions: 1, unresponsiveAfterMs: 30_000 });
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
