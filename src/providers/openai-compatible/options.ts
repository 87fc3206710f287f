import {
  type Check,
  type Checks,
  duration,
  fillWith,
  isObject,
  number,
  oneOf,
  orNull,
  text,
  truth,
  whole,
} from "../../agent/options/option-checks.ts";
import type { CompatibleService } from "../../shared/providers/compatible-services.ts";
import { type EndpointOptions, endpointChecks } from "./endpoint.ts";

/** The options of a model. A wrong option throws a `TypeError` that names it. */
export interface LLMOptions extends EndpointOptions {
  /**
   * The randomness of the answer, 0 to 2. Models of OpenAI that reason refuse it.
   * @default the model's own
   */
  readonly temperature?: number;
  /**
   * The share of probability from which words are chosen, 0 to 1.
   * @default the model's own
   */
  readonly topP?: number;
  /**
   * The longest answer to one request, in tokens, reasoning included.
   * @default the service's own limit
   */
  readonly maxOutputTokens?: number;
  /**
   * The field in which that is sent.
   * @default `max_completion_tokens` for OpenAI, Azure, Groq and Cerebras; otherwise `max_tokens`
   */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens";
  /**
   * The role in which the agent's instructions are sent.
   * @default `system`, which every service takes
   */
  readonly instructionsRole?: "system" | "developer";
  /**
   * Further fields of each request, as they are, such as `reasoning_effort` or `seed`. They may not be those of the conversation.
   * @default none
   */
  readonly body?: Readonly<Record<string, unknown>>;
  /**
   * Asks for the tokens of each answer by `stream_options`. A service that refuses the field is asked without it from then on.
   * @default true, but for services that count without being asked
   */
  readonly usage?: boolean;
  /**
   * The text begins inside of a thought, which `</think>` ends: some templates of models write the opening tag themselves. The thought
   * is not spoken.
   * @default false
   */
  readonly beginsWithThought?: boolean;
  /**
   * The words that are spoken where a filter of the service forbids the question or the answer. Null: a `RefusalError` is thrown
   * instead, which fails the turn or makes a `fallback` ask another model.
   * @default "I'm sorry, I can't help with that."
   */
  readonly refusal?: string | null;
  /**
   * The longest wait for the head of a response, in milliseconds. A model that is loaded first may take longer.
   * @default 30000
   */
  readonly firstByteTimeoutMs?: number;
  /**
   * The longest time between two pieces of an answer, in milliseconds.
   * @default 30000
   */
  readonly idleTimeoutMs?: number;
  /**
   * The number of times that a request is sent again while nothing of the answer has arrived: after 408, 409, 429, 5xx, network
   * errors and unusable answers. Set it to 0 for a member of a `fallback`.
   * @default 2
   */
  readonly maxRetries?: number;
  /**
   * The longest pause before a retry, in milliseconds. Where the service asks for a longer one the error is thrown at once, since a
   * caller does not wait that long.
   * @default 1000
   */
  readonly maxRetryDelayMs?: number;
}

/** The options with their defaults. */
export type FilledLlmOptions = LLMOptions &
  Required<
    Pick<
      LLMOptions,
      | "maxTokensField"
      | "instructionsRole"
      | "body"
      | "usage"
      | "beginsWithThought"
      | "firstByteTimeoutMs"
      | "idleTimeoutMs"
      | "maxRetries"
      | "maxRetryDelayMs"
    >
  > & { readonly refusal: string | null };

const defaults = {
  instructionsRole: "system",
  body: {},
  beginsWithThought: false,
  refusal: "I'm sorry, I can't help with that.",
  firstByteTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  maxRetries: 2,
  maxRetryDelayMs: 1_000,
} as const;

/** Returns a check of further fields, which may not be these. */
export function fieldsWithout(own: readonly string[]): Check {
  return {
    fits: (value) => isObject(value) && own.every((name) => !Object.hasOwn(value, name)),
    expected: `an object of fields other than ${own.join(", ")}`,
  };
}

const checks: Checks<LLMOptions> = {
  ...endpointChecks,
  temperature: number(0, 2),
  topP: number(0, 1),
  maxOutputTokens: whole(1),
  maxTokensField: oneOf(["max_tokens", "max_completion_tokens"]),
  instructionsRole: oneOf(["system", "developer"]),
  body: fieldsWithout(["model", "messages", "tools", "tool_choice", "stream", "stream_options", "n"]),
  usage: truth,
  beginsWithThought: truth,
  refusal: orNull(text),
  firstByteTimeoutMs: duration(),
  idleTimeoutMs: duration(),
  maxRetries: whole(0),
  maxRetryDelayMs: duration(0),
};

/** Checks the options, before anything is made of them. Throws a `TypeError` that names a wrong one. */
export function checkLlmOptions(given: LLMOptions): Omit<FilledLlmOptions, "usage" | "maxTokensField"> {
  return fillWith("openaiCompatible.LLM", given, checks, defaults);
}

/** Returns the options with those that depend on the service. */
export function withService(
  options: Omit<FilledLlmOptions, "usage" | "maxTokensField">,
  service: CompatibleService,
): FilledLlmOptions {
  const { usage = service.asksForUsage, maxTokensField = service.maxTokensField } = options as LLMOptions;
  return { ...options, usage, maxTokensField };
}
