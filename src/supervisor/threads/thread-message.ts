import type { PlainError } from "../../shared/errors.ts";
import {
  type AgentReport,
  type AgentService,
  type FromThread,
  type LeaveData,
  now,
  type SessionAnswer,
  sharedThreadNames,
} from "../../shared/protocol.ts";
import { type AgentEvent, mostOfEvent, type ResponseLatency } from "../../shared/session/agent-event.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import {
  amount,
  type Check,
  type Fields,
  fields,
  jsonObject,
  listOf,
  type Meter,
  nullOr,
  oneOf,
  optional,
  text,
  time,
  variants,
  wholeNumber,
  yesOrNo,
} from "./message-checks.ts";

/*
 * The messages that a session thread may send. An agent's code runs in that thread and can reach the port, so that whatever comes from it is
 * checked before anything is done with it. Each type of `protocol.ts` is here once, field by field.
 */

/**
 * The most characters of a name (of a provider, a tool, a participant), of spoken words, and of an error's text; and
 * the bounds of lists.
 */
const most = {
  ...mostOfEvent,
  errorText: 16_384,
  state: 524_288,
  errorsOfOne: 16,
  errorDepth: 12,
  services: 64,
};

const name = text(most.name);
const words = text(most.words);
const at = time(now, 60_000);
const turnOutcome = oneOf(["done", "interrupted", "failed"]);
const requestOutcome = oneOf(["done", "cancelled", "failed"]);

const errorText = text(most.errorText);
const errorAt = (depth: number): Check => {
  let inner: Check | undefined;
  const deeper: Check = (value, meter) => {
    if (depth >= most.errorDepth) return ": expected fewer causes";
    inner ??= errorAt(depth + 1);
    return inner(value, meter);
  };
  return fields<PlainError>({
    name: errorText,
    message: errorText,
    stack: optional(errorText),
    code: optional(errorText),
    cause: optional(deeper),
    errors: optional(listOf(deeper, most.errorsOfOne)),
  });
};
const error = errorAt(0);

const latency: Fields<ResponseLatency> = {
  responseMs: amount,
  endOfTurnMs: optional(amount),
  firstTokenMs: optional(amount),
  firstSentenceMs: optional(amount),
  firstByteMs: optional(amount),
  outputMs: optional(amount),
};

const event = variants<AgentEvent, "type">("type", {
  transcript: {
    at,
    role: oneOf(["user", "agent"]),
    turnId: name,
    participantId: name,
    final: yesOrNo,
    delta: optional(words),
    interim: optional(words),
    text: optional(words),
    backchannel: optional(yesOrNo),
    messageId: optional(name),
  },
  turn: {
    at,
    turnId: name,
    origin: oneOf(["participant", "response", "say"]),
    outcome: turnOutcome,
    durationMs: amount,
    firstTokenMs: nullOr(amount),
    toolCalls: wholeNumber,
    latency: nullOr(fields<ResponseLatency>(latency)),
    eager: yesOrNo,
    error: optional(error),
  },
  tool: { at, turnId: name, name, durationMs: amount, ok: yesOrNo, error: optional(name) },
  user_silent: { at, silentMs: amount, times: wholeNumber },
  participant_unheard: { at, participantId: name, error },
  participant_heard: { at, participantId: name },
  blocked: { at, turnId: name, guard: name, stage: oneOf(["heard", "say"]), reason: name },
  role: { at, role: nullOr(name), by: oneOf(["code", "tool", "api"]) },
});

const model = { provider: name, model: name };

const measurement = variants<Measurement, "kind">("kind", {
  llm: {
    ...model,
    outcome: requestOutcome,
    latencyMs: amount,
    firstTokenMs: nullOr(amount),
    inputTokens: amount,
    outputTokens: amount,
  },
  tool: { ...model, outcome: requestOutcome, latencyMs: amount },
  stt: { ...model, latencyMs: nullOr(amount), audioDurationMs: amount },
  tts: { ...model, latencyMs: nullOr(amount), audioDurationMs: amount, characters: amount },
  turn: { outcome: turnOutcome, durationMs: amount, trailingSilenceMs: nullOr(amount) },
  response: { outcome: turnOutcome, eager: yesOrNo, ...latency },
  pacing: { worstMs: amount, p99Ms: amount, frames: amount },
  realtime: { ...model, audioInputDurationMs: amount, audioOutputDurationMs: amount },
  bad_answer: { ...model, reason: name },
  error: { component: oneOf(["llm", "stt", "tts", "edge", "tool"]), provider: name, error: name },
});

const report = fields<AgentReport>({
  about: nullOr(words),
  receives: yesOrNo,
  services: listOf(
    fields<AgentService>({
      part: oneOf(["llm", "stt", "tts", "tools", "edge"]),
      provider: name,
      model: nullOr(name),
      reserve: listOf(name, most.services),
      problem: nullOr(error),
    }),
    most.services,
  ),
});

const answer = variants<SessionAnswer, "outcome">("outcome", {
  given: { value: jsonObject },
  not_offered: {},
  not_in_call: {},
  moving: {},
  own_user: {},
  refused: { reason: text(most.name) },
  failed: { error },
});

const message = variants<FromThread, "type">("type", {
  started: { threadId: wholeNumber },
  warm: { importMs: amount },
  entered: { at },
  created: { at },
  rehearsed: { report },
  joined: { at, waitsMs: nullOr(amount) },
  presence: { aloneSince: nullOr(at) },
  event: { event },
  measured: { measurement },
  permit_wanted: { permit: wholeNumber, provider: name },
  permit_returned: { permit: wholeNumber },
  leave_data: { leaveData: nullOr(fields<LeaveData>({ provider: name, data: jsonObject })) },
  state: { state: nullOr(text(most.state)) },
  answer: { number: wholeNumber, answer },
  metrics_wanted: {},
  port_wanted: { thread: oneOf(sharedThreadNames), number: wholeNumber },
  ended: {},
  failed: { stage: oneOf(["import", "create", "join"]), error, restores: yesOrNo },
  uncaught: { error },
});

/** The result of reading what came from a thread: a message and the number of its characters, or its fault. */
export type ReadMessage =
  | { readonly message: FromThread; readonly characters: number }
  | { readonly message: null; readonly fault: string };

/** Reads a value from a thread, which may be anything that can be cloned. Never throws. */
export function readThreadMessage(value: unknown): ReadMessage {
  const meter: Meter = { characters: 0, values: 0 };
  const wrong = message(value, meter);
  if (wrong === null) return { message: value as FromThread, characters: meter.characters };
  return { message: null, fault: `message${wrong}` };
}
