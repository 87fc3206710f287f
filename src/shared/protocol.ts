/**
 * The messages between the main thread and a session thread, over the one port between them: a union each way. Times
 * are milliseconds since the Unix epoch, fractions allowed, read with {@link now}.
 */

import type { CloseReason, EndReason } from "./end-reasons.ts";
import type { PlainError } from "./errors.ts";
import type { AgentEvent } from "./session/agent-event.ts";
import type { Measurement } from "./session/measurement.ts";
import type { SessionMetricsSnapshot } from "./session/session-metric-fields.ts";
import type { SteerQuestion } from "./session/steering.ts";

/** Any value of JSON. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
/** An object of JSON. */
export type JsonObject = { [key: string]: JsonValue };

/** Returns the time of the process' monotonic clock, the same in every thread, in milliseconds since the Unix epoch. */
export const now = (): number => performance.timeOrigin + performance.now();

/** The states of a session that has not ended, in the order in which they follow. */
export const liveStates = ["starting", "joining", "live", "resuming", "closing"] as const;

/**
 * The state of a session. `closing` and `ended` can be reached from any other one, and `resuming` leads back to
 * `joining`.
 */
export type SessionState = (typeof liveStates)[number] | "ended";

/** The states that may follow each state. */
export const nextStates = {
  starting: ["joining", "closing", "ended"],
  joining: ["live", "resuming", "closing", "ended"],
  live: ["resuming", "closing", "ended"],
  resuming: ["joining", "closing", "ended"],
  closing: ["ended"],
  ended: [],
} as const satisfies Record<SessionState, readonly SessionState[]>;

/** The data that a slot's thread is given when it starts: everything that does not depend on a session. */
export interface SlotBoot {
  readonly port: import("node:worker_threads").MessagePort;
  /** Int32 values, by {@link Pulse}, and names of tools behind them. The memory is shared, so that a blocked loop cannot hide. */
  readonly heartbeat: SharedArrayBuffer;
  /** The URL of the module whose default export is the agent. */
  readonly agentUrl: string;
  /** The providers whose requests are limited over all sessions: each request needs a permit. */
  readonly limitedProviders: readonly string[];
  /** The model of the thread that recognises speech for all sessions of the process; null where there is none. */
  readonly recogniser: string | null;
  /** True where the packets of all sessions come through the media port. */
  readonly mediaPort: boolean;
  /** True where one thread synthesises speech without a key for all sessions. */
  readonly voice: boolean;
  /** True where one thread runs the programs of MCP servers for all sessions. */
  readonly mcp: boolean;
  readonly log: ThreadLogOptions;
}

/** The threads that all sessions of a process share. */
export const sharedThreadNames = ["recogniser", "media", "voice", "mcp"] as const;
export type SharedThreadName = (typeof sharedThreadNames)[number];

/** Main thread → the thread of the media port, of the voice, or of MCP servers: the port of a session thread. */
export interface ToSharedThread {
  readonly port: import("node:worker_threads").MessagePort;
}

/** Main thread → a thread that all sessions share: the server ends, so that it gives back what it has, and ends by itself. */
export interface EndSharedThread {
  readonly type: "end";
}

/** The index of each value in a thread's heartbeat. */
export const Pulse = {
  /** The thread adds 1 every {@link heartbeatIntervalMs}. */
  beat: 0,
  /** The number of worker threads that the agent has started. */
  nestedWorkers: 1,
  /** The heap, Buffers and wasm memory that these hold together, in KiB. */
  nestedKilobytes: 2,
  /** The number of loads of modules that are under way: some stop the thread's loop for long, on a busy machine. */
  loading: 3,
} as const;
/** The number of these values. Behind them are the names of the tools that run (`running-tools.ts`). */
export const heartbeatValues = Object.keys(Pulse).length;
export const heartbeatBytes = heartbeatValues * Int32Array.BYTES_PER_ELEMENT + 256;

/**
 * The time between two heartbeats of a thread, in milliseconds. 1,000 threads that beat more often cost a third of a
 * core more.
 */
export const heartbeatIntervalMs = 250;

/** The levels of log lines, the least important first. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
/** A level of log lines. */
export type LogLevel = (typeof logLevels)[number];

/** The format of log lines. `words` is for a terminal that shows the conversation itself. */
export type LogFormat = "json" | "words";

export interface ThreadLogOptions {
  readonly level: LogLevel;
  /** The form of the level in JSON lines. Default: numbers. */
  readonly levels?: "numbers" | "words";
  /** The format of its log lines. Default `json`. */
  readonly format?: LogFormat;
  /** The file descriptor that log lines and the console of the thread are written to. A write to it must not block. */
  readonly fd: number;
  /** The memory of the process' `DroppedLines`. Default: dropped lines are reported in the log only. */
  readonly dropped?: SharedArrayBuffer;
  /**
   * Says whether transcripts and tool arguments are logged too. Off by default, since they are the callers'
   * private words.
   */
  readonly transcripts: boolean;
}

/** A session, as its thread is assigned it. */
export interface SessionAssignment {
  readonly sessionId: string;
  readonly callType: string;
  readonly callId: string;
  readonly config: JsonObject;
  /** The in-memory call that replaces the agent's edge; null where the edge is used. */
  readonly inMemory: InMemoryCall | null;
  /** The state of the call that the agent takes up, whose thread ended; null where the call begins. */
  readonly resumption: Resumption | null;
  /**
   * Says whether this is a dry run before the server serves: only `createAgent` runs, and the agent is
   * closed.
   */
  readonly rehearsal: boolean;
}

/** The facts for an agent that takes up the call of another one, whose thread ended. */
export interface Resumption {
  /** The reason for which the thread ended: one of those for which a session ends. */
  readonly reason: EndReason;
  /** The number of times that the call was taken up, this one included. */
  readonly times: number;
  /** The state of the call as the thread before told it last. */
  readonly state: string;
  /** The agent's words that were heard in the turn in which it spoke last. */
  readonly heard: { readonly turnId: string; readonly text: string };
  /**
   * True where the agent before goes on for now: this one joins the call, and hears and says nothing before it is asked to `take_up` the
   * call as it is by then.
   */
  readonly rests: boolean;
}

/** The call at the moment in which it changes hands. */
export interface TakenUp extends Pick<Resumption, "state" | "heard"> {
  /** The messages that participants typed, and no agent has taken. Those that came before are forgotten. */
  readonly typed: readonly TextMessage[];
  /** The time for which the agent before is still heard, in milliseconds: this one speaks after that. Default 0. */
  readonly soundLeftMs?: number;
}

/** A call in memory. `dial` of greenroom/testing connects to it by the session's id. */
export interface InMemoryCall {
  /**
   * The factor by which the call is faster than real time, 1 to 100. Default 1, which services over a network
   * need.
   */
  readonly speed?: number;
  /** False for a call without sound, whose participants type. Default true. */
  readonly sound?: boolean;
}

/** The services of an agent, as its rehearsal found them. */
export interface AgentReport {
  /** The text by which the agent's module describes itself; null where it has none. */
  readonly about: string | null;
  readonly services: readonly AgentService[];
  /** True where its edge waits for clients that come into the call, such as browsers. */
  readonly receives: boolean;
}

export interface AgentService {
  readonly part: "llm" | "stt" | "tts" | "tools" | "edge";
  readonly provider: string;
  /** The name of the model, or of the server that offers tools; null for an edge. */
  readonly model: string | null;
  /** The providers that replace it when it fails, from a `fallback`. */
  readonly reserve: readonly string[];
  /** The reason why it cannot be used, such as a wrong key; null where none is known. */
  readonly problem: PlainError | null;
}

/** A message that a participant typed. */
export interface TextMessage {
  readonly messageId: string;
  readonly participantId: string;
  readonly text: string;
}

/** The data for leaving a call on behalf of an agent whose thread died in it. */
export interface LeaveData {
  /** The `provider` of the edge. The server knows the module that leaves for it; a thread names no module. */
  readonly provider: string;
  /** The data that the module is given. They may hold secrets, and are never logged. */
  readonly data: JsonObject;
}

/** A module that leaves calls for threads that died. It should be light: the main thread loads it. */
export interface LeaveModule {
  /**
   * Leaves the call. It is harmless where there is nothing left to leave. The data come from a thread that runs an
   * agent's code: the function must check them, and must load and read nothing that they name.
   */
  leave(data: JsonObject, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** A person who is to join the call that an agent is in. */
export interface Guest {
  readonly id: string;
  readonly name: string;
  /** Says whether the id was generated, so that no other user has it. */
  readonly madeUp: boolean;
}

/** A client's WebSocket that the server has accepted for a session, and that waits for its thread. */
export interface SocketOffer {
  /** The address of the local socket at which the main thread gives the client's bytes to the thread. */
  readonly address: string;
  /** The text that the thread sends there first. It is good once. */
  readonly ticket: string;
  /** The subprotocols that the client offers, in its order. */
  readonly protocols: readonly string[];
  /** The facts that the route which let the client in knows of it. */
  readonly data: JsonObject;
}

/** A question of the main thread to the agent of a session. */
export type SessionQuestion =
  | { readonly about: "join_token"; readonly guest: Guest; readonly expiresInSeconds: number }
  | { readonly about: "demo_link"; readonly guest: Guest }
  | { readonly about: "offer"; readonly guest: Guest; readonly offer: JsonObject }
  /** The value that is given holds `protocol`: the subprotocol that the edge chose, or null. */
  | { readonly about: "socket"; readonly guest: Guest; readonly socket: SocketOffer }
  /**
   * The call is to be ready for an agent in another replica that takes it up: between two turns where that comes within this time, else
   * the turn under way is cut. From then on no turn begins. The state that is told before the answer is the one to be taken up. Not
   * offered where the call has none.
   */
  | { readonly about: "hand_over"; readonly withinMs: number }
  /** Nobody takes the call up after all: the agent goes on. */
  | { readonly about: "hand_back" }
  /**
   * Another agent, in the replica of this name, is in the call, silent: clients are to connect to it too, before the call changes hands.
   * Answered once they have.
   */
  | { readonly about: "move"; readonly to: string }
  /** The call is this agent's from here on. */
  | ({ readonly about: "take_up" } & TakenUp)
  | SteerQuestion;

/** The questions about somebody who is to come into the call. */
export type GuestQuestion = Extract<SessionQuestion, { readonly guest: Guest }>;

export type SessionAnswer =
  | { readonly outcome: "given"; readonly value: JsonObject }
  /** Its edge does not offer such a thing; it is in no call; or the guest has the agent's own id. */
  | { readonly outcome: "not_offered" | "not_in_call" | "own_user" }
  /** It rests, since another agent is about to go on with the call: that one would not know of it. */
  | { readonly outcome: "moving" }
  /** The edge does not take what the client sent. */
  | { readonly outcome: "refused"; readonly reason: string }
  | { readonly outcome: "failed"; readonly error: PlainError };

/** The longest wait for an answer, in milliseconds. */
export const answerTimeoutMs = 5_000;

/** Returns the longest wait for the answer to a question, in milliseconds. */
export const answerWithinMs = (question: SessionQuestion): number =>
  answerTimeoutMs + (question.about === "hand_over" ? question.withinMs : 0);

export type ToThread =
  | { readonly type: "assign"; readonly session: SessionAssignment }
  | { readonly type: "message"; readonly message: TextMessage }
  /** The permit of this number is granted. */
  | { readonly type: "permit"; readonly permit: number }
  | { readonly type: "question"; readonly number: number; readonly question: SessionQuestion }
  /** The measurements of this session so far, as they were asked for. */
  | { readonly type: "metrics"; readonly metrics: SessionMetricsSnapshot }
  /** The port to a shared thread that was asked for; null where it cannot be had, and why: the text ends a sentence. */
  | {
      readonly type: "port";
      readonly number: number;
      readonly port: import("node:worker_threads").MessagePort | null;
      readonly refusal: string;
    }
  /** `moved`: another agent is in the call by now, and goes on with it. */
  | { readonly type: "close"; readonly reason: CloseReason; readonly moved: boolean };

export type FromThread =
  /** The first message. None of the agent's code is loaded yet, so that the number is the thread's own. */
  | { readonly type: "started"; readonly threadId: number }
  /** The agent module is imported: the thread can take a session. */
  | { readonly type: "warm"; readonly importMs: number }
  /** The session was received; the agent's code runs from here on. */
  | { readonly type: "entered"; readonly at: number }
  /** `createAgent` has returned. */
  | { readonly type: "created"; readonly at: number }
  /** The agent's parts, and whether its services let it in. Only a rehearsal sends it. */
  | { readonly type: "rehearsed"; readonly report: AgentReport }
  /** The agent has joined. `waitsMs` is the longest time that it waits for a participant; null where it does not wait. */
  | { readonly type: "joined"; readonly at: number; readonly waitsMs: number | null }
  /** The time since which the agent is alone in the call, in epoch milliseconds; null while a participant is present. */
  | { readonly type: "presence"; readonly aloneSince: number | null }
  | { readonly type: "event"; readonly event: AgentEvent }
  | { readonly type: "measured"; readonly measurement: Measurement }
  /** The thread asks for a permit for a request to a provider whose requests are limited over all sessions. */
  | { readonly type: "permit_wanted"; readonly permit: number; readonly provider: string }
  /** The request is over, or was given up. */
  | { readonly type: "permit_returned"; readonly permit: number }
  /** The data for leaving the call if the thread dies. They replace the former ones; null: none are needed. */
  | { readonly type: "leave_data"; readonly leaveData: LeaveData | null }
  /**
   * The state of the call, with which another thread could take it up; null: none could. It replaces the former one. It is never
   * logged.
   */
  | { readonly type: "state"; readonly state: string | null }
  | { readonly type: "answer"; readonly number: number; readonly answer: SessionAnswer }
  | { readonly type: "metrics_wanted" }
  /** The thread wants a port to a thread that all sessions share. */
  | { readonly type: "port_wanted"; readonly thread: SharedThreadName; readonly number: number }
  /** `joinCall` (or the rehearsal) is over and the agent is closed. */
  | { readonly type: "ended" }
  /** `restores`: the agent wants its call to be taken up also after an error of its own. It has not left the call then. */
  | {
      readonly type: "failed";
      readonly stage: FailureStage;
      readonly error: PlainError;
      readonly restores: boolean;
    }
  /** An uncaught error, after which the thread most likely ends. It has all its fields, which Node's own event does not. */
  | { readonly type: "uncaught"; readonly error: PlainError };

/** The part of the agent's code that threw. */
export type FailureStage = "import" | "create" | "join";
