/** Everything that is known of a reason for which a session ends. */
interface EndReasonRow {
  /** The meaning, for the documentation: what happened to the session. */
  readonly text: string;
  /** True where somebody should look at it: the log tells it as an error. */
  readonly isFault: boolean;
  /** True where a running session is asked to close for it. */
  readonly isRequest: boolean;
  /** True where the server ends the session's thread by force for it. */
  readonly isKill: boolean;
  /** True where it is a death of the session's thread, of which many in a minute stop starts. */
  readonly isCrash: boolean;
  /** True where a shutdown counts the call as closed by it, and not as one that ended by itself. */
  readonly isCutByShutdown: boolean;
  /** The option that sets the limit which the session reached; null where there is none. */
  readonly limit: string | null;
  /** The exit code of `greenroom run` after a conversation that ended so. */
  readonly exitCode: 0 | 1;
  /** The code of the error of a start whose session ended so before it began. */
  readonly startError: "DRAINING" | "REGISTRY_UNAVAILABLE" | "START_FAILED";
  /** The alert that counts these ends; null where none does. */
  readonly alert: string | null;
}

/** The values of most reasons: the call is over, and nobody has to investigate. */
const ordinary = {
  isFault: false,
  isRequest: false,
  isKill: false,
  isCrash: false,
  isCutByShutdown: false,
  limit: null,
  exitCode: 0,
  startError: "START_FAILED",
  alert: null,
} as const satisfies Partial<EndReasonRow>;

/** The values of reasons that are faults of the agent. */
const fault = { ...ordinary, isFault: true, exitCode: 1, alert: "GreenroomSessionsFail" } as const;

/** The reasons for which a session ends. A closed set: every ended session has exactly one. */
export const endReasons = {
  finished: { ...ordinary, text: "the agent left by itself, or the call ended" },
  closed: { ...ordinary, isRequest: true, text: "a caller asked for it; `close_requested_by` says who" },
  idle: {
    ...ordinary,
    isRequest: true,
    limit: "agentIdleTimeoutMs",
    text: "the agent was alone in the call for too long",
  },
  max_duration: {
    ...ordinary,
    isRequest: true,
    limit: "maxSessionDurationMs",
    text: "the session lasted for too long",
  },
  drained: {
    ...ordinary,
    isRequest: true,
    isCutByShutdown: true,
    limit: "drainTimeoutMs",
    startError: "DRAINING",
    alert: "GreenroomDrainCutsCalls",
    text: "the server shut down",
  },
  start_failed: {
    ...fault,
    isRequest: true,
    limit: "createTimeoutMs",
    text: "`createAgent` threw, or took too long",
  },
  failed: { ...fault, text: "the agent's code threw after the start" },
  crashed: {
    ...fault,
    isKill: true,
    isCrash: true,
    text: "its thread ended by an uncaught error or `process.exit`, or sent a malformed message",
  },
  unresponsive: {
    ...fault,
    isKill: true,
    isCrash: true,
    limit: "unresponsiveAfterMs",
    text: "its event loop stood still for too long; the log has the hottest lines of a CPU profile",
  },
  out_of_memory: {
    ...fault,
    isRequest: true,
    isKill: true,
    isCrash: true,
    limit: "heapLimitMb",
    text: "it used more memory than allowed, or the most of it when the process had too little",
  },
  flooded: {
    ...fault,
    isKill: true,
    isCrash: true,
    limit: "messagesPerSecond",
    text: "it sent more messages to the server than allowed",
  },
  killed: {
    ...fault,
    isKill: true,
    isCutByShutdown: true,
    limit: "closeGraceMs",
    text: "it did not close within the grace after it was asked to",
  },
  lost: {
    ...fault,
    startError: "REGISTRY_UNAVAILABLE",
    alert: "GreenroomSessionsLost",
    text:
      "its process ended unexpectedly, or stood still or was cut off from all other replicas for longer than its lease. The " +
      "other replicas report it, which is final; with `--state-dir` the next start does. Its metrics, events and usage are lost",
  },
} as const satisfies Record<string, EndReasonRow>;

/** The reason for which a session ended: exactly one of a closed set. */
export type EndReason = keyof typeof endReasons;

type Rows = typeof endReasons;
type Flag = {
  [Name in keyof EndReasonRow]: EndReasonRow[Name] extends boolean ? Name : never;
}[keyof EndReasonRow];
/** The reasons that have a property. */
type ReasonsThat<Name extends Flag> = {
  [Reason in EndReason]: Rows[Reason][Name] extends true ? Reason : never;
}[EndReason];

/** The reasons for which a running session is asked to close. */
export type CloseReason = ReasonsThat<"isRequest">;

/** The reasons for which the server ends a session's thread by force. */
export type KillReason = ReasonsThat<"isKill">;

/** The names of all reasons, in the order of the table. */
export const endReasonNames = Object.keys(endReasons) as [EndReason, ...EndReason[]];

/** The names of the reasons that have a property. */
export const reasonsThat = <Name extends Flag>(name: Name): readonly ReasonsThat<Name>[] =>
  endReasonNames.filter((reason): reason is ReasonsThat<Name> => endReasons[reason][name]);
