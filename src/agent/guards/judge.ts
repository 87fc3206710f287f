import { within } from "../../shared/deadline.ts";
import { plainError } from "../../shared/errors.ts";
import { cutText } from "../../shared/text/text.ts";
import type { Log } from "../log.ts";
import type { Block, Guard, Verdict } from "./guard.ts";

/** The point at which a guard judges. */
export type GuardStage = "heard" | "say";

/** The decision of one of several guards. */
export interface Blocked {
  readonly guard: string;
  readonly stage: GuardStage;
  readonly reason: string;
  /** The words to be said instead; an empty text: none. */
  readonly line: string;
}

const defaultTimeoutMs = 1_000;
const defaultLine = "I'm sorry, I can't help with that.";
/** The most characters of a reason, and of the words that are said instead. */
const mostOfReason = 200;
const mostOfLine = 10_000;

/**
 * Has all guards judge at the same time. Resolves with the first objection in the order of the guards; with null where there is none.
 * Rejects where the signal fires.
 */
export async function judge(
  guards: readonly Guard[],
  stage: GuardStage,
  ask: (guard: Guard, signal: AbortSignal) => Verdict | Promise<Verdict>,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<Blocked | null> {
  const verdicts = guards.map(async (guard): Promise<Blocked | null> => {
    const { name, line = defaultLine, timeoutMs = defaultTimeoutMs, otherwise = "block" } = guard;
    const over = new AbortController();
    try {
      const asked = Promise.try(ask, guard, AbortSignal.any([signal, over.signal]));
      const verdict = await within(asked, timeoutMs, `The guard ${name}`, signal, "timeoutMs");
      const block = blockOf(verdict);
      if (block === null) return null;
      const reason = cutText(block.reason, mostOfReason);
      return { guard: name, stage, reason, line: cutText(block.say ?? line, mostOfLine) };
    } catch (error) {
      signal.throwIfAborted();
      log.warn(
        { event: "guard_failed", guard: name, stage, err: plainError(error) },
        "A guard gave no verdict",
      );
      return otherwise === "allow" ? null : { guard: name, stage, reason: "no_verdict", line };
    } finally {
      over.abort();
    }
  });
  return (await Promise.all(verdicts)).find((blocked) => blocked !== null) ?? null;
}

/** Reads a verdict; null: no objection. Throws a `TypeError` for what is none, so that it counts as one that failed. */
function blockOf(verdict: unknown): Block | null {
  if (verdict === null || verdict === undefined) return null;
  const { reason, say } = verdict as Partial<Record<keyof Block, unknown>>;
  const isSaid = say === null || say === undefined || typeof say === "string";
  if (typeof reason !== "string" || !isSaid)
    throw new TypeError(
      "A verdict is { reason, say } with texts, or nothing where the guard has no objection",
    );
  return { reason, ...(typeof say === "string" ? { say } : {}) };
}
