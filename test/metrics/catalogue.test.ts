import test from "ava";
import type { SessionEvent } from "../../src/api/session.ts";
import { families } from "../../src/metrics/catalogue.ts";
import { numbersOf } from "../../src/metrics/measured-numbers.ts";
import { measurementTable } from "../../src/metrics/measurement-table.ts";
import { unitOf } from "../../src/metrics/metric-family.ts";
import { SessionMetrics } from "../../src/metrics/session-metrics.ts";
import { within } from "../../src/shared/deadline.ts";
import { type FromThread, now } from "../../src/shared/protocol.ts";
import type { Measurement } from "../../src/shared/session/measurement.ts";
import { sessionMetricFields } from "../../src/shared/session/session-metric-fields.ts";
import { eventJson } from "../../src/supervisor/wire/event-json.ts";
import { eventOf } from "../fixtures/session-watch.ts";
import { detachedSession } from "../fixtures/supervisor/detached-session.ts";

test("names follow the conventions of Prometheus", (t) => {
  t.is(new Set(families.map((family) => family.name)).size, families.length, "a name is used twice");
  for (const family of families) {
    const { name, type, help } = family;
    t.regex(name, /^greenroom_[a-z]+(_[a-z]+)*$/);
    t.is(name.endsWith("_total"), type === "counter", `${name}: only counters end in _total`);
    // What has buckets of time or is a share must say so in its name.
    if (type === "histogram") t.is(unitOf(family), "seconds", name);
    t.notRegex(name, /_(ms|milliseconds|mb|mib|percent|minutes)(_|$)/);
    t.regex(help, /^[0-9A-Z].*\.$/, name);
  }
});

test("histograms have rising buckets, and nothing is labelled by session, call or caller", (t) => {
  for (const { name, type, buckets, labels } of families) {
    t.is(buckets !== undefined, type === "histogram", name);
    t.deepEqual(
      buckets ?? [],
      (buckets ?? []).toSorted((a, b) => a - b),
      name,
    );
    t.false(
      labels.some((label) => /session|call|user|participant|path/.test(label)),
      name,
    );
  }
});

/** Vision Agents' names of what it measures in one call, as its clients look them up. */
const visionAgentsNames = [
  "stt_latency_ms__avg",
  "stt_audio_duration_ms__total",
  "tts_latency_ms__avg",
  "tts_audio_duration_ms__total",
  "tts_characters__total",
  "llm_latency_ms__avg",
  "llm_time_to_first_token_ms__avg",
  "llm_input_tokens__total",
  "llm_output_tokens__total",
  "llm_tool_calls__total",
  "llm_tool_latency_ms__avg",
  "turn_duration_ms__avg",
  "turn_trailing_silence_ms__avg",
  "realtime_audio_input_bytes__total",
  "realtime_audio_output_bytes__total",
  "realtime_audio_input_duration_ms__total",
  "realtime_audio_output_duration_ms__total",
  "realtime_user_transcriptions__total",
  "realtime_agent_transcriptions__total",
  "vlm_inference_latency_ms__avg",
  "vlm_inferences__total",
  "vlm_input_tokens__total",
  "vlm_output_tokens__total",
  "video_frames_processed__total",
  "video_processing_latency_ms__avg",
];

test("a session's metrics have every name that clients of Vision Agents read, and two of our own", (t) => {
  const own = ["eot_latency_ms__avg", "response_latency_ms__avg"];
  t.is(visionAgentsNames.length, 25);
  t.deepEqual(Object.keys(sessionMetricFields).toSorted(), [...visionAgentsNames, ...own].toSorted());
});

test("before anything was measured, averages are null and totals 0", (t) => {
  for (const [name, value] of Object.entries(new SessionMetrics().snapshot())) {
    t.is(value, name.endsWith("__avg") ? null : 0, name);
  }
});

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

const kinds = Object.keys(measurementTable) as Measurement["kind"][];
const numbers = kinds.flatMap((kind) => numbersOf({ kind } as Measurement));

test("each field of a session's metrics is summed of one number, unless it is said to be always empty", (t) => {
  const summed = numbers.flatMap(({ session }) => session?.field ?? []);
  const measured = Object.entries(sessionMetricFields)
    .filter(([, text]) => !text.startsWith("Always empty"))
    .map(([name]) => name);
  t.deepEqual(summed.toSorted(), measured.toSorted());
});

test("durations are counted in families of seconds, and nothing else is", (t) => {
  for (const { family, isDuration } of numbers) {
    if (family !== null) t.is(unitOf(family) === "seconds", isDuration, family.name);
  }
});

test("numbers of one measurement that are counted in the same family are told apart by their labels", (t) => {
  for (const kind of kinds) {
    const counted = numbersOf({ kind } as Measurement).flatMap(({ family, labels }) =>
      family === null ? [] : [`${family.name} ${JSON.stringify(labels)}`],
    );
    t.is(new Set(counted).size, counted.length, kind);
  }
});

test("a label that is no field of a measurement has its value in the row", (t) => {
  for (const { family, labels } of numbers) {
    const own = family?.labels.filter((label) => ["direction", "part"].includes(label)) ?? [];
    t.deepEqual(Object.keys(labels), own, family?.name);
  }
});
