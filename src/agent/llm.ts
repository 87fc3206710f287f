import type { Message, ToolCall } from "./conversation.ts";
import {
  type FunctionDeclaration,
  type JsonSchemaFunction,
  RegisteredFunction,
  type SchemaFunction,
} from "./functions.ts";
import type { StandardSchema } from "./schema.ts";
import type { ServiceWatch } from "./service.ts";

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
  /** Where several models stand behind this one: told which of them does the work. */
  readonly watch?: ServiceWatch;
}

/** What a model's stream brings, in the order of arrival. */
export type LlmEvent =
  /** The next piece of the text to say; never reasoning. */
  | { readonly type: "text"; readonly delta: string }
  /** A whole tool call. Those of one stream run in parallel, once the stream has ended. */
  | { readonly type: "tool_call"; readonly call: ToolCall }
  /** Tokens of this request; where it comes more than once, the last one counts. */
  | { readonly type: "usage"; readonly inputTokens: number; readonly outputTokens: number };

/** A language model. Providers extend it; users register functions on it. */
export abstract class LLM {
  /** Who serves the model, such as `gemini`: a label in metrics. */
  abstract readonly provider: string;
  /** The model's name: a label in metrics. */
  abstract readonly model: string;
  readonly #functions = new Map<string, RegisteredFunction>();

  /** Lets the model call a function. Throws a `TypeError` where the definition cannot work, or its name is taken. */
  registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema>): void;
  registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments>): void;
  registerFunction(definition: SchemaFunction<StandardSchema> | JsonSchemaFunction): void {
    const registered = new RegisteredFunction(definition);
    const { name } = registered.declaration;
    if (this.#functions.has(name)) throw new TypeError(`A function named "${name}" is registered already`);
    this.#functions.set(name, registered);
  }

  /** The functions that the model may call, by name. */
  get functions(): ReadonlyMap<string, RegisteredFunction> {
    return this.#functions;
  }

  /** Prepares connections, so that a call pays no handshake. Called in a thread that waits for its call; may fail. */
  async warm(_signal: AbortSignal): Promise<void> {}

  /**
   * Streams the answer to one request. Throws what the provider throws: a numeric `status` or a `code` on the error
   * becomes its kind in metrics. No retries once a piece was yielded.
   */
  abstract generate(request: LlmRequest): AsyncIterable<LlmEvent>;

  /** Frees connections. Called once, when the agent closes. */
  async close(): Promise<void> {}
}
