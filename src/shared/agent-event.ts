import type { PlainError } from "./errors.ts";

/** An event of a call, as its thread tells it. `at` is stamped in the thread. */
export type AgentEvent =
  | TranscriptEvent
  | TurnEvent
  | ToolEvent
  | UserSilentEvent
  | ParticipantUnheardEvent
  | ParticipantHeardEvent;

/**
 * Words of the user or of the agent. While the agent speaks each piece is a `delta`; while a user does, what was understood
 * so far is `interim`, where the recogniser can tell; `final` carries the whole text as it was heard (cut where it was
 * interrupted).
 */
export interface TranscriptEvent {
  readonly type: "transcript";
  readonly at: number;
  readonly role: "user" | "agent";
  readonly turnId: string;
  readonly participantId: string;
  readonly final: boolean;
  /** Words of the agent, which continue the deltas before them. */
  readonly delta?: string;
  /**
   * Words of the user: the whole turn so far, in place of the interim text before it. Empty where the sound was no turn: no
   * final text follows then.
   */
  readonly interim?: string;
  readonly text?: string;
  /**
   * True where these final words of the user, such as "mhm" or "okay", were said while the agent went on speaking. They are
   * part of the conversation, and are not answered: no turn follows.
   */
  readonly backchannel?: boolean;
  /** The typed message that this is, where it is one. */
  readonly messageId?: string;
}

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

/** A turn is over. Durations in milliseconds. */
export interface TurnEvent {
  readonly type: "turn";
  readonly at: number;
  readonly turnId: string;
  /** The beginner of the turn: a participant, or the agent by `simpleResponse` or `say`. */
  readonly origin: "participant" | "response" | "say";
  readonly outcome: TurnOutcome;
  readonly durationMs: number;
  /**
   * The time from the start of the turn to the first token of the model; null where no model was asked, or it said
   * nothing.
   */
  readonly firstTokenMs: number | null;
  readonly toolCalls: number;
  /** The time that the participant waited for the answer; null where nobody spoke, or nothing sounded. */
  readonly latency: ResponseLatency | null;
  /** The answer was begun before the turn was over. */
  readonly eager: boolean;
  readonly error?: PlainError;
}

/** A tool call is over. Its arguments and result stay in the thread. */
export interface ToolEvent {
  readonly type: "tool";
  readonly at: number;
  readonly turnId: string;
  readonly name: string;
  readonly durationMs: number;
  readonly ok: boolean;
  /**
   * The reason why it is not ok, without a word of it: `timeout`, `bad_arguments` and the like, or else the name of the
   * error.
   */
  readonly error?: string;
}

/** Tells that nobody has said anything for long, though somebody is there. It comes once in each silence. */
export interface UserSilentEvent {
  readonly type: "user_silent";
  readonly at: number;
  /** The length of the silence so far, in milliseconds. */
  readonly silentMs: number;
  /** The number of silences in a row, without a word of a participant in between: 1, 2, … */
  readonly times: number;
}

/** A participant cannot be heard: their recogniser has failed for good. It is tried again for as long as they are there. */
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
