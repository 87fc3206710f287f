import test from "ava";
import { SessionMetrics } from "../../src/metrics/session-metrics.ts";
import type { Measurement } from "../../src/shared/measurement.ts";

function llm(fields: Partial<Extract<Measurement, { kind: "llm" }>> = {}): Measurement {
  return {
    kind: "llm",
    provider: "local",
    model: "rules",
    outcome: "done",
    latencyMs: 100,
    firstTokenMs: 40,
    inputTokens: 10,
    outputTokens: 5,
    ...fields,
  };
}

test("without data averages are null and totals 0", (t) => {
  const snapshot = new SessionMetrics().snapshot();
  for (const [name, value] of Object.entries(snapshot)) {
    t.is(value, name.endsWith("__avg") ? null : 0, name);
  }
});

test("averages are of completed answers, tokens of all", (t) => {
  const metrics = new SessionMetrics();
  metrics.record(llm({ latencyMs: 100, firstTokenMs: 40 }));
  metrics.record(llm({ latencyMs: 300, firstTokenMs: null }));
  metrics.record(llm({ latencyMs: 9_000, firstTokenMs: 8_000, outcome: "cancelled" }));
  metrics.record(llm({ latencyMs: 9_000, firstTokenMs: 8_000, outcome: "failed" }));
  const snapshot = metrics.snapshot();
  t.is(snapshot.llm_latency_ms__avg, 200);
  t.is(snapshot.llm_time_to_first_token_ms__avg, 40);
  t.is(snapshot.llm_input_tokens__total, 40);
  t.is(snapshot.llm_output_tokens__total, 20);
});

test("every tool call counts, and how long it took unless it was cancelled", (t) => {
  const metrics = new SessionMetrics();
  const tool = { kind: "tool", provider: "local", model: "rules" } as const;
  metrics.record({ ...tool, outcome: "done", latencyMs: 10 });
  metrics.record({ ...tool, outcome: "failed", latencyMs: 30 });
  metrics.record({ ...tool, outcome: "cancelled", latencyMs: 9_000 });
  t.is(metrics.snapshot().llm_tool_calls__total, 3);
  t.is(metrics.snapshot().llm_tool_latency_ms__avg, 20);
});

test("speech, turns and speech-to-speech", (t) => {
  const metrics = new SessionMetrics();
  const source = { provider: "local", model: "one" } as const;
  metrics.record({ kind: "stt", ...source, latencyMs: 200, audioDurationMs: 1_500 });
  metrics.record({ kind: "stt", ...source, latencyMs: null, audioDurationMs: 500 });
  metrics.record({ kind: "tts", ...source, latencyMs: 90, audioDurationMs: 2_500, characters: 40 });
  metrics.record({ kind: "turn", outcome: "done", durationMs: 1_000, trailingSilenceMs: 300 });
  metrics.record({ kind: "turn", outcome: "interrupted", durationMs: 9_000, trailingSilenceMs: null });
  metrics.record({ kind: "realtime", ...source, audioInputDurationMs: 700, audioOutputDurationMs: 900 });
  metrics.record({ kind: "error", component: "llm", provider: "local", error: "timeout" });
  t.like(metrics.snapshot(), {
    stt_latency_ms__avg: 200,
    stt_audio_duration_ms__total: 2_000,
    tts_latency_ms__avg: 90,
    tts_audio_duration_ms__total: 2_500,
    tts_characters__total: 40,
    turn_duration_ms__avg: 1_000,
    turn_trailing_silence_ms__avg: 300,
    realtime_audio_input_duration_ms__total: 700,
    realtime_audio_output_duration_ms__total: 900,
  });
});

test("numbers that are none do not spoil the sums", (t) => {
  const metrics = new SessionMetrics();
  metrics.record(llm({ latencyMs: 100, inputTokens: 1 }));
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -5, "7" as unknown as number]) {
    metrics.record(llm({ latencyMs: bad, inputTokens: bad }));
  }
  t.is(metrics.snapshot().llm_latency_ms__avg, 100);
  t.is(metrics.snapshot().llm_input_tokens__total, 1);
});

test("usage is told by provider and model, and models beyond 20 are summed up", (t) => {
  const metrics = new SessionMetrics();
  metrics.record(llm());
  metrics.record(llm({ outcome: "cancelled" }));
  metrics.record({
    kind: "tts",
    provider: "voices",
    model: "v1",
    latencyMs: 1,
    audioDurationMs: 20,
    characters: 3,
  });
  t.deepEqual(metrics.usage, [
    { component: "llm", provider: "local", model: "rules", input_tokens: 20, output_tokens: 10 },
    { component: "tts", provider: "voices", model: "v1", characters: 3, audio_duration_ms: 20 },
  ]);
  for (let index = 0; index < 100; index += 1) metrics.record(llm({ model: `model-${index}` }));
  const others = metrics.usage.filter((row) => row.provider === "other");
  t.is(metrics.usage.length, 21);
  t.is(others.length, 1);
  t.is(others[0]?.input_tokens, (100 - 18) * 10);
});
