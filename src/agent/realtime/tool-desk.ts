import type { CallContext } from "../call/call-context.ts";
import type { Message, ToolCall, ToolResult } from "../model/message.ts";
import type { Handoff } from "../role/handoff.ts";
import { runTools, type ToolOutcome } from "../tools/run-tools.ts";
import type { Tools } from "../tools/tools.ts";

export interface ToolDeskOptions {
  readonly tools: Tools;
  /** Fires when tools are given up. */
  readonly signal: AbortSignal;
  readonly onOutcome: (outcome: ToolOutcome) => void;
  readonly onResult: (result: ToolResult) => void;
  /** Takes a handoff that a tool has returned. Throws where it cannot be. */
  readonly onHandoff: (handoff: Handoff, call: ToolCall) => void;
}

interface OpenCall {
  readonly call: ToolCall;
  /** Gives it up. */
  readonly cancel: AbortController;
  result: ToolResult | null;
  withdrawn: boolean;
}

/** Runs the tools of one answer as the model calls them, and gives exactly one result for each call that was not withdrawn. */
export class ToolDesk {
  readonly #context: CallContext;
  readonly #options: ToolDeskOptions;
  /** Calls that were made at the same time, with the words before them. */
  readonly #rounds: { readonly text: string; readonly calls: OpenCall[] }[] = [];
  readonly #waiting: OpenCall[] = [];
  #running = 0;

  constructor(context: CallContext, options: ToolDeskOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Returns whether results are still to come. */
  get busy(): boolean {
    return this.#running > 0 || this.#waiting.length > 0;
  }

  /** Returns the calls and their results, with the words that were said before each round. */
  get messages(): Message[] {
    return this.#rounds.flatMap(({ text, calls }): Message[] => {
      const over = calls.filter(({ result }) => result !== null);
      const results = over.flatMap(({ result }) => result ?? []);
      const said: Message = { role: "agent", text, toolCalls: over.map(({ call }) => call) };
      return results.length === 0 ? [said] : [said, { role: "tools", results }];
    });
  }

  /** Returns the same with the calls that run. */
  get underWay(): Message[] {
    return this.#rounds.flatMap(({ text, calls }): Message[] => {
      const wanted = calls.filter(({ withdrawn }) => !withdrawn);
      const results = wanted.flatMap(({ result }) => result ?? []);
      const toolCalls = wanted.map(({ call }) => call);
      return [
        { role: "agent", text, toolCalls },
        ...(toolCalls.length === 0 ? [] : [{ role: "tools", results } as const]),
      ];
    });
  }

  /** @param text What the model has said since the calls before this one. */
  take(call: ToolCall, text: string): void {
    const last = this.#rounds.at(-1);
    const open: OpenCall = { call, cancel: new AbortController(), result: null, withdrawn: false };
    const together = last !== undefined && text === "" && this.busy;
    if (together) last.calls.push(open);
    else this.#rounds.push({ text, calls: [open] });
    const { maxToolRounds, maxToolCallsPerRound } = this.#context.limits;
    const { calls } = this.#rounds.at(-1)!;
    if (this.#rounds.length > maxToolRounds || calls.length > maxToolCallsPerRound) {
      this.#context.log.warn(
        { event: "tool_call_dropped", tool: call.name },
        "A tool call was refused: there were too many in one answer",
      );
      this.#answer(open, failed(call, "There were too many calls. Go on in words."));
      return;
    }
    this.#waiting.push(open);
    this.#next();
  }

  /** Gives up these calls, whose results nobody waits for. */
  withdraw(callIds: readonly string[]): void {
    for (const open of this.#rounds.flatMap(({ calls }) => calls)) {
      if (open.result !== null || !callIds.includes(open.call.id)) continue;
      open.withdrawn = true;
      open.cancel.abort(new DOMException("The model does not wait for the result any more", "AbortError"));
    }
  }

  #next(): void {
    while (this.#running < this.#context.limits.maxParallelTools) {
      const open = this.#waiting.shift();
      if (open === undefined) return;
      void this.#run(open);
    }
  }

  /** Runs a call of a tool. Never rejects. */
  async #run(open: OpenCall): Promise<void> {
    const { call, cancel } = open;
    const { tools, onOutcome, onHandoff, signal: over } = this.#options;
    const { limits, log, toolContext: context } = this.#context;
    this.#running += 1;
    const signal = AbortSignal.any([over, cancel.signal]);
    let result: ToolResult;
    try {
      const [given] = await runTools([call], { tools, limits, context, signal, onOutcome, onHandoff, log });
      result = given!;
    } catch {
      result = failed(call, "The call was given up, since the participant has interrupted.");
    }
    this.#running -= 1;
    this.#answer(open, result);
    this.#next();
  }

  #answer(open: OpenCall, result: ToolResult): void {
    if (open.withdrawn) return;
    open.result = result;
    this.#options.onResult(result);
  }
}

const failed = ({ id, name }: ToolCall, output: string): ToolResult => ({
  callId: id,
  name,
  ok: false,
  output,
});
