import { now } from "../../shared/protocol.ts";
import { isBlank } from "../../shared/text.ts";
import type { LLM, LlmEvent, LlmRequest } from "../llm.ts";
import { BadAnswerError } from "../model/bad-answer-error.ts";

/** Returns whether an event has something to be heard or to be done. */
export function isAnswer(event: LlmEvent): boolean {
  return event.type === "tool_call" || (event.type === "text" && !isBlank(event.delta));
}

/**
 * The answer of one model of a `fallback`. One with nothing in it is an error, so that the next model is asked, and what it
 * cost is told, since nothing of it is given on.
 */
export async function* attemptOf(member: LLM, request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
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
