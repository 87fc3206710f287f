import { soundMs } from "../spoken/sound.ts";
import type { SpokenCall, Stretch } from "../spoken/spoken-call.ts";
import { type Broken, brokenCases } from "./broken.ts";
import type { Ledger } from "./ledger.ts";
import type { Observed } from "./observed.ts";

/** Sound of two agents that crosses on its way, in milliseconds. */
const crossingMs = 60;
/** A sentence that is heard for so many times its length is heard twice. */
const twice = 1.5;
/** The time within which what happens in a call is known to other replicas, in milliseconds. */
const knownWithinMs = 1_500;

/** Whoever speaks with an agent hears one agent, each sentence once, and what they say is answered and known. */
export function spoken(ledger: Ledger, observed: Observed): readonly Broken[] {
  const { slowness } = observed;
  const { broken, add } = brokenCases();
  for (const call of ledger.spokenCalls) {
    const { sessionId: id, stretches, taken, list, unansweredSince } = call;
    const session = ledger.sessions.get(id);
    const about = session ? [id, session.call, session.key] : [id];
    const both = together(stretches, crossingMs * slowness);
    if (both) add("two_voices", both.at, about, `in ${id} two agents were heard at once for ${both.ms} ms`);

    for (const one of firstOf(stretches)) {
      const ms = call.heardOf(one);
      if (one.word === 0 || ms < twice * soundMs(one)) continue;
      const what = `in ${id} sentence ${one.part} of the answer to ${one.word} was heard for ${ms} ms`;
      add("said_twice", one.from, about, what, mayBeForgotten(observed, call, one.from, soundMs(one)));
    }
    for (const [word, at] of list === null ? [] : taken) {
      if (at > list!.at || list!.words.includes(word)) continue;
      const what = `in ${id} the word ${word} was taken, and at last the agent knew ${list!.words.join(" ")}`;
      add("words_lost", at, about, what, mayBeForgotten(observed, call, at, 0));
    }
    const isCut = ledger.ends.get(id)?.some(({ endReason }) => endReason !== "closed") ?? false;
    if (unansweredSince !== null && !isCut) {
      const what = `in ${id} a caller was not answered any more`;
      add("not_answered", unansweredSince, about, what);
    }
  }
  return broken;
}

/** Returns the first stretch of each sentence. */
function firstOf(stretches: readonly Stretch[]): readonly Stretch[] {
  return [...Map.groupBy(stretches, ({ word, part }) => `${word} ${part}`).values()].map(([first]) => first!);
}

/** Returns when two agents were heard at once for longer than this, and for how long; null where they were not. */
function together(
  stretches: readonly Stretch[],
  toleratedMs: number,
): { readonly at: number; readonly ms: number } | null {
  for (const [index, one] of stretches.entries())
    for (const other of stretches.slice(index + 1)) {
      if (other.life === one.life) continue;
      const at = Math.max(one.from, other.from);
      const ms = Math.min(one.to, other.to) - at;
      if (ms > toleratedMs) return { at, ms: Math.round(ms) };
    }
  return null;
}

/**
 * Returns the reason for which other replicas may not know what happened in a call from this time on, for so many milliseconds: its
 * process was stopped before it could tell. Null: they have to know.
 */
function mayBeForgotten(
  { heard, stops, redisTroubles }: Observed,
  call: SpokenCall,
  from: number,
  forMs: number,
): string | null {
  const pids = new Set(heard.filter(({ session }) => session === call.sessionId).map(({ pid }) => pid));
  for (const { pid, at } of stops) {
    if (!pids.has(pid) || at < from) continue;
    if (at - from - forMs < knownWithinMs) return "its process was stopped before it could be written";
    if (redisTroubles.during(from - knownWithinMs, at, knownWithinMs))
      return "Redis was away, and its process was stopped";
  }
  return null;
}
