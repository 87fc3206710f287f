import test from "ava";
import type { SessionEvent } from "../../src/api/session.ts";
import { eventJson } from "../../src/control-plane/documents/wire.ts";
import { SessionMetrics } from "../../src/metrics/session-metrics.ts";
import { within } from "../../src/shared/deadline.ts";
import type { Measurement } from "../../src/shared/measurement.ts";
import { type FromThread, now } from "../../src/shared/protocol.ts";
import { eventOf } from "../fixtures/session-watch.ts";
import { detachedSession } from "../fixtures/supervisor/detached-session.ts";

const service = { provider: "p", model: "m" };
const sound = (audioDurationMs: number, latencyMs: number | null): Measurement => ({
  kind: "stt",
  ...service,
  latencyMs,
  audioDurationMs,
});

test("metrics are told where a figure has changed, and not for sound alone", async (t) => {
  const session = detachedSession({});
  const measured = (measurement: Measurement) =>
    session.message({ type: "measured", measurement } satisfies FromThread);
  const told: unknown[] = [];
  session.events.subscribe(0, ({ event }) => event.type === "metrics" && told.push(event.metrics));

  measured(sound(1_000, null));
  measured(sound(500, 120));
  const first = eventOf(session, (event) => event.type === "metrics");
  await within(first, 10_000, "The first metrics");
  measured({ kind: "error", component: "stt", provider: "p", error: "timeout" });
  session.abandon(new Error("over"));
  t.is(told.length, 1, "an error changes none of the figures");
  t.like(told[0], { stt_audio_duration_ms__total: 1_500, stt_latency_ms__avg: 120 });
  t.is(session.metrics.snapshot().stt_audio_duration_ms__total, 1_500);
});

test("clients read three decimals, and the parts of a latency still add up exactly", (t) => {
  const latency = {
    responseMs: 1_236.4287109375,
    endOfTurnMs: 600.0004,
    firstTokenMs: 350.0004,
    firstSentenceMs: 120.0004,
    firstByteMs: 100.0004,
    outputMs: 66.4271109375,
  };
  const turn = {
    type: "turn",
    at: now(),
    turnId: "t",
    origin: "participant",
    outcome: "done",
    durationMs: 236.4287109375,
    firstTokenMs: 0.12345,
    toolCalls: 0,
    latency,
    eager: false,
  } as const satisfies SessionEvent;
  const json = eventJson(turn, "whole");
  if (json.type !== "turn" || json.latency === null) return t.fail();
  t.is(json.duration_ms, 236.429);
  t.is(json.first_token_ms, 0.123);
  const { response_ms, ...parts } = json.latency;
  t.is(response_ms, 1_236.429);
  const thousandths = (ms: number) => Math.round(ms * 1_000);
  const all = Object.values(parts).filter((ms) => ms !== undefined);
  t.is(all.length, 5);
  t.true(all.every((ms) => ms === thousandths(ms) / 1_000));
  t.is(
    all.reduce((sum, ms) => sum + thousandths(ms), 0),
    thousandths(response_ms),
  );

  const metrics = new SessionMetrics();
  for (const ms of [100, 100, 101]) metrics.record(sound(ms + 0.00007, ms));
  t.is(metrics.snapshot().stt_latency_ms__avg, 100.333);
  t.is(metrics.snapshot().stt_audio_duration_ms__total, 301);
  t.like(metrics.usage[0], { audio_duration_ms: 301 });
});
