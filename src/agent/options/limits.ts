import { type Checks, duration, whole } from "./option-checks.ts";

/** Bounds of one agent. Times in milliseconds. */
export interface AgentLimits {
  /**
   * The longest wait for the edge to bring the agent into the call, and for a speech-to-speech model to open its
   * session.
   * @default 30000
   */
  readonly joinTimeoutMs: number;
  /**
   * The longest time from a request to the first text or tool call of the model. Past it the turn fails; slow reasoning
   * models need more.
   * @default 15000
   */
  readonly firstTokenTimeoutMs: number;
  /**
   * The longest time from a request to the end of the model's stream, for each request alone.
   * @default 60000
   */
  readonly responseTimeoutMs: number;
  /**
   * The longest time that a request waits its turn among those to a provider with `providerConcurrency`. Past it the
   * turn fails, or a `fallback` asks the next one; ears ask again. Raise it where a late answer is better than none.
   * @default 10000
   */
  readonly permitTimeoutMs: number;
  /**
   * The longest text of one reply, in characters: a model that never stops ends here.
   * @default 100000
   */
  readonly maxReplyLength: number;
  /**
   * The number of times in one turn that the model may call tools before it has to answer without them, and the number of times that
   * roles may hand the conversation over to one another before a participant says something.
   * @default 3
   */
  readonly maxToolRounds: number;
  /**
   * Tool calls that run at the same time.
   * @default 8
   */
  readonly maxParallelTools: number;
  /**
   * Tool calls that the model may ask for in one round; further ones are dropped, and logged.
   * @default 64
   */
  readonly maxToolCallsPerRound: number;
  /**
   * The longest time that a tool call may run, validation of its arguments included.
   * @default 30000
   */
  readonly toolTimeoutMs: number;
  /**
   * The longest time that a function may run which runs on while the conversation goes on.
   * @default 600000
   */
  readonly taskTimeoutMs: number;
  /**
   * The length at which the output of a tool is cut, in characters.
   * @default 60000
   */
  readonly maxToolOutputLength: number;
  /**
   * Messages of the conversation that the model is shown; the oldest exchanges are forgotten first.
   * @default 1000
   */
  readonly maxHistoryMessages: number;
  /**
   * The most characters of the history that the model is shown.
   * @default 1000000
   */
  readonly maxHistoryLength: number;
  /**
   * Turns that may wait behind the running one; further ones fail at once.
   * @default 100
   */
  readonly maxWaitingTurns: number;
  /**
   * The time without news from the recogniser after which a turn that is being spoken is taken as it is; from a
   * speech-to-speech model, after which its answer is taken as whole.
   * @default 10000
   */
  readonly stalledTurnMs: number;
  /**
   * A participant whose recogniser has failed for good is listened to again after this long; it doubles with each
   * failure, up to 12 times as much (60 s). A recogniser that lasts for so long works. The same holds for the session
   * with a speech-to-speech model.
   * @default 5000
   */
  readonly hearingRetryMs: number;
  /**
   * The longest time that each step of leaving and closing may take: the call, the edge, the model, the voices. At most
   * two follow one another, which fits into the default grace of a close (5 s).
   * @default 2000
   */
  readonly closeStepTimeoutMs: number;
}

export const defaultAgentLimits = {
  joinTimeoutMs: 30_000,
  firstTokenTimeoutMs: 15_000,
  responseTimeoutMs: 60_000,
  permitTimeoutMs: 10_000,
  maxReplyLength: 100_000,
  maxToolRounds: 3,
  maxParallelTools: 8,
  maxToolCallsPerRound: 64,
  toolTimeoutMs: 30_000,
  taskTimeoutMs: 600_000,
  maxToolOutputLength: 60_000,
  maxHistoryMessages: 1_000,
  maxHistoryLength: 1_000_000,
  maxWaitingTurns: 100,
  stalledTurnMs: 10_000,
  hearingRetryMs: 5_000,
  closeStepTimeoutMs: 2_000,
} as const satisfies AgentLimits;

export const limitChecks: Checks<AgentLimits> = {
  joinTimeoutMs: duration(),
  firstTokenTimeoutMs: duration(),
  responseTimeoutMs: duration(),
  permitTimeoutMs: duration(),
  maxReplyLength: whole(1),
  maxToolRounds: whole(0),
  maxParallelTools: whole(1),
  maxToolCallsPerRound: whole(1),
  toolTimeoutMs: duration(),
  taskTimeoutMs: duration(),
  maxToolOutputLength: whole(1),
  maxHistoryMessages: whole(1),
  maxHistoryLength: whole(1),
  maxWaitingTurns: whole(0),
  stalledTurnMs: duration(),
  hearingRetryMs: whole(1, 3_600_000),
  closeStepTimeoutMs: duration(),
};
