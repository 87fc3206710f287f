import type { JsonSchemaFunction, RegisteredFunction, SchemaFunction } from "../functions.ts";
import { LLM, type LlmEvent, type LlmRequest } from "../llm.ts";
import type { StandardSchema } from "../schema.ts";
import { several } from "../service.ts";
import { all } from "./all.ts";
import { relay } from "./relay.ts";
import { type FallbackOptions, Rotation } from "./rotation.ts";

/** Several models as one. Its name is that of the first; `LlmRequest.watch` tells which of them serves. */
export class FallbackLlm extends LLM {
  readonly #rotation: Rotation<LLM>;

  constructor(members: readonly LLM[], options?: FallbackOptions) {
    super();
    this.#rotation = new Rotation(members, options);
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

  /** Registers it on the first; its functions are those of all. */
  override registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema>): void;
  override registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments>): void;
  override registerFunction(definition: SchemaFunction<StandardSchema> & JsonSchemaFunction): void {
    this.#rotation.first.registerFunction(definition);
  }

  override get functions(): ReadonlyMap<string, RegisteredFunction> {
    return this.#rotation.first.functions;
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
      open: (member, options) => member.generate({ ...question, ...options }),
      begins: (event) => event.type !== "usage",
    });
  }

  override async close(): Promise<void> {
    await all(this.#rotation.members, (member) => member.close());
  }
}
