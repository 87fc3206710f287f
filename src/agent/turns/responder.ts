import type { PcmFrame } from "../../audio/pcm-frame.ts";
import type { Blocked } from "../guards/judge.ts";
import type { Message } from "../model/message.ts";
import type { Handoff } from "../role/handoff.ts";
import type { Service } from "../service.ts";
import type { ToolOutcome } from "../tools/run-tools.ts";
import type { Heard } from "./heard.ts";

/*
 * The seam between what was heard and what is played:
 *
 *   recogniser ─▶ SpokenTurns ─┐                         ┌─▶ voice ─▶ SpeechOutput ─┐
 *                              ├─▶ Turn ⇄ Responder ─────┤                          ├─▶ edge
 *   the model's own turns ─────┘        (text, sound)    └─▶ SoundOutput ───────────┘
 *
 * A turn asks its responder, and gives the parts of the answer to the output of their kind. It does not know what answers.
 */

/** The words or the speech that a turn answers. */
export interface Question {
  /** The messages that the turn adds to the conversation before its answer. */
  readonly messages: readonly Message[];
  /** The conversation before them. */
  readonly history: readonly Message[];
  /** The turn of the participant as the model has heard it itself. Left out where the model has not heard the question. */
  readonly heardAs?: string;
}

/** A piece of an answer, in the order in which it is to be heard. */
export type AnswerPart =
  /** Text that is still to be spoken. `endsSentence`: it is known that a sentence ends with it. */
  | { readonly type: "text"; readonly delta: string; readonly endsSentence?: boolean }
  /** Sound as it is to be heard. */
  | { readonly type: "sound"; readonly frame: PcmFrame }
  /** The words of the sound, which may come before it or behind it. */
  | { readonly type: "words"; readonly delta: string }
  /** Nothing more comes for now, such as while tools run: what there is need not wait for the rest of its sentence. */
  | { readonly type: "pause" }
  | { readonly type: "tool"; readonly outcome: ToolOutcome }
  /** A guard has blocked the question, or the rest of the answer. */
  | { readonly type: "blocked"; readonly blocked: Blocked }
  /** A tool has handed the conversation over to another role: the answer ends here. */
  | { readonly type: "handoff"; readonly handoff: Handoff }
  /** A tool begins, or has a result: what it does cannot be taken back. */
  | { readonly type: "step" }
  /** The model has broken off: what is not heard yet is not to be heard. */
  | { readonly type: "interrupted" };

/** One answer. It is held until it is released: nothing of it is given, and no tool runs. */
export interface Answer {
  /** The time of its first text or sound, as epoch milliseconds; null while there is none. */
  readonly firstPartAt: number | null;
  /** The messages that belong into the conversation so far, as if all of them were heard. */
  readonly messages: readonly Message[];
  /** The same with the tools that run, and the results that there are. Left out where they are not known. */
  readonly underWay?: readonly Message[];
  /**
   * Gives what was held, then the rest as it comes, and lets its tools run. Called once. Resolves when all is given; rejects
   * with what went wrong, or once it is ended.
   * @param mayRunTools Resolves when its tools may run. A model that calls its tools beside its words does not wait for it.
   * Default: at once.
   */
  release(give: (part: AnswerPart) => void, mayRunTools?: () => Promise<void>): Promise<void>;
  /**
   * Ends it, since the turn is over or it is not wanted: nothing more is given. Without effect on one that was ended.
   * @param heard Null: all of it was heard.
   */
  end(heard: Heard | null): void;
}

/** The messages that a turn has added to the conversation, as far as they were said and heard. */
export interface AddedMessages {
  readonly asked: readonly Message[];
  readonly said: readonly Message[];
  /** The answer that was given; null where the agent's code had the words said without the model. */
  readonly answer: Answer | null;
}

/** The answering side of a call: a pipeline of text model and tools, or a speech-to-speech model. */
export interface Responder {
  /** The model, as metrics name it. */
  readonly service: Service;
  /**
   * False: it answers what it is asked, so that an answer may be begun before it is sure that a participant has finished, and
   * be dropped without a trace. True: it hears the participants itself, answers once they have finished, and keeps the
   * history of the conversation. Its answer is then expected from the moment that the turn is committed, and stands.
   */
  readonly hears: boolean;
  begin(question: Question): Answer;
  /** Has the model say these words. Left out where the model does not speak itself. */
  say?(text: string): Answer;
  /**
   * Takes in what a turn has added to the conversation: the model may not know all of it. Left out where the model is shown the
   * history each time.
   */
  turnOver?(turn: AddedMessages): void;
}
