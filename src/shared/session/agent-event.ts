import type { PlainError } from "../errors.ts";

/** The most characters of a name in an event, such as that of a tool, and of words. Longer ones are cut before they are told. */
export const mostOfEvent = { name: 4_096, words: 1_048_576 };

/**
 * An event of a call, as its session thread reports it. `at` is the time in the thread, in epoch
 * milliseconds.
 */
export type AgentEvent =
  | TranscriptEvent
  | TurnEvent
  | ToolEvent
  | UserSilentEvent
  | ParticipantUnheardEvent
  | ParticipantHeardEvent
  | RoleEvent
  | BlockedEvent;

/**
 * Words of a participant or of the agent. While the agent speaks, each piece is a `delta`; while a
 * participant speaks, `interim` is the text so far, where the recogniser reports one. With `final`, `text` is
 * the whole text as it was heard, cut where it was interrupted.
 */
export interface TranscriptEvent {
  readonly type: "transcript";
  readonly at: number;
  readonly role: "user" | "agent";
  readonly turnId: string;
  readonly participantId: string;
  readonly final: boolean;
  /** The agent's next words, after the deltas before. */
  readonly delta?: string;
  /**
   * The participant's words in this turn so far, which replace the interim text before. It is empty where the
   * sound was no turn; no final text follows then.
   */
  readonly interim?: string;
  readonly text?: string;
  /**
   * True for final words of a participant, such as "mhm" or "okay", that were said while the agent kept
   * speaking. They are part of the conversation and are not answered: no turn follows.
   */
  readonly backchannel?: boolean;
  /** The id of the typed message; undefined for speech. */
  readonly messageId?: string;
}

/** The outcome of a turn. */
export type TurnOutcome = "done" | "interrupted" | "failed";

/**
 * The time that a participant who spoke waited for the answer to sound. Its stages follow one another and add up exactly. A
 * stage that the kind of model does not have is left out, such as the first sentence of a model that answers in sound.
 */
export interface ResponseLatency {
  /** The time from the last sound of speech to the first frame of the answer that was handed to the edge. */
  readonly responseMs: number;
  /** The time from the last sound of speech to the turn detector's end of turn. */
  readonly endOfTurnMs?: number;
  /** The time from then to the first text of the model. 0 where it was there already. */
  readonly firstTokenMs?: number;
  /** The time from then to the first whole sentence. */
  readonly firstSentenceMs?: number;
  /** The time from then to the first sound of it. */
  readonly firstByteMs?: number;
  /** The time from then to the first frame at the edge. */
  readonly outputMs?: number;
}

/** The name of a stage of a response. */
export type ResponseStage = Exclude<keyof ResponseLatency, "responseMs">;

/** A turn is over. Durations are in milliseconds. */
export interface TurnEvent {
  readonly type: "turn";
  readonly at: number;
  readonly turnId: string;
  /** The beginner of the turn: a participant, or the agent by `simpleResponse` or `say`. */
  readonly origin: "participant" | "response" | "say";
  readonly outcome: TurnOutcome;
  readonly durationMs: number;
  /**
   * The time from the start of the turn to the model's first token; null where no model was asked, or it gave
   * no text.
   */
  readonly firstTokenMs: number | null;
  readonly toolCalls: number;
  /**
   * The time that the participant waited for the answer; null where nobody spoke, or the answer had no sound.
   */
  readonly latency: ResponseLatency | null;
  /** Says whether the answer was begun before the turn was over. */
  readonly eager: boolean;
  readonly error?: PlainError;
}

/** A tool call is over. Its arguments and result remain in the thread. */
export interface ToolEvent {
  readonly type: "tool";
  readonly at: number;
  readonly turnId: string;
  readonly name: string;
  readonly durationMs: number;
  readonly ok: boolean;
  /**
   * The class of the error, without any of its words: `timeout`, `bad_arguments` and the like, or else the
   * name of the error.
   */
  readonly error?: string;
}

/**
 * Nobody has said anything for a long time, although a participant is present. It is reported once in each
 * silence.
 */
export interface UserSilentEvent {
  readonly type: "user_silent";
  readonly at: number;
  /** The length of the silence so far, in milliseconds. */
  readonly silentMs: number;
  /** The number of silences in a row without a word of a participant in between: 1, 2, … */
  readonly times: number;
}

/**
 * A participant cannot be heard, since their recogniser has failed. It is opened again repeatedly while they
 * are present.
 */
export interface ParticipantUnheardEvent {
  readonly type: "participant_unheard";
  readonly at: number;
  readonly participantId: string;
  readonly error: PlainError;
}

/** A participant who could not be heard is heard again. */
export interface ParticipantHeardEvent {
  readonly type: "participant_heard";
  readonly at: number;
  readonly participantId: string;
}

/** The cause of a change of role: the agent's own code, a tool, or a caller of the REST API. */
export type ChangedBy = "code" | "tool" | "api";

/** The agent has taken on another role. Other instructions in the role that it has are not told. */
export interface RoleEvent {
  readonly type: "role";
  readonly at: number;
  /** The name of the role, one of the agent's `roles`; null: that of its own options. */
  readonly role: string | null;
  readonly by: ChangedBy;
}

/** A guard has blocked the words of a participant, or the rest of an answer before it was spoken. */
export interface BlockedEvent {
  readonly type: "blocked";
  readonly at: number;
  readonly turnId: string;
  /** The name of the guard. */
  readonly guard: string;
  /** `heard`: the participant's words; `say`: those of the agent. */
  readonly stage: "heard" | "say";
  /** The reason that the guard gave; `no_verdict` where it failed, or took too long. */
  readonly reason: string;
}
