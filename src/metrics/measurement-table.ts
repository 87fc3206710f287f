import type { ModelUsage } from "../api/session-summary.ts";
import type { Measurement } from "../shared/session/measurement.ts";
import type { SessionMetricName } from "../shared/session/session-metric-fields.ts";
import { counter, histogram, type MetricFamily } from "./metric-family.ts";

type MeasurementKind = Measurement["kind"];
type MeasurementOf<Kind extends MeasurementKind> = Extract<Measurement, { readonly kind: Kind }>;

/** The fields of a measurement that are numbers. Durations have their unit, `Ms`, in their names. */
type NumberField<M> = {
  [Field in keyof M]-?: M[Field] extends number | null | undefined ? Field : never;
}[keyof M];
/** The fields of a measurement that tell what it is of, which may be labels. */
type LabelField<M> = Exclude<keyof M, NumberField<M> | "kind"> & string;

/** The labels that tell apart numbers of one measurement which are counted in the same family. */
interface OwnLabels {
  readonly direction?: "input" | "output";
  readonly part?: "end_of_turn" | "first_token" | "first_sentence" | "first_byte" | "output";
}

export type UsageField = Exclude<keyof ModelUsage, "component" | "provider" | "model">;

/** Everything that is known of a number of a measurement: each place where it is summed, or null where it is not. */
interface NumberRow<M> {
  /** The family of `GET /metrics`. Its labels are fields of the measurement, and `labels`. */
  readonly family: MetricFamily<"counter" | "histogram", LabelField<M> | keyof OwnLabels> | null;
  readonly labels?: OwnLabels;
  /** The field of the metrics of a session; where outcomes are named, it takes measurements of these alone. */
  readonly session: {
    readonly field: SessionMetricName;
    readonly outcomes?: M extends { readonly outcome: infer Outcome } ? readonly Outcome[] : never;
  } | null;
  /** The field of the consumption by provider and model, for billing. */
  readonly usage: M extends { readonly kind: ModelUsage["component"] } ? UsageField | null : null;
}

/** A row for each number of a measurement, and one for the measurement itself, which counts as 1. */
type KindRows<M> = { readonly [Field in NumberField<M> | "count"]: NumberRow<M> };

/** The row of a number that is summed nowhere. */
const nowhere = { family: null, session: null, usage: null } as const;

const firstTokenBuckets = [0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1, 1.3, 1.7, 2.2, 3, 5, 10] as const;
const completionBuckets = [0.1, 0.2, 0.3, 0.5, 0.8, 1.3, 2.2, 3, 5, 10, 20, 30, 60] as const;
const toolBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
const transcriptBuckets = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 3, 5] as const;
const firstByteBuckets = [0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2.5, 5] as const;
const responseBuckets = [0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1, 1.3, 1.7, 2.2, 3, 5, 10] as const;
const partBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.3, 2.2, 5] as const;
const pacingBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 1] as const;
const turnBuckets = [0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 1.8, 2.2, 2.7, 3.5, 5, 8] as const;

const model = ["provider", "model"] as const;

const tokens = counter("greenroom_llm_tokens_total", "Tokens by direction: input or output.", [
  ...model,
  "direction",
]);
const realtimeSeconds = counter(
  "greenroom_realtime_audio_seconds_total",
  "Audio of speech-to-speech models by direction: input or output.",
  [...model, "direction"],
);
const responsePartSeconds = histogram(
  "greenroom_response_part_seconds",
  "The contiguous parts of a response; they add up to it.",
  partBuckets,
  ["part"],
);

/** The row of a part of a response. */
const part = <Part extends NonNullable<OwnLabels["part"]>>(part: Part) =>
  ({ ...nowhere, family: responsePartSeconds, labels: { part } }) as const;

/**
 * Every measurement of session threads, and everything that is known of each of its numbers. A kind or a number without
 * its row does not compile.
 */
export const measurementTable = {
  llm: {
    count: nowhere,
    latencyMs: {
      family: histogram(
        "greenroom_llm_latency_seconds",
        "Model request until the end of its answer, tool rounds included.",
        completionBuckets,
        [...model, "outcome"],
      ),
      session: { field: "llm_latency_ms__avg", outcomes: ["done"] },
      usage: null,
    },
    firstTokenMs: {
      family: histogram(
        "greenroom_llm_first_token_seconds",
        "Model request until its first text, over tool rounds.",
        firstTokenBuckets,
        [...model, "outcome"],
      ),
      session: { field: "llm_time_to_first_token_ms__avg", outcomes: ["done"] },
      usage: null,
    },
    inputTokens: {
      family: tokens,
      labels: { direction: "input" },
      session: { field: "llm_input_tokens__total" },
      usage: "input_tokens",
    },
    outputTokens: {
      family: tokens,
      labels: { direction: "output" },
      session: { field: "llm_output_tokens__total" },
      usage: "output_tokens",
    },
  },
  tool: {
    count: {
      family: counter("greenroom_llm_tool_calls_total", "Tool calls of models.", [...model, "outcome"]),
      session: { field: "llm_tool_calls__total" },
      usage: null,
    },
    latencyMs: {
      family: histogram("greenroom_llm_tool_latency_seconds", "How long tool calls took.", toolBuckets, [
        ...model,
        "outcome",
      ]),
      session: { field: "llm_tool_latency_ms__avg", outcomes: ["done", "failed"] },
      usage: null,
    },
  },
  bad_answer: {
    count: {
      family: counter(
        "greenroom_llm_bad_answers_total",
        "Answers of models that were of no use, by reason: empty, silent (with nothing to be spoken), unfinished, calls that nobody can read. They are asked for again; where that does not help, the turn fails.",
        [...model, "reason"],
      ),
      session: null,
      usage: null,
    },
  },
  stt: {
    count: nowhere,
    latencyMs: {
      family: histogram(
        "greenroom_stt_latency_seconds",
        "Speech-to-text: last sound of speech until the final transcript.",
        transcriptBuckets,
        model,
      ),
      session: { field: "stt_latency_ms__avg" },
      usage: null,
    },
    audioDurationMs: {
      family: counter("greenroom_stt_audio_seconds_total", "Audio sent to speech-to-text.", model),
      session: { field: "stt_audio_duration_ms__total" },
      usage: "audio_duration_ms",
    },
  },
  tts: {
    count: nowhere,
    latencyMs: {
      family: histogram(
        "greenroom_tts_latency_seconds",
        "Text-to-speech: request until the first audio.",
        firstByteBuckets,
        model,
      ),
      session: { field: "tts_latency_ms__avg" },
      usage: null,
    },
    audioDurationMs: {
      family: counter("greenroom_tts_audio_seconds_total", "Audio received from text-to-speech.", model),
      session: { field: "tts_audio_duration_ms__total" },
      usage: "audio_duration_ms",
    },
    characters: {
      family: counter("greenroom_tts_characters_total", "Characters sent to text-to-speech.", model),
      session: { field: "tts_characters__total" },
      usage: "characters",
    },
  },
  realtime: {
    count: nowhere,
    audioInputDurationMs: {
      family: realtimeSeconds,
      labels: { direction: "input" },
      session: { field: "realtime_audio_input_duration_ms__total" },
      usage: "audio_input_duration_ms",
    },
    audioOutputDurationMs: {
      family: realtimeSeconds,
      labels: { direction: "output" },
      session: { field: "realtime_audio_output_duration_ms__total" },
      usage: "audio_output_duration_ms",
    },
  },
  turn: {
    count: nowhere,
    durationMs: {
      family: histogram(
        "greenroom_turn_seconds",
        "Turns by outcome: done, interrupted or failed.",
        turnBuckets,
        ["outcome"],
      ),
      session: { field: "turn_duration_ms__avg", outcomes: ["done"] },
      usage: null,
    },
    trailingSilenceMs: {
      family: histogram(
        "greenroom_turn_trailing_silence_seconds",
        "Silence at the end of a turn before it was taken as ended.",
        transcriptBuckets,
      ),
      session: { field: "turn_trailing_silence_ms__avg" },
      usage: null,
    },
  },
  response: {
    count: nowhere,
    responseMs: {
      family: histogram(
        "greenroom_response_seconds",
        "A participant's last sound of speech until the first sound of the answer. Eager: the answer was begun early.",
        responseBuckets,
        ["outcome", "eager"],
      ),
      session: { field: "response_latency_ms__avg" },
      usage: null,
    },
    endOfTurnMs: { ...part("end_of_turn"), session: { field: "eot_latency_ms__avg" } },
    firstTokenMs: part("first_token"),
    firstSentenceMs: part("first_sentence"),
    firstByteMs: part("first_byte"),
    outputMs: part("output"),
  },
  pacing: {
    count: nowhere,
    worstMs: nowhere,
    p99Ms: {
      family: histogram(
        "greenroom_audio_pacing_lateness_seconds",
        "How late frames of the agents' speech were handed to the edge: the 99th percentile of about a second of speech.",
        pacingBuckets,
      ),
      session: null,
      usage: null,
    },
    frames: nowhere,
  },
  error: {
    count: {
      family: counter(
        "greenroom_provider_errors_total",
        "Errors of providers and tools by component, provider and the service's own code, or else class, of the error.",
        ["component", "provider", "error"],
      ),
      session: null,
      usage: null,
    },
  },
} as const satisfies { readonly [Kind in MeasurementKind]: KindRows<MeasurementOf<Kind>> };
