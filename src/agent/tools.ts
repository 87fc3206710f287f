import { within } from "../deadline.ts";
import { plainError } from "../errors.ts";
import { now } from "../protocol.ts";
import type { ToolCall, ToolResult } from "./conversation.ts";
import type { RegisteredFunction } from "./functions.ts";
import type { Log } from "./host.ts";
import type { AgentLimits } from "./limits.ts";

/** A tool call is over: it brought a result, or was given up. */
export interface ToolOutcome {
  readonly call: ToolCall;
  readonly outcome: "done" | "cancelled" | "failed";
  readonly durationMs: number;
  /** What went wrong where it did not succeed. */
  readonly error?: unknown;
}

export interface ToolRound {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  readonly limits: AgentLimits;
  /** Gives up all calls of the round: the turn is over. */
  readonly signal: AbortSignal;
  readonly onOutcome: (outcome: ToolOutcome) => void;
  readonly log: Log;
}

class UnknownFunctionError extends Error {
  override readonly name = "UnknownFunctionError";
}

/**
 * Runs the calls of one round, some at a time, and returns their results in the order of the calls. What goes wrong in a
 * call becomes a result for the model. Rejects only when the round is given up.
 */
export async function runTools(calls: readonly ToolCall[], round: ToolRound): Promise<ToolResult[]> {
  const results: ToolResult[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < calls.length; index = next++) {
      round.signal.throwIfAborted();
      results[index] = await runTool(calls[index]!, round);
    }
  };
  await Promise.all(Array.from({ length: Math.min(round.limits.maxParallelTools, calls.length) }, work));
  return results;
}

async function runTool(call: ToolCall, round: ToolRound): Promise<ToolResult> {
  const { limits, signal, log } = round;
  const startedAt = now();
  const over = (outcome: ToolOutcome["outcome"], error?: unknown) =>
    round.onOutcome({ call, outcome, durationMs: now() - startedAt, error });
  const registered = round.functions.get(call.name);
  if (registered === undefined) {
    const known = [...round.functions.keys()].join(", ");
    const error = new UnknownFunctionError(
      `There is no function named "${call.name}". Functions: ${known === "" ? "none" : known}`,
    );
    over("failed", error);
    return failure(call, error, limits);
  }

  const giveUp = new AbortController();
  const running = registered.call(call.arguments, { signal: giveUp.signal }).finally(() => {
    // Of no use any more, but a tool that hangs is worth knowing.
    if (!giveUp.signal.aborted) return;
    log.debug({ tool: call.name, duration_ms: now() - startedAt }, "a tool ended too late");
  });
  // Told at once, so that it stands before the end of the turn.
  const cancelled = () => over("cancelled", signal.reason);
  signal.addEventListener("abort", cancelled, { once: true });
  try {
    const value = await within(running, limits.toolTimeoutMs, `The tool ${call.name}`, signal);
    signal.throwIfAborted();
    const output = outputText(value).slice(0, limits.maxToolOutputLength);
    over("done");
    return { callId: call.id, name: call.name, ok: true, output };
  } catch (error) {
    giveUp.abort(error);
    signal.throwIfAborted();
    over("failed", error);
    return failure(call, error, limits);
  } finally {
    signal.removeEventListener("abort", cancelled);
  }
}

function failure({ id, name }: ToolCall, error: unknown, { maxToolOutputLength }: AgentLimits): ToolResult {
  return { callId: id, name, ok: false, output: plainError(error).message.slice(0, maxToolOutputLength) };
}

function outputText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "null");
}
