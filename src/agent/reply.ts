import { type Measurement, now } from "../protocol.ts";
import type { Message, ToolCall } from "./conversation.ts";
import { generate } from "./generation.ts";
import type { Log } from "./host.ts";
import type { AgentLimits } from "./limits.ts";
import type { LLM } from "./llm.ts";
import type { AskPermit } from "./permits.ts";
import { type Service, ServiceUse } from "./service.ts";
import { runTools, type ToolOutcome } from "./tools.ts";

export interface ReplyOptions {
  readonly llm: LLM;
  /** Those of the model's functions that it may call. */
  readonly functions: LLM["functions"];
  readonly instructions: string;
  readonly limits: AgentLimits;
  /** The conversation, up to what is to be answered. */
  readonly messages: readonly Message[];
  readonly signal: AbortSignal;
  readonly onText: (text: string) => void;
  readonly onFirstText: () => void;
  /** The model waits for its tools, and writes nothing meanwhile. */
  readonly onToolRound: () => void;
  readonly onTool: (outcome: ToolOutcome) => void;
  /** Resolves when tools may run: what they do cannot be taken back. Rejects where the answer is not wanted after all. */
  readonly mayRunTools: () => Promise<void>;
  readonly permit: AskPermit;
  readonly measure: (measurement: Measurement) => void;
  readonly log: Log;
}

/** The model's answer within one turn: requests, and rounds of tools between them, until it has said all. */
export class Reply {
  readonly #options: ReplyOptions;
  /** What the model wrote and the tools brought, as far as it is complete. */
  readonly #messages: Message[] = [];
  readonly #startedAt = now();
  /** The text of the request under way. */
  #text = "";
  #length = 0;
  #firstTextAt: number | null = null;
  readonly #service: ServiceUse;
  #tokens = { input: 0, output: 0 };

  constructor(options: ReplyOptions) {
    this.#options = options;
    const { llm, permit, measure } = options;
    this.#service = new ServiceUse(llm, { component: "llm", permit, measure });
  }

  /** All that belongs into the conversation so far. */
  get messages(): Message[] {
    return [...this.#messages, { role: "agent", text: this.#text, toolCalls: [] }];
  }

  /** Who answers. */
  get service(): Service {
    return this.#service.labels;
  }

  /** When the first text came, as epoch milliseconds. */
  get firstTextAt(): number | null {
    return this.#firstTextAt;
  }

  /** Resolves when all is written; rejects with the reason of the signal, or what went wrong. */
  async run(): Promise<void> {
    const { limits, llm, log } = this.#options;
    for (let round = 0; ; round++) {
      const mayCall = round < limits.maxToolRounds;
      const calls = await this.#ask(mayCall);
      if (calls.length === 0) return;
      if (!mayCall) {
        log.warn(
          { provider: llm.provider, model: llm.model },
          "the model called tools beyond the last round",
        );
        return;
      }
      await this.#options.mayRunTools();
      this.#options.onToolRound();
      const results = await runTools(calls, {
        functions: this.#options.functions,
        limits,
        signal: this.#options.signal,
        onOutcome: this.#options.onTool,
        log,
      });
      this.#messages.push({ role: "agent", text: this.#text, toolCalls: calls }, { role: "tools", results });
      this.#text = "";
    }
  }

  /** What this reply cost, measured when it is over. */
  measure(outcome: "done" | "cancelled" | "failed"): Measurement {
    return {
      kind: "llm",
      ...this.#service.labels,
      outcome,
      latencyMs: now() - this.#startedAt,
      firstTokenMs: this.#firstTextAt === null ? null : this.#firstTextAt - this.#startedAt,
      inputTokens: this.#tokens.input,
      outputTokens: this.#tokens.output,
    };
  }

  /** One request. Returns the tools that the model calls. */
  async #ask(mayCall: boolean): Promise<ToolCall[]> {
    const { llm, instructions, messages, limits, signal, onText } = this.#options;
    const calls: ToolCall[] = [];
    let usage = { input: 0, output: 0 };
    const request = {
      instructions,
      messages: [...messages, ...this.#messages],
      functions: [...this.#options.functions.values()].map(({ declaration }) => declaration),
      watch: this.#service.watch,
      toolChoice: mayCall ? ("auto" as const) : ("none" as const),
    };
    using _permit = await this.#service.permit(signal);
    try {
      for await (const event of generate(llm, request, limits, signal)) {
        switch (event.type) {
          case "text":
            if (event.delta === "") break;
            this.#length += event.delta.length;
            if (this.#length > limits.maxReplyLength) {
              throw new Error(`The reply of ${llm.provider} passed ${limits.maxReplyLength} characters`);
            }
            if (this.#firstTextAt === null) {
              this.#firstTextAt = now();
              this.#options.onFirstText();
            }
            this.#text += event.delta;
            onText(event.delta);
            break;
          case "tool_call":
            if (calls.length < limits.maxToolCallsPerRound) calls.push(event.call);
            else
              this.#options.log.warn({ tool: event.call.name }, "dropped a tool call: too many in one round");
            break;
          case "usage":
            usage = { input: event.inputTokens, output: event.outputTokens };
            break;
          default:
            event satisfies never;
        }
      }
    } finally {
      this.#tokens.input += usage.input;
      this.#tokens.output += usage.output;
    }
    return calls;
  }
}
