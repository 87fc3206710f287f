import type { CallContext } from "../call/call-context.ts";
import type { LLM } from "../llm.ts";
import type { Handoff } from "../role/handoff.ts";
import type { Tasks } from "../tools/tasks.ts";
import type { Tools } from "../tools/tools.ts";
import type { Answer, Question, Responder } from "../turns/responder.ts";
import { PipelineAnswer } from "./pipeline-answer.ts";

export interface PipelineOptions {
  /** The role of the agent, which may change in the middle of the call, also of an answer. */
  readonly role: AnsweringRole;
  /** Keeps functions that run on while the conversation goes on. */
  readonly tasks: Tasks;
  /** Throws where a tool cannot hand the conversation over. */
  readonly checkHandoff: (handoff: Handoff) => void;
  /** Takes on the role that a tool hands the conversation over to, once the other tools of its round are over. */
  readonly onHandoff: (handoff: Handoff) => void;
  /**
   * Returns whether nothing of an answer would be heard, though there is text in it: a block of code, thoughts between
   * tags, emojis.
   */
  readonly isSilent: (text: string) => boolean;
}

/** The part of the agent's role that answers. */
export interface AnsweringRole {
  readonly llm: LLM;
  readonly instructions: string;
  /** The functions that the model may call; some may be registered in the middle of the call. */
  readonly tools: Tools;
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
    return this.#options.role.llm;
  }

  begin({ messages, history }: Question): Answer {
    const { role, tasks, checkHandoff, onHandoff, isSilent } = this.#options;
    return new PipelineAnswer(this.#context, {
      llm: role.llm,
      role,
      tasks,
      checkHandoff,
      onHandoff,
      isSilent,
      messages: [...history, ...messages],
    });
  }
}
