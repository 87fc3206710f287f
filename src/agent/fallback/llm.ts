import { now } from "../../shared/protocol.ts";
import { isBlank } from "../../shared/text/text.ts";
import { LLM, type LlmEvent, type LlmRequest } from "../llm.ts";
import { BadAnswerError } from "../model/bad-answer-error.ts";
import { several } from "../service.ts";
import {
  CheckedFunction,
  type FunctionDeclaration,
  type JsonSchemaFunction,
  type SchemaFunction,
} from "../tools/functions.ts";
import type { StandardSchema } from "../tools/schema.ts";
import type { Tools } from "../tools/tools.ts";
import { all } from "./all.ts";
import { relay } from "./relay.ts";
import { type FallbackOptions, Rotation } from "./rotation.ts";

/** Several models as one. Its name is that of the first; `LlmRequest.watch` tells which of them serves. */
export class FallbackLlm extends LLM {
  override readonly tools: Tools;
  readonly #rotation: Rotation<LLM>;

  constructor(members: readonly LLM[], options?: FallbackOptions) {
    super();
    this.#rotation = new Rotation(members, options);
    this.tools = this.#rotation.first.tools;
    this.checkFunctions(this.tools.declarations);
  }

  get provider(): string {
    return this.#rotation.first.provider;
  }

  get model(): string {
    return this.#rotation.first.model;
  }

  get [several](): readonly LLM[] {
    return this.#rotation.members;
  }

  /** Registers it on the first, where all of them take it; its functions are those of all. */
  override registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema>): void;
  override registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments>): void;
  override registerFunction(definition: SchemaFunction<StandardSchema> & JsonSchemaFunction): void {
    this.checkFunctions([new CheckedFunction(definition).declaration]);
    this.#rotation.first.registerFunction(definition);
  }

  override checkFunctions(functions: readonly FunctionDeclaration[]): void {
    for (const member of this.#rotation.members) member.checkFunctions(functions);
  }

  override async warm(signal: AbortSignal): Promise<void> {
    await all(this.#rotation.members, (member) => member.warm(signal));
  }

  generate(request: LlmRequest): AsyncIterable<LlmEvent> {
    const { signal, watch, ...question } = request;
    return relay({
      rotation: this.#rotation,
      signal,
      watch,
      open: (member, options) => {
        // One that was registered later, on the first model alone, keeps only those from answering that do not take it.
        member.checkFunctions(question.functions);
        return attemptOf(member, { ...question, ...options });
      },
      begins: isAnswer,
    });
  }

  override async close(): Promise<void> {
    await all(this.#rotation.members, (member) => member.close());
  }
}

/** Returns whether an event has something to be heard or to be done. */
function isAnswer(event: LlmEvent): boolean {
  return event.type === "tool_call" || (event.type === "text" && !isBlank(event.delta));
}

/**
 * Yields the answer of one model of a `fallback`. One with nothing in it is an error, so that the next model is asked, and
 * what it cost is told, since nothing of it is given on.
 */
async function* attemptOf(member: LLM, request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
  const startedAt = now();
  let answered = false;
  let spent = { inputTokens: 0, outputTokens: 0 };
  try {
    for await (const event of member.generate(request)) {
      answered ||= isAnswer(event);
      if (event.type === "usage")
        spent = { inputTokens: event.inputTokens, outputTokens: event.outputTokens };
      yield event;
    }
    if (answered) return;
    request.watch?.onBadAnswer?.(member, "empty");
    throw new BadAnswerError("EMPTY", `The answer of ${member.provider} ${member.model} is empty`);
  } finally {
    if (!answered && spent.inputTokens + spent.outputTokens > 0) {
      request.watch?.onSpent?.(member, { ...spent, latencyMs: now() - startedAt });
    }
  }
}
