import type { PcmFrame } from "../audio/pcm-frame.ts";
import type { Message, ToolCall, ToolResult } from "./model/message.ts";
import { Model } from "./model/model.ts";
import type { FunctionDeclaration } from "./tools/functions.ts";
import type { Heard } from "./turns/heard.ts";

/** The abilities that speech-to-speech models differ in. The agent asks for these, never for a provider. */
export interface RealtimeCapabilities {
  /** The sample rate of the sound that the model hears, in hertz. */
  readonly inputSampleRate: number;
  /** False where it does not tell that an answer is over. The answer is then over once nothing has come for a while. */
  readonly endsAnswers: boolean;
  /**
   * True where it goes on while tools run, and takes a result whenever it comes. Else tools are given up with the turn that
   * they belong to, and the model is told so.
   */
  readonly asyncTools: boolean;
  /** True where it can be asked to say a text. Else, and where the exact words count, an agent needs a voice of its own. */
  readonly says: boolean;
}

/** The start of a session with the model, which lasts as long as the call, or until it is lost. */
export interface RealtimeOpenRequest {
  /** The agent's standing instructions. */
  readonly instructions: string;
  readonly functions: readonly FunctionDeclaration[];
  /** The conversation so far, oldest first, where the session is opened in the middle of a call. */
  readonly messages: readonly Message[];
  /**
   * The `handle` of the session before, of this agent or of one whose call it takes up. A model that goes on with that session has the
   * conversation already. `open` rejects where it cannot, and is then called again without a handle. Left out where there is none.
   */
  readonly handle?: string;
  /** Fires when the session is not wanted any more. Made for this session alone: listeners need no removal. */
  readonly signal: AbortSignal;
}

/** The part of an agent's role that a session may be told of in the middle of a call. */
export type RealtimeChange = Pick<RealtimeOpenRequest, "instructions" | "functions">;

/** Something that the model is asked for. Its answer tells the id, where the model can tell which request it answers. */
export type RealtimeRequest =
  /** An answer to what a participant has typed, or to an instruction of the moment. */
  | { readonly type: "answer"; readonly id: string; readonly message: Message }
  /** These words, in the model's voice. */
  | { readonly type: "say"; readonly id: string; readonly text: string };

/**
 * An event of a session, in the order of time. Everything of an answer carries the answer's id, which stays the same
 * when the answer goes on after the results of its tools. Events of an answer that was stopped are dropped.
 */
export type RealtimeEvent =
  /** A participant has begun to speak: the agent is silent at once. */
  | { readonly type: "speech_started"; readonly turnId: string }
  /** The participant has finished, and an answer is to be expected. Models that cannot tell leave it out. */
  | {
      readonly type: "speech_ended";
      readonly turnId: string;
      /** The time of the last sound of speech, as epoch milliseconds; null where the model cannot tell. */
      readonly speechEndedAt: number | null;
    }
  /** The words of a turn so far, in place of those before. They may come long after its end, or never. */
  | { readonly type: "transcript"; readonly turnId: string; readonly text: string; readonly final: boolean }
  /** `answers`: the turn or the request that is answered; null where the model cannot tell, or speaks by itself. */
  | { readonly type: "answer_started"; readonly answerId: string; readonly answers: string | null }
  | { readonly type: "sound"; readonly answerId: string; readonly frame: PcmFrame }
  /** The next words of the sound; never reasoning. */
  | { readonly type: "words"; readonly answerId: string; readonly delta: string }
  /** The next words of an answer that the agent's own voice is to speak. An answer is either sound or text. */
  | { readonly type: "text"; readonly answerId: string; readonly delta: string }
  | { readonly type: "tool_call"; readonly answerId: string; readonly call: ToolCall }
  /** Nobody waits for the results of these calls any more: none is to be sent. */
  | { readonly type: "tool_calls_withdrawn"; readonly callIds: readonly string[] }
  /** Tokens of an answer; where it comes more than once, they add up. */
  | {
      readonly type: "usage";
      readonly answerId: string;
      readonly inputTokens: number;
      readonly outputTokens: number;
    }
  /** `interrupted`: the model has broken off, and what is not heard yet is not to be heard. */
  | {
      readonly type: "answer_ended";
      readonly answerId: string;
      readonly outcome: "done" | "interrupted";
    }
  | {
      readonly type: "answer_ended";
      readonly answerId: string;
      readonly outcome: "failed";
      readonly error: Error;
    }
  /** A failure that the session survives. One that it does not survive is thrown by the iteration. */
  | { readonly type: "error"; readonly error: Error };

/** A session with the model. Its iteration yields what happens, and throws what ends it. No method waits or throws. */
export interface RealtimeSession extends AsyncIterable<RealtimeEvent> {
  /**
   * The text by which another session goes on with this one; null while there is none. It is kept with the conversation. Left out where
   * the model has no such thing.
   */
  readonly handle?: string | null;
  /** Hands over the sound of the call as it comes, silence too, at the rate that the model hears. */
  write(frame: PcmFrame): void;
  request(request: RealtimeRequest): void;
  /**
   * Has the model follow other instructions, with other functions, from its next answer on. Left out where it cannot: another session
   * is opened then, between two turns, and is shown the conversation.
   */
  change?(change: RealtimeChange): void;
  /** Adds to the model's history what it has neither said nor heard itself, such as words of the agent's own voice. */
  append(messages: readonly Message[]): void;
  /** Hands over the result of a call: one for each, unless it was withdrawn. The model goes on by itself then. */
  toolResult(result: ToolResult): void;
  /**
   * Stops an answer. Where the model can, its history keeps what was heard of the answer, and nothing else. Called for every
   * answer that was not heard to its end, also where the model has said all of it.
   */
  stop(answerId: string, heard: Heard): void;
  /** Ends it, by a deadline of its own. The iteration then ends. */
  close(): Promise<void>;
}

/** A speech-to-speech model: it hears the participants, and speaks. Providers extend it; users register functions on it. */
export abstract class RealtimeModel extends Model {
  abstract readonly capabilities: RealtimeCapabilities;

  /**
   * Opens the session of a call. Rejects with what the provider throws: a numeric `status` or a `code` on the error becomes its
   * kind in metrics.
   */
  abstract open(request: RealtimeOpenRequest): Promise<RealtimeSession>;
}

/** Returns whether a model is a speech-to-speech model. It is known by what it does: that holds across copies of the package. */
export const isRealtime = (model: Model): model is RealtimeModel =>
  typeof (model as Partial<RealtimeModel>).open === "function";
