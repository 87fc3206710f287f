/**
 * Every metric once: name, type, unit, help, labels, buckets. Prometheus names are in base units with the prefix
 * `greenroom_`; the names of one session's metrics are those of Vision Agents, in milliseconds. `docs/metrics.md` is made
 * from this file. Both sides of a session import it, so it imports nothing.
 */

/** One family of series in `GET /metrics`. No family ever has a label whose values grow with the number of sessions. */
export interface MetricFamily {
  readonly name: `greenroom_${string}`;
  readonly type: "counter" | "gauge" | "histogram";
  /** The base unit of its values; null where it counts things. */
  readonly unit: "seconds" | "bytes" | "ratio" | null;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
}

/** Why the load guard is up. */
export const loadCauses = ["memory", "cpu_throttled", "event_loop", "audio_pacing"] as const;
export type LoadCause = (typeof loadCauses)[number];

/** How far a start has come; each is measured from the request to start. */
export const startStages = ["assigned", "created", "joined"] as const;
export type StartStage = (typeof startStages)[number];

/** For which the watchdog ends a thread. */
export const killReasons = ["unresponsive", "out_of_memory", "flooded", "killed"] as const;
export type KillReason = (typeof killReasons)[number];

export const webhookOutcomes = ["delivered", "failed", "dropped", "gone"] as const;
export type WebhookOutcome = (typeof webhookOutcomes)[number];

/** What a response consists of, in the order of their time. */
export const responseParts = ["end_of_turn", "first_token", "first_sentence", "first_byte", "output"] as const;
export type ResponsePart = (typeof responseParts)[number];

export const slotStates = ["starting", "warm", "running", "draining"] as const;

/** A request to the server itself. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const threadStartBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10] as const;
const callBuckets = [10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400] as const;
const loopLagBuckets = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5] as const;
const firstTokenBuckets = [0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1, 1.3, 1.7, 2.2, 3, 5, 10] as const;
const completionBuckets = [0.1, 0.2, 0.3, 0.5, 0.8, 1.3, 2.2, 3, 5, 10, 20, 30, 60] as const;
const toolBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
const transcriptBuckets = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 3, 5] as const;
const firstByteBuckets = [0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2.5, 5] as const;
const responseBuckets = [0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1, 1.3, 1.7, 2.2, 3, 5, 10] as const;
const partBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.3, 2.2, 5] as const;
const pacingBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1] as const;
const turnBuckets = [0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.8, 2.2, 2.7, 3.5, 5, 8] as const;

export const catalogue = {
  sessions: {
    name: "greenroom_sessions",
    type: "gauge",
    unit: null,
    help: "Live sessions by state.",
    labels: ["state"],
  },
  sessionsStarted: {
    name: "greenroom_sessions_started_total",
    type: "counter",
    unit: null,
    help: "Sessions that were given a thread.",
    labels: [],
  },
  sessionsEnded: {
    name: "greenroom_sessions_ended_total",
    type: "counter",
    unit: null,
    help: "Ended sessions by the reason of their end.",
    labels: ["reason"],
  },
  sessionStartSeconds: {
    name: "greenroom_session_start_seconds",
    type: "histogram",
    unit: "seconds",
    help: "From the request to start until a thread was assigned, createAgent had returned, or the agent was in the call.",
    labels: ["stage"],
    buckets: requestBuckets,
  },
  sessionDurationSeconds: {
    name: "greenroom_session_duration_seconds",
    type: "histogram",
    unit: "seconds",
    help: "How long ended sessions lived.",
    labels: [],
    buckets: callBuckets,
  },
  startRefusals: {
    name: "greenroom_session_start_refusals_total",
    type: "counter",
    unit: null,
    help: "Starts that were refused or failed, by error code.",
    labels: ["code"],
  },
  slots: {
    name: "greenroom_pool_slots",
    type: "gauge",
    unit: null,
    help: "Session threads by state.",
    labels: ["state"],
  },
  capacity: {
    name: "greenroom_pool_capacity",
    type: "gauge",
    unit: null,
    help: "Sessions that may live at the same time.",
    labels: [],
  },
  utilisation: {
    name: "greenroom_pool_utilisation_ratio",
    type: "gauge",
    unit: "ratio",
    help: "Live sessions divided by the capacity.",
    labels: [],
  },
  warmTarget: {
    name: "greenroom_pool_warm_target",
    type: "gauge",
    unit: null,
    help: "Threads the pool keeps warm for sessions to come.",
    labels: [],
  },
  slotStartSeconds: {
    name: "greenroom_slot_start_seconds",
    type: "histogram",
    unit: "seconds",
    help: "From the order of a thread until it was warm, the agent module imported.",
    labels: [],
    buckets: threadStartBuckets,
  },
  slotStartFailures: {
    name: "greenroom_slot_start_failures_total",
    type: "counter",
    unit: null,
    help: "Threads that did not become warm.",
    labels: [],
  },
  loadGuard: {
    name: "greenroom_load_guard_active",
    type: "gauge",
    unit: null,
    help: "1 while the load guard refuses starts for this cause.",
    labels: ["cause"],
  },
  watchdogKills: {
    name: "greenroom_watchdog_kills_total",
    type: "counter",
    unit: null,
    help: "Session threads ended by force, by reason.",
    labels: ["reason"],
  },
  threadCpuSeconds: {
    name: "greenroom_thread_cpu_seconds_total",
    type: "counter",
    unit: "seconds",
    help: "CPU time of all session threads, ended ones included.",
    labels: [],
  },
  threadHeapBytes: {
    name: "greenroom_thread_heap_bytes",
    type: "gauge",
    unit: "bytes",
    help: "Heap used by all session threads together.",
    labels: [],
  },
  threadHeapMaxBytes: {
    name: "greenroom_thread_heap_max_bytes",
    type: "gauge",
    unit: "bytes",
    help: "Heap used by the session thread that uses most.",
    labels: [],
  },
  threadLoopAverage: {
    name: "greenroom_thread_event_loop_utilisation_average_ratio",
    type: "gauge",
    unit: "ratio",
    help: "Event loop utilisation of session threads: their average.",
    labels: [],
  },
  threadLoopMax: {
    name: "greenroom_thread_event_loop_utilisation_max_ratio",
    type: "gauge",
    unit: "ratio",
    help: "Event loop utilisation of session threads: the highest.",
    labels: [],
  },
  mainLoopLagSeconds: {
    name: "greenroom_main_loop_lag_seconds",
    type: "histogram",
    unit: "seconds",
    help: "How late timers of the main thread ran; a sample every 20 ms.",
    labels: [],
    buckets: loopLagBuckets,
  },
  httpRequestSeconds: {
    name: "greenroom_http_request_seconds",
    type: "histogram",
    unit: "seconds",
    help: "HTTP requests by route, method and status, until the answer was written.",
    labels: ["route", "method", "status"],
    buckets: requestBuckets,
  },
  eventStreams: {
    name: "greenroom_event_streams_open",
    type: "gauge",
    unit: null,
    help: "Open streams of session events.",
    labels: [],
  },
  webhookDeliveries: {
    name: "greenroom_webhook_deliveries_total",
    type: "counter",
    unit: null,
    help: "Webhook messages by outcome: delivered, failed after all attempts, dropped from the queue, or gone (410).",
    labels: ["outcome"],
  },
  llmLatencySeconds: {
    name: "greenroom_llm_latency_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Model request until the end of its answer, tool rounds included.",
    labels: ["provider", "model", "outcome"],
    buckets: completionBuckets,
  },
  llmFirstTokenSeconds: {
    name: "greenroom_llm_first_token_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Model request until its first text, over tool rounds.",
    labels: ["provider", "model", "outcome"],
    buckets: firstTokenBuckets,
  },
  llmTokens: {
    name: "greenroom_llm_tokens_total",
    type: "counter",
    unit: null,
    help: "Tokens by direction: input or output.",
    labels: ["provider", "model", "direction"],
  },
  llmToolCalls: {
    name: "greenroom_llm_tool_calls_total",
    type: "counter",
    unit: null,
    help: "Tool calls of models.",
    labels: ["provider", "model", "outcome"],
  },
  llmToolLatencySeconds: {
    name: "greenroom_llm_tool_latency_seconds",
    type: "histogram",
    unit: "seconds",
    help: "How long tool calls took.",
    labels: ["provider", "model", "outcome"],
    buckets: toolBuckets,
  },
  sttLatencySeconds: {
    name: "greenroom_stt_latency_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Speech-to-text: last sound of speech until the final transcript.",
    labels: ["provider", "model"],
    buckets: transcriptBuckets,
  },
  sttAudioSeconds: {
    name: "greenroom_stt_audio_seconds_total",
    type: "counter",
    unit: "seconds",
    help: "Audio sent to speech-to-text.",
    labels: ["provider", "model"],
  },
  ttsLatencySeconds: {
    name: "greenroom_tts_latency_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Text-to-speech: request until the first audio.",
    labels: ["provider", "model"],
    buckets: firstByteBuckets,
  },
  ttsAudioSeconds: {
    name: "greenroom_tts_audio_seconds_total",
    type: "counter",
    unit: "seconds",
    help: "Audio received from text-to-speech.",
    labels: ["provider", "model"],
  },
  ttsCharacters: {
    name: "greenroom_tts_characters_total",
    type: "counter",
    unit: null,
    help: "Characters sent to text-to-speech.",
    labels: ["provider", "model"],
  },
  realtimeAudioSeconds: {
    name: "greenroom_realtime_audio_seconds_total",
    type: "counter",
    unit: "seconds",
    help: "Audio of speech-to-speech models by direction: input or output.",
    labels: ["provider", "model", "direction"],
  },
  turnSeconds: {
    name: "greenroom_turn_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Turns by outcome: done, interrupted or failed.",
    labels: ["outcome"],
    buckets: turnBuckets,
  },
  turnTrailingSilenceSeconds: {
    name: "greenroom_turn_trailing_silence_seconds",
    type: "histogram",
    unit: "seconds",
    help: "Silence at the end of a turn before it was taken as ended.",
    labels: [],
    buckets: transcriptBuckets,
  },
  responseSeconds: {
    name: "greenroom_response_seconds",
    type: "histogram",
    unit: "seconds",
    help: "A participant's last sound of speech until the first sound of the answer. Eager: the answer was begun early.",
    labels: ["outcome", "eager"],
    buckets: responseBuckets,
  },
  responsePartSeconds: {
    name: "greenroom_response_part_seconds",
    type: "histogram",
    unit: "seconds",
    help: "The contiguous parts of a response; they add up to it.",
    labels: ["part"],
    buckets: partBuckets,
  },
  pacingLatenessSeconds: {
    name: "greenroom_audio_pacing_lateness_seconds",
    type: "histogram",
    unit: "seconds",
    help: "How late frames of the agents' speech were handed to the edge: the 99th percentile of about a second of speech.",
    labels: [],
    buckets: pacingBuckets,
  },
  providerErrors: {
    name: "greenroom_provider_errors_total",
    type: "counter",
    unit: null,
    help: "Errors of providers and tools by component, provider and class of error.",
    labels: ["component", "provider", "error"],
  },
} as const satisfies Record<string, MetricFamily>;
export type Catalogue = typeof catalogue;

/** What `GET /sessions/{id}/metrics` tells of one session. Averages without data are null, totals 0. */
export const sessionMetricFields = {
  llm_latency_ms__avg:
    "Model request until the end of its answer, tool rounds included. Completed answers only.",
  llm_time_to_first_token_ms__avg:
    "Model request until its first text, over tool rounds. Completed answers only.",
  llm_input_tokens__total: "Input tokens consumed, those of cancelled and failed answers included.",
  llm_output_tokens__total: "Output tokens generated, those of cancelled and failed answers included.",
  llm_tool_calls__total: "Tool calls, whatever became of them.",
  llm_tool_latency_ms__avg: "How long tool calls took. Failed ones count, cancelled ones do not.",
  stt_latency_ms__avg:
    "Last sound of speech until the final transcript. Vision Agents counts from the first audio after the previous turn, the user's whole speech included.",
  stt_audio_duration_ms__total: "Audio sent to speech-to-text.",
  tts_latency_ms__avg: "Text-to-speech request until the first audio. Completed syntheses only.",
  tts_audio_duration_ms__total: "Audio received from text-to-speech.",
  tts_characters__total: "Characters sent to text-to-speech.",
  turn_duration_ms__avg: "How long turns took. Completed turns only.",
  turn_trailing_silence_ms__avg: "Silence at the end of a turn before it was taken as ended.",
  eot_latency_ms__avg: "Last sound of speech until the end of the turn was noticed.",
  response_latency_ms__avg: "Last sound of speech until the first sound of the answer.",
  realtime_audio_input_duration_ms__total: "Audio sent to a speech-to-speech model.",
  realtime_audio_output_duration_ms__total: "Audio received from a speech-to-speech model.",
} as const satisfies Record<`${string}__${"avg" | "total"}`, string>;
export type SessionMetricName = keyof typeof sessionMetricFields;

/** Times in milliseconds. */
export type SessionMetricsSnapshot = {
  [Name in SessionMetricName]: Name extends `${string}__avg` ? number | null : number;
};
