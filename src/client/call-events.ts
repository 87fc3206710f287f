import type { CallError } from "./call-error.ts";
import type { TranscriptEntry } from "./transcript.ts";

/** The state of the call. */
export type CallState = "idle" | "connecting" | "connected" | "reconnecting" | "ended";
/** The agent's activity at the moment. */
export type AgentState = "listening" | "thinking" | "speaking";

/** A person in the call. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

/** The time for which a participant waited for an answer, and its parts, in milliseconds. */
export interface TurnReport {
  readonly turnId: string;
  readonly outcome: string;
  /** `response_ms` and its parts, which add up to it; null where nobody spoke. */
  readonly latency: Readonly<Record<string, number>> | null;
}

/** The end of a call: `reason` is `left`, `replaced`, an end reason of the session such as `idle`, or the code of `error`. */
export interface CallEnd {
  readonly reason: string;
  readonly error: CallError | null;
}

/** The events of a call, with what each tells. */
export interface CallEvents {
  state: CallState;
  agentState: AgentState;
  /** All that was said so far. */
  transcript: readonly TranscriptEntry[];
  /** Everybody in the call, the user of the page and the agent aside. */
  participants: readonly Person[];
  turn: TurnReport;
  /** Data that the agent's code sent with `agent.sendEvent()`. */
  event: unknown;
  ended: CallEnd;
}
