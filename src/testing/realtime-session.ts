import type { ToolResult } from "../agent/model/message.ts";
import type {
  RealtimeChange,
  RealtimeEvent,
  RealtimeOpenRequest,
  RealtimeRequest,
  RealtimeSession as SessionInterface,
} from "../agent/realtime-model.ts";
import type { Heard } from "../agent/turns/heard.ts";
import type { JsonValue } from "../shared/protocol.ts";

/** A step of a scripted speech-to-speech model. */
export type RealtimeStep =
  | { readonly say: string }
  /** Gives a text, which the agent's own voice speaks. */
  | { readonly write: string }
  /** Calls a function. Those that follow one another are called together; the model goes on with their results. */
  | { readonly call: string; readonly arguments?: JsonValue }
  /** Gives nothing more, and does not end the answer. */
  | { readonly hang: true }
  | { readonly fail: string };

/** A reply: a text, a list of steps, or a function that makes them of the tools' results so far. */
export type RealtimeReply =
  | string
  | readonly RealtimeStep[]
  | ((session: RealtimeSession) => string | readonly RealtimeStep[]);

/** An entry of what the model remembers of the call. */
export interface Remembered {
  readonly role: "user" | "model";
  readonly text: string;
}

/** A session of a scripted model, as its test sees it. */
export interface RealtimeSession extends SessionInterface {
  /** The request with which the agent opened it. */
  readonly opened: RealtimeOpenRequest;
  readonly requests: RealtimeRequest[];
  /** The changes of the agent's role that it was told. */
  readonly changed: readonly RealtimeChange[];
  readonly results: ToolResult[];
  /** The answers that were stopped, and what was heard of each. */
  readonly stopped: { readonly answerId: string; readonly heard: Heard }[];
  /** False once the session is closed or lost. */
  readonly open: boolean;
  /** The length of the sound that it was given, in milliseconds. */
  readonly heardMs: number;
  /** The model's memory of the call, without the parts that were cut off its answers. */
  readonly history: readonly Remembered[];
  /** Emits an event to the agent. */
  tell(event: RealtimeEvent): void;
  /** Ends the session as lost. */
  lose(error: Error): void;
  /** Reports that a participant begins to speak, and breaks off the present answer. */
  speechStarted(): void;
  /**
   * Reports the participant's words, and answers them.
   * @param speechEndedAt The time of the last speech, in epoch milliseconds; null where it is not known. Default: now.
   */
  speechEnded(text: string, speechEndedAt?: number | null): void;
  /** Makes the model answer without a question. */
  speak(reply: RealtimeReply): void;
}
