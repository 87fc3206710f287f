import type {
  AgentService,
  LeaveData,
  Resumption,
  SessionAnswer,
  SessionQuestion,
  TextMessage,
} from "../shared/protocol.ts";
import type { AgentEvent } from "../shared/session/agent-event.ts";
import type { Measurement } from "../shared/session/measurement.ts";
import type { SessionMetricsSnapshot } from "../shared/session/session-metric-fields.ts";
import type { SessionFacts } from "./call/agent-in-call.ts";
import type { Edge } from "./edge.ts";
import type { Log } from "./log.ts";
import type { STT } from "./stt.ts";
import type { TTS } from "./tts.ts";

/** The session that an agent lives in, as the agent sees it. */
export interface AgentHost {
  readonly log: Log;
  /** True where log lines may hold what was said, and what tools were given. */
  readonly logTranscripts: boolean;
  /** The session that the agent lives in; null where it lives in none. */
  readonly session: SessionFacts | null;
  /** The place of the call instead of the agent's own edge; null where the agent's own edge carries it. */
  readonly stage: Stage | null;
  /** The agent is in the call, where it waits so long for somebody else at the most, in milliseconds; null: it does not. */
  joined(waitsMs: number | null): void;
  presence(aloneSince: number | null): void;
  event(event: AgentEvent): void;
  measured(measurement: Measurement): void;
  /** Tells the session how to leave the call should the thread die; null where there is nothing to leave. */
  leaveData(leaveData: LeaveData | null): void;
  /** The call that the agent takes up from another thread; null where it begins. */
  readonly resumption: Resumption | null;
  /** Keeps the state of the call, for a thread that would have to take it up; null where it cannot be taken up. */
  state(state: string | null): void;
  /** Resolves with the metrics of the session so far; null where nobody counts them. */
  metrics(): Promise<SessionMetricsSnapshot | null>;
  /**
   * Resolves when a request to the provider may begin; dispose of the result when it is over. Rejects where that took longer
   * than `timeoutMs`, or the signal fired.
   */
  permit(provider: string, signal: AbortSignal, timeoutMs: number): Promise<Disposable>;
}

/** A call of another kind than the agent's own: in it any agent can hear and speak. */
export interface Stage {
  readonly edge: Edge;
  /** Returns the ears of an agent that has none of its own. */
  stt(): STT;
  /** Returns the voice of an agent that has none of its own. */
  tts(): TTS;
}

/** The agent, as its session sees it. */
export interface AgentHandle {
  /** Takes what a participant typed; before the agent has joined, it waits. */
  message(message: TextMessage): void;
  /** Resolves with the answer to a question of the main thread. It never rejects. */
  answer(question: SessionQuestion): Promise<SessionAnswer>;
  /** Ends the conversation, so that `finish()` returns; leaving the call stays with the agent's own code. */
  close(reason: Error): void;
  /** A call is about to begin: services are connected to ahead. */
  prepare(): void;
  /** Resolves with what the agent is made of, and which of it is known not to work, for a rehearsal. */
  report(): Promise<AgentService[]>;
  /** True where the call is to be taken up by another agent also after an error of this one's own code. */
  readonly restoresFailed: boolean;
  /** True where the edge waits for clients that come into the call. */
  readonly receives: boolean;
}

/**
 * The method by which a session takes hold of its agent, once. A registered symbol: it holds across copies of the package,
 * and nobody calls it by accident.
 */
export const attach: unique symbol = Symbol.for("greenroom.agent.attach") as never;

const nothing = () => {};

/** The host of an agent that no session holds, as in a user's own tests: nothing is told to anybody. */
export const noHost: AgentHost = {
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  logTranscripts: false,
  session: null,
  stage: null,
  joined: nothing,
  presence: nothing,
  event: nothing,
  measured: nothing,
  leaveData: nothing,
  resumption: null,
  state: nothing,
  metrics: async () => null,
  permit: async () => ({ [Symbol.dispose]: nothing }),
};
