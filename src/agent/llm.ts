import type { Message, ToolCall } from "./model/message.ts";
import { Model } from "./model/model.ts";
import type { ServiceWatch } from "./service.ts";
import type { FunctionDeclaration } from "./tools/functions.ts";

/** One request to the model. A turn makes one, and one more after each round of tool calls. */
export interface LlmRequest {
  /** The agent's standing instructions: the system prompt. */
  readonly instructions: string;
  /** The conversation so far, oldest first. The last one is what to answer: words, or the results of tools. */
  readonly messages: readonly Message[];
  readonly functions: readonly FunctionDeclaration[];
  /** `none`: the rounds of tools are used up, so the model has to answer in words. */
  readonly toolChoice: "auto" | "none";
  /** Fires when the answer is not wanted any more. Made for this request alone: listeners need no removal. */
  readonly signal: AbortSignal;
  /** A listener for which model does the work, where several stand behind this one. */
  readonly watch?: ServiceWatch;
}

/** An event of a model's stream, in the order of arrival. */
export type LlmEvent =
  /** The next piece of the text to say; never reasoning. */
  | { readonly type: "text"; readonly delta: string }
  /** A whole tool call. Those of one stream run in parallel, once the stream has ended. */
  | { readonly type: "tool_call"; readonly call: ToolCall }
  /**
   * The model tried to call a function in a way that nobody can read; `reason` is the provider's word for it. It is told so,
   * and asked again.
   */
  | { readonly type: "broken_call"; readonly reason: string }
  /** Tokens of this request; where it comes more than once, the last one counts. */
  | { readonly type: "usage"; readonly inputTokens: number; readonly outputTokens: number };

/** A language model. Providers extend it; users register functions on it. */
export abstract class LLM extends Model {
  /**
   * Streams the answer to one request. Throws what the provider throws: a numeric `status` or a `code` on the error
   * becomes its kind in metrics. No retries once a piece was yielded.
   */
  abstract generate(request: LlmRequest): AsyncIterable<LlmEvent>;
}
