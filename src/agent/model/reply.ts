import { now } from "../../shared/protocol.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import { cutText, isBlank, wellFormed } from "../../shared/text/text.ts";
import type { CallContext } from "../call/call-context.ts";
import type { LLM } from "../llm.ts";
import type { Handoff } from "../role/handoff.ts";
import { type Service, ServiceUse } from "../service.ts";
import { Fillers } from "../tools/fillers.ts";
import { runTools, type ToolOutcome } from "../tools/run-tools.ts";
import type { Tasks } from "../tools/tasks.ts";
import { imagesOf } from "../tools/tool-images.ts";
import type { Tools } from "../tools/tools.ts";
import type { AnswerPart } from "../turns/responder.ts";
import { badAnswer, correctionOf, type Flaw, mostCorrections } from "./flaws.ts";
import type { ImagePart, Message, ToolCall, ToolResult } from "./message.ts";
import { generateShown } from "./refused-images.ts";
import { WrittenCalls } from "./written-calls.ts";

export interface ReplyOptions {
  /** The model that gives the whole reply. */
  readonly llm: LLM;
  /** The instructions and functions of the agent's role, which may change between two requests. */
  readonly role: { readonly instructions: string; readonly tools: Tools };
  /** Keeps functions that run on while the conversation goes on. */
  readonly tasks: Tasks;
  /** Throws where a tool cannot hand the conversation over. */
  readonly checkHandoff: (handoff: Handoff) => void;
  /** Takes on the role that a tool hands the conversation over to. */
  readonly onHandoff: (handoff: Handoff) => void;
  /** The conversation, up to what is to be answered. */
  readonly messages: readonly Message[];
  readonly signal: AbortSignal;
  /** Returns whether nothing of a text that is not blank would be heard. */
  readonly isSilent: (text: string) => boolean;
  readonly give: (part: AnswerPart) => void;
  /** Resolves when tools may run: what they do cannot be taken back. Rejects where the answer is not wanted after all. */
  readonly mayRunTools: () => Promise<void>;
}

/** The model's answer within one turn: requests, and rounds of tools between them, until it has said all. */
export class Reply {
  readonly #context: CallContext;
  readonly #options: ReplyOptions;
  /** The model's messages and the tools' results, as far as they are complete. */
  readonly #messages: Message[] = [];
  readonly #startedAt = now();
  /** The text of the request under way. */
  #text = "";
  #length = 0;
  #firstTextAt: number | null = null;
  readonly #service: ServiceUse;
  #tokens = { input: 0, output: 0 };
  /** The round of tools that runs, with the results that there are; null where none runs. */
  #round: { readonly calls: readonly ToolCall[]; readonly results: readonly ToolResult[] } | null = null;

  constructor(context: CallContext, options: ReplyOptions) {
    this.#context = context;
    this.#options = options;
    this.#service = new ServiceUse(context, "llm", options.llm, ({ provider, model }, reason) =>
      context.log.warn(
        { event: "model_answer_useless", provider, model, reason },
        "An answer of the model was of no use",
      ),
    );
  }

  /** Returns the messages that belong into the conversation so far: of a round of tools that runs, those which have brought a result. */
  get messages(): Message[] {
    const { calls = [], results = [] } = this.#round ?? {};
    const toolCalls = calls.filter(({ id }) => results.some(({ callId }) => callId === id));
    return [
      ...this.#messages,
      { role: "agent", text: this.#given, toolCalls },
      ...(toolCalls.length === 0 ? [] : [{ role: "tools", results: [...results] } as const]),
    ];
  }

  /** Returns the same with the round of tools that runs, whose effects cannot be taken back. */
  get underWay(): readonly Message[] {
    if (this.#round === null) return this.messages;
    const { calls, results } = this.#round;
    return [
      ...this.#messages,
      { role: "agent", text: this.#given, toolCalls: calls },
      { role: "tools", results },
    ];
  }

  /** Returns the text of the request under way that was given on: a blank beginning is not. */
  get #given(): string {
    return this.#firstTextAt === null ? "" : this.#text;
  }

  /** Returns the service that answers. */
  get service(): Service {
    return this.#service.labels;
  }

  /** Returns the time of the first text, as epoch milliseconds. */
  get firstTextAt(): number | null {
    return this.#firstTextAt;
  }

  /** Resolves when all is written; rejects with the reason of the signal, or what went wrong. */
  async run(): Promise<void> {
    let rounds = 0;
    let correction: Message | null = null;
    for (let corrections = 0; ; ) {
      const mayCall = rounds < this.#context.limits.maxToolRounds;
      const { calls, flaw } = await this.#ask(mayCall, correction);
      correction = null;
      if (calls.length > 0 && mayCall) {
        rounds += 1;
        if (await this.#runTools(calls)) return;
      } else if (flaw === null) {
        return;
      } else {
        this.#service.watch.onBadAnswer(this.service, flaw);
        if (corrections++ >= mostCorrections || !this.#mayAskAgain(flaw)) throw badAnswer(flaw, this.service);
        correction = correctionOf(flaw);
        this.#keepText([]);
      }
    }
  }

  /**
   * Returns whether the model may be asked again. An instruction comes from code, which learns of the outcome and can ask again
   * itself; a participant can only wait.
   */
  #mayAskAgain(flaw: Flaw): boolean {
    const nothing = flaw === "empty" || flaw === "silent";
    return !nothing || this.#messages.length > 0 || this.#options.messages.at(-1)?.role !== "instruction";
  }

  /** Returns whether a tool has handed the conversation over: the reply is over then. */
  async #runTools(calls: readonly ToolCall[]): Promise<boolean> {
    const { limits, log, toolContext: context } = this.#context;
    const { role, tasks, signal, give, checkHandoff, onHandoff } = this.#options;
    await this.#options.mayRunTools();
    give({ type: "pause" });
    const onOutcome = (outcome: ToolOutcome) => give({ type: "tool", outcome });
    const ran: ToolResult[] = [];
    this.#round = { calls, results: ran };
    give({ type: "step" });
    const { tools } = role;
    using fillers = new Fillers(calls, { tools, log, say: (text) => this.#fill(text) });
    const onResult = (result: ToolResult) => {
      fillers.done(result.callId);
      // A handoff is one only once the whole round is over.
      if (!handing.has(result.callId)) ran.push(result);
      give({ type: "step" });
    };
    let handedOff: Handoff | null = null;
    const handing = new Set<ToolCall["id"]>();
    const takeHandoff = (handoff: Handoff, { id }: ToolCall) => {
      checkHandoff(handoff);
      handing.add(id);
      handedOff = handoff;
    };
    const shown: Message[] = [];
    const onImages = (call: ToolCall, images: readonly ImagePart[]) => shown.push(imagesOf(call, images));
    const listeners = { onOutcome, onResult, onHandoff: takeHandoff, onImages };
    const results = await runTools(calls, { tools, limits, context, signal, ...listeners, tasks, log });
    this.#round = null;
    this.#keepText(calls);
    // Few vendors take images within a result, and all that take images take them in a message of their own.
    this.#messages.push({ role: "tools", results }, ...shown);
    if (handedOff === null) return false;
    // A turn that was cut meanwhile is over, and has kept nothing of this round.
    signal.throwIfAborted();
    onHandoff(handedOff);
    give({ type: "handoff", handoff: handedOff });
    return true;
  }

  /** Says words while tools run: they stand before the calls, as if the model had written them. */
  #fill(text: string): void {
    const separator = this.#text === "" || /\s$/.test(this.#text) ? "" : " ";
    this.#write(`${separator}${text} `);
    this.#options.give({ type: "pause" });
  }

  /** Keeps the words so far as a message, before another request. */
  #keepText(calls: readonly ToolCall[]): void {
    const text = this.#given;
    if (calls.length > 0 || text !== "") this.#messages.push({ role: "agent", text, toolCalls: calls });
    if (calls.length === 0 && text !== "") this.#options.give({ type: "pause" });
    this.#text = "";
  }

  /** Returns the measurement of this reply's cost, once the reply is over. */
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

  /** One request. Returns the tools that the model calls, and what is wrong with the answer where it calls none. */
  async #ask(
    mayCall: boolean,
    correction: Message | null,
  ): Promise<{ readonly calls: readonly ToolCall[]; readonly flaw: Flaw | null }> {
    const { limits, log } = this.#context;
    const { llm, role, messages, signal } = this.#options;
    const { instructions, tools } = role;
    const written = new WrittenCalls(tools.functions.keys());
    const calls: ToolCall[] = [];
    let broken = false;
    let usage = { input: 0, output: 0 };
    const request = wellFormed({
      instructions,
      messages: [...messages, ...this.#messages, ...(correction === null ? [] : [correction])],
      functions: tools.declarations,
      toolChoice: mayCall ? ("auto" as const) : ("none" as const),
    });
    using _permit = await this.#service.permit(signal);
    try {
      const asked = { ...request, watch: this.#service.watch };
      for await (const event of generateShown(llm, asked, this.#context, signal)) {
        switch (event.type) {
          case "text":
            this.#write(written.push(event.delta));
            break;
          case "tool_call":
            if (!mayCall) {
              log.warn(
                { event: "tool_call_dropped", tool: event.call.name },
                "A tool call was dropped: the last round of tools was over",
              );
              broken = true;
            } else if (!tools.functions.has(event.call.name) && !nameForAll.test(event.call.name)) {
              log.warn(
                { event: "tool_call_dropped", tool: cutText(event.call.name, 64, "…") },
                "A tool call was dropped: its name is none",
              );
              broken = true;
            } else if (calls.length < limits.maxToolCallsPerRound) calls.push(event.call);
            else
              log.warn(
                { event: "tool_call_dropped", tool: event.call.name },
                "A tool call was dropped: there were too many in one round",
              );
            break;
          case "broken_call":
            broken = true;
            break;
          case "usage":
            usage = { input: event.inputTokens, output: event.outputTokens };
            break;
          default:
            event satisfies never;
        }
      }
      this.#write(written.end());
    } finally {
      this.#tokens.input += usage.input;
      this.#tokens.output += usage.output;
    }
    return { calls, flaw: calls.length > 0 ? null : this.#flaw(written.found, broken, mayCall) };
  }

  #flaw(written: boolean, broken: boolean, mayCall: boolean): Flaw | null {
    const blank = isBlank(this.#text);
    if (written) return "written_call";
    // Behind the last round of tools what it said is all that it may.
    if (broken && (mayCall || blank)) return "broken_call";
    if (blank) return "empty";
    return this.#options.isSilent(this.#text) ? "silent" : null;
  }

  #write(text: string): void {
    if (text === "") return;
    const { maxReplyLength } = this.#context.limits;
    const { llm, give } = this.#options;
    this.#length += text.length;
    if (this.#length > maxReplyLength) {
      throw new Error(`The reply of ${llm.provider} passed ${maxReplyLength} characters`);
    }
    this.#text += text;
    // An answer may begin with a line break, and be nothing else.
    if (this.#firstTextAt === null) {
      if (isBlank(this.#text)) return;
      this.#firstTextAt = now();
      give({ type: "text", delta: this.#text });
    } else give({ type: "text", delta: text });
  }
}

/**
 * The names that every service takes of a call in the conversation. A model may make up others, such as one that repeats itself; with
 * one of those in the conversation each further request would be refused.
 */
const nameForAll = /^[A-Za-z_][\w-]{0,63}$/;
