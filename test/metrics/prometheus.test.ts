import test from "ava";
import { register } from "prom-client";
import { families } from "../../src/metrics/catalogue.ts";
import { Metrics } from "../../src/metrics/prometheus.ts";
import type { MetricsSource } from "../../src/metrics/source.ts";
import { now } from "../../src/shared/protocol.ts";
import type { Measurement } from "../../src/shared/session/measurement.ts";

/** Resolves with the values by series, of a text that must be a whole exposition. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const text = await metrics.text();
  const series = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("# HELP ") || line.startsWith("# TYPE ")) continue;
    const [, name = "", value = ""] = /^([a-z0-9_:]+(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (name === "" || series.has(name)) throw new Error(`Not one new sample: ${line}`);
    series.set(name, Number(value));
  }
  return series;
}

function llm(fields: Partial<Extract<Measurement, { kind: "llm" }>> = {}): Measurement {
  return {
    kind: "llm",
    provider: "local",
    model: "rules",
    outcome: "done",
    latencyMs: 1_500,
    firstTokenMs: 250,
    inputTokens: 7,
    outputTokens: 3,
    ...fields,
  };
}

const source: MetricsSource = {
  serving: () => true,
  ready: () => false,
  capacity: 10,
  warmTarget: 2,
  sessionsByState: () => ({ live: 4, closing: 1, ended: 7 }),
  slotsByState: () => ({ starting: 1, warm: 2, running: 5, draining: 0 }),
  loadCauses: () => ["memory"],
  registry: () => ({ up: true, peers: 2 }),
  endsWaiting: () => ({ count: 2, oldestSince: now() - 60_000 }),
  logLinesDropped: (reason) => ({ blocked: 5, failed: 1, flood: 0 })[reason],
  memory: () => ({ usedBytes: 600, limitBytes: 1_000 }),
  threads: () => [
    { heapBytes: 1_000, externalBytes: 500, eventLoopUtilization: 0.5 },
    null,
    { heapBytes: 3_000, externalBytes: 200, eventLoopUtilization: 0.1 },
  ],
};

test("every family of the catalogue and the process's own are exposed", async (t) => {
  const metrics = new Metrics();
  const text = await metrics.text();
  for (const { name, type } of families) t.true(text.includes(`# TYPE ${name} ${type}\n`), name);
  t.regex(text, /^process_resident_memory_bytes \d+$/m);
  t.regex(text, /^process_open_fds [1-9]\d*$/m);
  t.regex(metrics.contentType, /^text\/plain; version=0\.0\.4/);
});

test("gauges are read from their source when they are asked for", async (t) => {
  const metrics = new Metrics();
  metrics.observe(source);
  const series = await scrape(metrics);
  t.is(series.get('greenroom_sessions{state="live"}'), 4);
  t.is(series.get('greenroom_sessions{state="joining"}'), 0);
  t.is(series.get('greenroom_sessions{state="resuming"}'), 0);
  t.false(series.has('greenroom_sessions{state="ended"}'));
  t.is(series.get('greenroom_pool_slots{state="running"}'), 5);
  t.is(series.get("greenroom_pool_capacity"), 10);
  t.is(series.get("greenroom_pool_utilisation_ratio"), 0.5);
  t.is(series.get("greenroom_pool_warm_target"), 2);
  t.is(series.get('greenroom_load_guard_active{cause="memory"}'), 1);
  t.is(series.get('greenroom_load_guard_active{cause="event_loop"}'), 0);
  t.is(series.get("greenroom_thread_heap_bytes"), 4_000);
  t.is(series.get("greenroom_thread_heap_max_bytes"), 3_000);
  t.is(series.get("greenroom_thread_external_bytes"), 700);
  t.is(series.get("greenroom_memory_used_bytes"), 600);
  t.is(series.get("greenroom_memory_limit_bytes"), 1_000);
  t.is(series.get("greenroom_thread_event_loop_utilisation_max_ratio"), 0.5);
  t.is(series.get("greenroom_thread_event_loop_utilisation_average_ratio"), 0.3);
});

test("sessions, requests and threads are counted", async (t) => {
  const metrics = new Metrics();
  metrics.sessionStarted();
  metrics.startSeconds("created", 0.004);
  metrics.startRefused("POOL_FULL");
  metrics.sessionEnded("finished", 65);
  metrics.slotStarted(0.03);
  metrics.slotStartFailed();
  metrics.threadKilled("unresponsive");
  metrics.threadCpu(1.5);
  metrics.mainLoopLag(0.003);
  metrics.webhook("delivered");
  metrics.webhookEvents("dropped", 3);
  metrics.http("/sessions/:id", "GET", 200, "client", 0.002);
  const closed = metrics.eventStreamOpened();
  metrics.eventStreamOpened();
  closed();
  closed();
  const series = await scrape(metrics);
  for (const [name, value] of Object.entries({
    greenroom_sessions_started_total: 1,
    'greenroom_session_start_seconds_bucket{le="0.0025",stage="created"}': 0,
    'greenroom_session_start_seconds_bucket{le="0.005",stage="created"}': 1,
    'greenroom_session_start_seconds_count{stage="joined"}': 0,
    'greenroom_session_start_refusals_total{code="POOL_FULL"}': 1,
    'greenroom_sessions_ended_total{reason="finished"}': 1,
    'greenroom_sessions_ended_total{reason="lost"}': 0,
    greenroom_session_duration_seconds_sum: 65,
    greenroom_slot_start_seconds_count: 1,
    greenroom_slot_start_failures_total: 1,
    'greenroom_watchdog_kills_total{reason="unresponsive"}': 1,
    greenroom_thread_cpu_seconds_total: 1.5,
    greenroom_main_loop_lag_seconds_count: 1,
    'greenroom_webhook_deliveries_total{outcome="delivered"}': 1,
    'greenroom_webhook_events_total{outcome="dropped"}': 3,
    'greenroom_webhook_events_total{outcome="delivered"}': 0,
    'greenroom_http_request_seconds_count{route="/sessions/:id",method="GET",status="200",from="client"}': 1,
    greenroom_event_streams_open: 1,
  })) {
    t.is(series.get(name), value, name);
  }
});

test("what providers did is counted in base units, cancelled work apart", async (t) => {
  const metrics = new Metrics();
  const model = { provider: "voices", model: "v1" } as const;
  metrics.record(llm());
  metrics.record(llm({ outcome: "cancelled" }));
  metrics.record({ kind: "tool", ...model, outcome: "failed", latencyMs: 20 });
  metrics.record({ kind: "stt", ...model, latencyMs: null, audioDurationMs: 2_500 });
  metrics.record({ kind: "tts", ...model, latencyMs: 80, audioDurationMs: 500, characters: 12 });
  metrics.record({ kind: "realtime", ...model, audioInputDurationMs: 1_000, audioOutputDurationMs: 2_000 });
  metrics.record({ kind: "turn", outcome: "done", durationMs: 1_200, trailingSilenceMs: 400 });
  metrics.record({ kind: "error", component: "tts", provider: "voices", error: "http_429" });
  const series = await scrape(metrics);
  for (const [name, value] of Object.entries({
    'greenroom_llm_latency_seconds_sum{provider="local",model="rules",outcome="done"}': 1.5,
    'greenroom_llm_latency_seconds_count{provider="local",model="rules",outcome="cancelled"}': 1,
    'greenroom_llm_first_token_seconds_sum{provider="local",model="rules",outcome="done"}': 0.25,
    'greenroom_llm_tokens_total{provider="local",model="rules",direction="input"}': 14,
    'greenroom_llm_tokens_total{provider="local",model="rules",direction="output"}': 6,
    'greenroom_llm_tool_calls_total{provider="voices",model="v1",outcome="failed"}': 1,
    'greenroom_llm_tool_latency_seconds_sum{provider="voices",model="v1",outcome="failed"}': 0.02,
    'greenroom_stt_audio_seconds_total{provider="voices",model="v1"}': 2.5,
    'greenroom_tts_latency_seconds_sum{provider="voices",model="v1"}': 0.08,
    'greenroom_tts_audio_seconds_total{provider="voices",model="v1"}': 0.5,
    'greenroom_tts_characters_total{provider="voices",model="v1"}': 12,
    'greenroom_realtime_audio_seconds_total{provider="voices",model="v1",direction="input"}': 1,
    'greenroom_realtime_audio_seconds_total{provider="voices",model="v1",direction="output"}': 2,
    'greenroom_turn_seconds_sum{outcome="done"}': 1.2,
    greenroom_turn_trailing_silence_seconds_sum: 0.4,
    'greenroom_provider_errors_total{component="tts",provider="voices",error="http_429"}': 1,
  })) {
    t.is(series.get(name), value, name);
  }
  t.false(series.has('greenroom_stt_latency_seconds_count{provider="voices",model="v1"}'));
});

test("labels that agents choose are bounded, in number and in length", async (t) => {
  const metrics = new Metrics();
  for (let index = 0; index < 300; index += 1) {
    const name = `${"x".repeat(index)}${index}`;
    metrics.record(llm({ provider: name, model: name }));
    metrics.record({ kind: "error", component: "llm", provider: "local", error: name });
    metrics.http(`/${index}`, `METHOD${index}`, 200, "client", 0.001);
  }
  const text = await metrics.text();
  t.true(text.includes('greenroom_llm_tokens_total{provider="other",model="other",direction="input"} 1960'));
  t.true(text.includes('error="other"} 280'));
  t.true(text.length < 400_000, `${text.length} characters`);
});

test("a label value cannot break out of its line", async (t) => {
  const metrics = new Metrics();
  metrics.record({ kind: "error", component: "llm", provider: 'a"b\\c\nd 1', error: "}" });
  const series = await scrape(metrics);
  t.is(
    series.get('greenroom_provider_errors_total{component="llm",provider="a\\"b\\\\c\\nd 1",error="}"}'),
    1,
  );
});

test("numbers that are none are not counted, and never throw", async (t) => {
  const metrics = new Metrics();
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1, undefined as unknown as number]) {
    metrics.record(llm({ latencyMs: bad, firstTokenMs: bad, inputTokens: bad }));
    metrics.threadCpu(bad);
    metrics.sessionEnded("closed", bad);
    metrics.mainLoopLag(bad);
  }
  const series = await scrape(metrics);
  t.is(series.get('greenroom_llm_tokens_total{provider="local",model="rules",direction="input"}'), 0);
  t.is(series.get('greenroom_sessions_ended_total{reason="closed"}'), 4);
  t.is(series.get("greenroom_session_duration_seconds_count"), 0);
});

test("many can live in one process, apart from each other and from prom-client's global registry", async (t) => {
  const all = Array.from({ length: 20 }, () => new Metrics());
  all[0]?.sessionStarted();
  const counts = await Promise.all(
    all.map(async (metrics) => (await scrape(metrics)).get("greenroom_sessions_started_total")),
  );
  t.deepEqual(counts, [1, ...Array.from({ length: 19 }, () => 0)]);
  t.is(register.getMetricsAsArray().length, 0);
});
