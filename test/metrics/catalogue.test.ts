import test from "ava";
import { catalogue } from "../../src/metrics/catalogue.ts";
import { type MetricFamily, unitOf } from "../../src/metrics/metric-family.ts";
import { SessionMetrics } from "../../src/metrics/session-metrics.ts";
import { sessionMetricFields } from "../../src/shared/session-metric-fields.ts";

const families: readonly MetricFamily[] = Object.values(catalogue);

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
