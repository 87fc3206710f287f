import { setTimeout as delay } from "node:timers/promises";
import { DeadlineError, within } from "../../shared/deadline.ts";
import { plainError } from "../../shared/errors.ts";
import { now } from "../../shared/protocol.ts";
import { cutText } from "../../shared/text/text.ts";
import type { ToolContext } from "../call/agent-in-call.ts";
import type { Log } from "../log.ts";
import type { ImagePart, ToolCall, ToolResult } from "../model/message.ts";
import type { AgentLimits } from "../options/limits.ts";
import { type Handoff, isHandoff } from "../role/handoff.ts";
import { handedOff } from "../role/handoff-words.ts";
import { whileToolRuns } from "../thread/running-tools.ts";
import { BadArgumentsError, type RegisteredFunction } from "./functions.ts";
import type { Tasks } from "./tasks.ts";
import { ToolError } from "./tool-error.ts";
import { checkedImages, ToolImages } from "./tool-images.ts";
import { readResponse, ToolOutput } from "./tool-output.ts";
import type { Tools } from "./tools.ts";

/** A tool call is over: it brought a result, or was given up. */
export interface ToolOutcome {
  readonly call: ToolCall;
  readonly outcome: "done" | "cancelled" | "failed";
  readonly durationMs: number;
  /** The error of a call that did not succeed. */
  readonly error?: unknown;
}

export interface ToolRound {
  readonly tools: Tools;
  readonly limits: AgentLimits;
  readonly context: ToolContext;
  /** Gives up all calls of the round: the turn is over. */
  readonly signal: AbortSignal;
  readonly onOutcome: (outcome: ToolOutcome) => void;
  /** Takes each result as soon as it is there. */
  readonly onResult?: (result: ToolResult) => void;
  /** Takes a handoff that a tool has returned. Throws where it cannot be. Left out where the model takes none. */
  readonly onHandoff?: (handoff: Handoff, call: ToolCall) => void;
  /** Keeps functions that run on. Left out where the model waits for all of them. */
  readonly tasks?: Tasks;
  /** Takes the images that came with a result. */
  readonly onImages?: (call: ToolCall, images: readonly ImagePart[]) => void;
  readonly log: Log;
}

class UnknownFunctionError extends Error {
  override readonly name = "UnknownFunctionError";
}

/**
 * Runs the calls of one round, some at a time, and returns their results in the order of the calls. An error in a call
 * becomes a result for the model. Rejects only when the round is given up.
 */
export async function runTools(calls: readonly ToolCall[], round: ToolRound): Promise<ToolResult[]> {
  const results: ToolResult[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < calls.length; index = next++) {
      round.signal.throwIfAborted();
      const result = await runTool(calls[index]!, round);
      results[index] = result;
      round.onResult?.(result);
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
  const registered = round.tools.functions.get(call.name);
  if (registered === undefined) {
    const known = [...round.tools.functions.keys()].join(", ");
    const error = new UnknownFunctionError(
      `There is no function named "${call.name}". Functions: ${known === "" ? "none" : known}`,
    );
    over("failed", error);
    return failure(call, error, limits);
  }

  const giveUp = new AbortController();
  const { agent, session, participants } = round.context;
  let progress = "";
  const given = {
    signal: giveUp.signal,
    agent,
    session,
    participants,
    progress: (words: string) => {
      progress = String(words);
    },
  };
  const asked = whileToolRuns(call.name, () => registered.call(call.arguments, given));
  const running = asked
    .then((value) => readResponse(value, limits.maxToolOutputLength))
    .finally(() => {
      // Of no use any more, but a tool that hangs is worth knowing.
      if (!giveUp.signal.aborted) return;
      log.debug(
        { event: "tool_late", tool: call.name, duration_ms: now() - startedAt },
        "A tool ended after its result was given up",
      );
    });
  const cancelled = () => {
    // Told at once, so that it stands before the end of the turn.
    over("cancelled", signal.reason);
    giveUp.abort(signal.reason);
  };
  signal.addEventListener("abort", cancelled, { once: true });
  const runsOn = round.tasks?.hasRoom ? registered.runOnAfterMs : undefined;
  const limit = timeLimit(registered, limits, runsOn !== undefined);
  const ended = within(running, limit.ms, `The tool ${call.name}`, giveUp.signal, limit.option);
  try {
    if (runsOn !== undefined && (await takesLonger(ended, runsOn)) && round.tasks !== undefined) {
      signal.throwIfAborted();
      const result = ended.then((value) => {
        if (isHandoff(value))
          throw new ToolError("A function that ran on cannot hand the conversation over.");
        const { output } = told(call, value, round);
        over("done");
        return { ok: true, output };
      });
      return round.tasks.keep({
        call,
        progress: () => progress,
        cancel: (reason) => giveUp.abort(reason),
        result: result.catch((error: unknown) => {
          over(giveUp.signal.aborted ? "cancelled" : "failed", error);
          giveUp.abort(error);
          return { ok: false, output: failure(call, error, limits).output };
        }),
      });
    }
    const value = await ended;
    signal.throwIfAborted();
    if (isHandoff(value)) {
      handOff(value, call, round);
      over("done");
      return { callId: call.id, name: call.name, ok: true, output: handedOff(value.role) };
    }
    const images = ToolImages.is(value) ? checkedImages(value.images) : [];
    if (images.length > 0) round.onImages?.(call, images);
    const result = told(call, value, round);
    over("done");
    return { callId: call.id, name: call.name, ok: true, ...result };
  } catch (error) {
    giveUp.abort(error);
    signal.throwIfAborted();
    over("failed", error);
    return failure(call, error, limits);
  } finally {
    signal.removeEventListener("abort", cancelled);
  }
}

/** Returns what the model is told of a result. The log says what it cannot be told. */
function told(
  { name }: ToolCall,
  value: unknown,
  { limits, log }: ToolRound,
): Pick<ToolResult, "output" | "format"> {
  const output = new ToolOutput(limits.maxToolOutputLength);
  const result = output.tell(outputIn(value));
  if (output.untold.length > 0) {
    log.warn(
      { event: "tool_result_untold", tool: name, untold: output.untold },
      "A tool returned a value that a model cannot be told",
    );
  }
  return result;
}

/** Returns the longest time that a function may run, and the name of the option that says so. */
function timeLimit(
  { timeoutMs }: RegisteredFunction,
  { toolTimeoutMs, taskTimeoutMs }: AgentLimits,
  runsOn: boolean,
): { readonly ms: number; readonly option: string } {
  if (timeoutMs !== undefined) return { ms: timeoutMs, option: "timeoutMs" };
  return runsOn
    ? { ms: taskTimeoutMs, option: "limits.taskTimeoutMs" }
    : { ms: toolTimeoutMs, option: "limits.toolTimeoutMs" };
}

/** Resolves with whether a function is still running after so many milliseconds. */
async function takesLonger(ended: Promise<unknown>, ms: number): Promise<boolean> {
  const over = new AbortController();
  const done = ended.then(
    () => false,
    () => false,
  );
  try {
    return await Promise.race([done, delay(ms, true, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}

function handOff(handoff: Handoff, call: ToolCall, { onHandoff }: ToolRound): void {
  if (onHandoff === undefined) throw new ToolError("The conversation cannot be handed over.");
  onHandoff(handoff, call);
}

/** Returns the part of a result that the model reads. */
const outputIn = (value: unknown): unknown => (ToolImages.is(value) ? value.output : value);

function failure({ id, name }: ToolCall, error: unknown, { maxToolOutputLength }: AgentLimits): ToolResult {
  return { callId: id, name, ok: false, output: cutText(reasonToTell(error), maxToolOutputLength) };
}

/** Returns the reason that the model is told. It may read it aloud, so an error that is not meant for it is told without its message. */
function reasonToTell(error: unknown): string {
  if (error instanceof DeadlineError) return error.brief;
  const meant =
    ToolError.is(error) || error instanceof BadArgumentsError || error instanceof UnknownFunctionError;
  return meant ? plainError(error).message : "The function failed for a technical reason.";
}
