import type { AgentEvent, Measurement, TextMessage } from "../protocol.ts";

/** Structured log lines. Field names are snake_case. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What an agent tells the session that it lives in. */
export interface AgentHost {
  readonly log: Log;
  /** Whether log lines may hold what was said, and what tools were given. */
  readonly logTranscripts: boolean;
  joined(): void;
  presence(aloneSince: number | null): void;
  event(event: AgentEvent): void;
  measured(measurement: Measurement): void;
  /** Resolves when a request to the provider may begin; dispose of the result when it is over. */
  permit(provider: string, signal: AbortSignal): Promise<Disposable>;
}

/** What a session may do with its agent. */
export interface AgentHandle {
  /** Takes what a participant typed; before the agent has joined, it waits. */
  message(message: TextMessage): void;
  /** Ends the conversation, so that `finish()` returns; leaving the call stays with the agent's own code. */
  close(reason: Error): void;
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
  joined: nothing,
  presence: nothing,
  event: nothing,
  measured: nothing,
  permit: async () => ({ [Symbol.dispose]: nothing }),
};
