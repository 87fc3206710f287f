import type { CallContext } from "../call/call-context.ts";
import type { LLM } from "../llm.ts";
import type { Tools } from "../tools/tools.ts";
import type { Answer, Question, Responder } from "../turns/responder.ts";
import { PipelineAnswer } from "./pipeline-answer.ts";

export interface PipelineOptions {
  readonly llm: LLM;
  readonly instructions: string;
  /** Returns the functions that the model may call; some may be registered in the middle of the call. */
  readonly tools: () => Tools;
  /**
   * Returns whether nothing of an answer would be heard, though there is text in it: a block of code, thoughts between
   * tags, emojis.
   */
  readonly isSilent: (text: string) => boolean;
}

/** Answers by a text model and its tools. Its text is spoken by a voice, or read. */
export class PipelineResponder implements Responder {
  readonly hears = false as const;
  readonly #context: CallContext;
  readonly #options: PipelineOptions;

  constructor(context: CallContext, options: PipelineOptions) {
    this.#context = context;
    this.#options = options;
  }

  get service(): LLM {
    return this.#options.llm;
  }

  begin({ messages, history }: Question): Answer {
    const { llm, instructions, tools, isSilent } = this.#options;
    return new PipelineAnswer(this.#context, {
      llm,
      instructions,
      isSilent,
      tools: tools(),
      messages: [...history, ...messages],
    });
  }
}
