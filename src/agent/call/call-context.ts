import type { Clock } from "../../audio/clock.ts";
import type { AgentEvent } from "../../shared/session/agent-event.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import type { AgentUser } from "../edge.ts";
import type { Log } from "../log.ts";
import type { AgentLimits } from "../options/limits.ts";
import type { AskPermit } from "../thread/permits.ts";
import type { ToolContext } from "./agent-in-call.ts";

/** The things that every part of an agent's call may use. They stay the same for the whole call. */
export interface CallContext {
  readonly agentUser: AgentUser;
  readonly limits: AgentLimits;
  readonly log: Log;
  /** True where log lines may hold what was said, and what tools were given. */
  readonly logTranscripts: boolean;
  readonly clock: Clock;
  /** Fires when the conversation is over; the agent may still be in the call. */
  readonly signal: AbortSignal;
  /** Tells the session, the call and the listeners of the agent what has happened. */
  readonly emit: (event: AgentEvent) => void;
  /** Counts a measurement, towards the budget too. */
  readonly measure: (measurement: Measurement) => void;
  /** The context of the functions that the model calls. */
  readonly toolContext: ToolContext;
  /** Asks for a permit, for `limits.permitTimeoutMs` at the most. */
  readonly permit: AskPermit;
}
