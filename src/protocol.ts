/**
 * What the main thread and a session thread say to each other, over the one port between them: a union each way.
 * Times are milliseconds since the Unix epoch, fractions allowed, read with {@link now}.
 */
import type { AgentEvent, ResponseLatency, TurnOutcome } from "./agent-event.ts";
import type { PlainError } from "./errors.ts";
import type { SessionMetricsSnapshot } from "./metrics/session-metric-fields.ts";

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** The monotonic clock of the process, the same in every thread of it, as milliseconds since the Unix epoch. */
export const now = (): number => performance.timeOrigin + performance.now();

/** A session lives through these in order; `closing` and `ended` can be reached from any earlier one. */
export type SessionState = "starting" | "joining" | "live" | "closing" | "ended";

/** What may follow what. */
export const nextStates = {
  starting: ["joining", "closing", "ended"],
  joining: ["live", "closing", "ended"],
  live: ["closing", "ended"],
  closing: ["ended"],
  ended: [],
} as const satisfies Record<SessionState, readonly SessionState[]>;

/** Why a session ended. A closed set: every ended session has exactly one. */
export const endReasons = [
  /** The agent left by itself, or the call ended. */
  "finished",
  /** Somebody asked for it. */
  "closed",
  /** The agent was alone in the call for too long. */
  "idle",
  /** It reached the longest time a session may last. */
  "max_duration",
  /** The server shut down. */
  "drained",
  /** `createAgent` threw, or took too long. */
  "start_failed",
  /** The agent's code threw after the start. */
  "failed",
  /** Its thread died: an uncaught error or `process.exit`. Or it sent a message that is none of the protocol. */
  "crashed",
  /** Its event loop was blocked for too long. */
  "unresponsive",
  /** It held more memory than it may. */
  "out_of_memory",
  /** It sent more messages to the main thread than it may. */
  "flooded",
  /** It ignored a close for the whole grace period. */
  "killed",
  /** Its process died. */
  "lost",
] as const;
export type EndReason = (typeof endReasons)[number];

/** The reasons for which a running session is asked to close. */
export type CloseReason = Extract<
  EndReason,
  "closed" | "idle" | "max_duration" | "drained" | "out_of_memory" | "start_failed"
>;

/** What a slot's thread is given when it starts: everything that does not depend on the session. */
export interface SlotBoot {
  readonly port: import("node:worker_threads").MessagePort;
  /** Int32 values, by {@link Pulse}. Shared memory, so that a blocked loop cannot hide. */
  readonly heartbeat: SharedArrayBuffer;
  /** URL of the module whose default export is the agent. */
  readonly agentUrl: string;
  /** Providers whose requests are counted over all sessions: a permit is asked for each. */
  readonly limitedProviders: readonly string[];
  readonly log: ThreadLogOptions;
}

/** What a thread tells in its heartbeat: the place of each value. */
export const Pulse = {
  /** The thread adds 1 every {@link heartbeatIntervalMs}. */
  beat: 0,
  /** Worker threads that the agent has started. */
  nestedWorkers: 1,
  /** KiB of heap, Buffers and wasm memory that these hold together. */
  nestedKilobytes: 2,
} as const;
export const heartbeatBytes = Object.keys(Pulse).length * Int32Array.BYTES_PER_ELEMENT;

/** 1,000 threads that beat more often than this cost a third of a core more. */
export const heartbeatIntervalMs = 250;

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** `words`: for a terminal that shows the conversation itself. */
export type LogFormat = "json" | "words";

export interface ThreadLogOptions {
  readonly level: LogLevel;
  /** Default `json`. */
  readonly format?: LogFormat;
  /** File descriptor that log lines and the console of the thread are written to. A write to it must not block. */
  readonly fd: number;
  /** Memory of the `DroppedLines` of the process. Default: what is dropped is told in the log only. */
  readonly dropped?: SharedArrayBuffer;
  /** Write transcripts and tool arguments too. Off by default: they are the callers' private words. */
  readonly transcripts: boolean;
}

/** One session, as its thread is told. */
export interface SessionAssignment {
  readonly sessionId: string;
  readonly callType: string;
  readonly callId: string;
  readonly config: JsonObject;
  /** The call takes place in memory, whatever edge the agent has. */
  readonly inMemory: InMemoryCall | null;
  /** A dry run before the server serves: `createAgent` alone, then the agent is closed. */
  readonly rehearsal: boolean;
}

/** A call without a network: `dial` of greenroom/testing reaches it, under the session's id. */
export interface InMemoryCall {
  /** How many times faster than life it runs, 1 to 100. Default 1, which services over a network need. */
  readonly speed?: number;
}

/** What an agent is made of, as its rehearsal finds it. */
export interface AgentReport {
  /** What the agent's module says of itself. */
  readonly about: string | null;
  readonly services: readonly AgentService[];
}

export interface AgentService {
  readonly part: "llm" | "stt" | "tts" | "edge";
  readonly provider: string;
  /** Null for an edge. */
  readonly model: string | null;
  /** Providers that stand by for it, of a `fallback`. */
  readonly reserve: readonly string[];
  /** Why it cannot be used, such as a wrong key; null where nothing is known against it. */
  readonly problem: PlainError | null;
}

/** What a participant typed. */
export interface TextMessage {
  readonly messageId: string;
  readonly participantId: string;
  readonly text: string;
}

/** How to leave a call for an agent whose thread died in it. */
export interface Farewell {
  /** `provider` of the edge. The server knows the module that leaves for it; a thread names no module. */
  readonly provider: string;
  /** What the module is given. It may hold secrets, and is never logged. */
  readonly data: JsonObject;
}

/** A module that leaves calls for threads that died. It should be light: the main thread loads it. */
export interface FarewellModule {
  /**
   * Leaves. Harmless where there is nothing left to leave. The data come from a thread that runs an agent's code: the function
   * must check them, and must load and read nothing that they name.
   */
  farewell(data: JsonObject, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** Somebody who is to join the call that an agent is in. */
export interface Guest {
  readonly id: string;
  readonly name: string;
  /** The id was made up, so that nobody has it yet. */
  readonly madeUp: boolean;
}

/** What the main thread asks of an agent in a call. */
export type Question =
  | { readonly about: "join_token"; readonly guest: Guest; readonly expiresInSeconds: number }
  | { readonly about: "demo_link"; readonly guest: Guest };

export type Answer =
  | { readonly outcome: "given"; readonly value: JsonObject }
  /** Its edge does not know such a thing; it is in no call; the guest has the agent's own id. */
  | { readonly outcome: "not_offered" | "not_in_call" | "own_user" }
  | { readonly outcome: "failed"; readonly error: PlainError };

/** Longest time that an answer may take, in milliseconds. */
export const answerTimeoutMs = 5_000;

export type ToThread =
  | { readonly type: "assign"; readonly session: SessionAssignment }
  | { readonly type: "message"; readonly message: TextMessage }
  /** The permit of this number is granted. */
  | { readonly type: "permit"; readonly permit: number }
  | { readonly type: "question"; readonly number: number; readonly question: Question }
  /** What was measured in this session so far, as it was asked for. */
  | { readonly type: "metrics"; readonly metrics: SessionMetricsSnapshot }
  | { readonly type: "close"; readonly reason: CloseReason };

export type FromThread =
  /** The first message. None of the agent's code is loaded yet, so that the number is the thread's own. */
  | { readonly type: "started"; readonly threadId: number }
  /** The agent module is imported: the thread can take a session. */
  | { readonly type: "warm"; readonly importMs: number }
  /** The session was received; the agent's code runs from here on. */
  | { readonly type: "entered"; readonly at: number }
  /** `createAgent` has returned. */
  | { readonly type: "created"; readonly at: number }
  /** Of a rehearsal alone: what the agent is made of, and whether its services let it in. */
  | { readonly type: "rehearsed"; readonly report: AgentReport }
  /** The agent is in the call. `waitsMs`: how long it waits for somebody else at the most; null where it does not. */
  | { readonly type: "joined"; readonly at: number; readonly waitsMs: number | null }
  /** Since when the agent is alone in the call; null while somebody is there. */
  | { readonly type: "presence"; readonly aloneSince: number | null }
  | { readonly type: "event"; readonly event: AgentEvent }
  | { readonly type: "measured"; readonly measurement: Measurement }
  /** The thread wants to begin a request to a provider whose requests are counted over all sessions. */
  | { readonly type: "permit_wanted"; readonly permit: number; readonly provider: string }
  /** The request is over, or not wanted any more. */
  | { readonly type: "permit_returned"; readonly permit: number }
  /** What it takes to leave the call, should the thread die; null once there is nothing to leave. In place of the one before. */
  | { readonly type: "farewell"; readonly farewell: Farewell | null }
  | { readonly type: "answer"; readonly number: number; readonly answer: Answer }
  | { readonly type: "metrics_wanted" }
  /** `joinCall` (or the rehearsal) is over and the agent is closed. */
  | { readonly type: "ended" }
  | { readonly type: "failed"; readonly stage: FailureStage; readonly error: PlainError }
  /** Nobody caught this, and most likely the thread ends of it: it is told whole, which Node does not do. */
  | { readonly type: "uncaught"; readonly error: PlainError };

/** Which of the agent's code threw. */
export type FailureStage = "import" | "create" | "join";

/** One thing measured in a session thread. Durations in milliseconds; null where there is nothing to measure. */
export type Measurement =
  | {
      readonly kind: "llm";
      readonly provider: string;
      readonly model: string;
      readonly outcome: "done" | "cancelled" | "failed";
      /** Request → end of the stream, tool rounds included. */
      readonly latencyMs: number;
      /** Request → first text, over tool rounds. */
      readonly firstTokenMs: number | null;
      readonly inputTokens: number;
      readonly outputTokens: number;
    }
  | {
      readonly kind: "tool";
      readonly provider: string;
      readonly model: string;
      readonly outcome: "done" | "cancelled" | "failed";
      readonly latencyMs: number;
    }
  | {
      readonly kind: "stt";
      readonly provider: string;
      readonly model: string;
      readonly latencyMs: number | null;
      readonly audioDurationMs: number;
    }
  | {
      readonly kind: "tts";
      readonly provider: string;
      readonly model: string;
      readonly latencyMs: number | null;
      readonly audioDurationMs: number;
      readonly characters: number;
    }
  | {
      readonly kind: "turn";
      readonly outcome: TurnOutcome;
      readonly durationMs: number;
      readonly trailingSilenceMs: number | null;
    }
  | {
      readonly kind: "response";
      readonly outcome: TurnOutcome;
      readonly eager: boolean;
      readonly latency: ResponseLatency;
    }
  | {
      /** How late frames of the agent's speech were handed to the edge, over about a second of it. */
      readonly kind: "pacing";
      readonly worstMs: number;
      readonly p99Ms: number;
      readonly frames: number;
    }
  | {
      readonly kind: "realtime";
      readonly provider: string;
      readonly model: string;
      readonly audioInputDurationMs: number;
      readonly audioOutputDurationMs: number;
    }
  | {
      /** An answer of a model that was of no use. */
      readonly kind: "bad_answer";
      readonly provider: string;
      readonly model: string;
      /** A short word, such as `empty`: it becomes a label. */
      readonly reason: string;
    }
  | {
      readonly kind: "error";
      readonly component: "llm" | "stt" | "tts" | "edge" | "tool";
      readonly provider: string;
      /** A short class of errors, such as `timeout` or `http_429`: it becomes a label. */
      readonly error: string;
    };
