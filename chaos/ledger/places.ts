import type { Heard } from "../fleet/heartbeat-collector.ts";
import { type Broken, brokenCases } from "./broken.ts";
import { together } from "./heard.ts";
import type { Ledger } from "./ledger.ts";
import type { Observed } from "./observed.ts";

/** Two may be heard at the same time for so long, in milliseconds: one of them has just woken up. */
const wakeUpMs = 1_200;

/** No session is in two places, and no call has an agent too many. */
export function places(ledger: Ledger, { heard: all, redisTroubles, slowness }: Observed): readonly Broken[] {
  const { broken, add } = brokenCases();

  for (const group of groupsOf(all, ({ session }) => session)) {
    for (const [one, other] of pairsOf(group)) {
      // A call that moves is heard in one process after another.
      const { from, ms } = together(one, other);
      if (ms <= wakeUpMs * slowness) continue;
      const what = `${one.session} was heard from the processes ${one.pid} and ${other.pid} together for ${ms} ms`;
      add("two_places", from, [one.session, one.call, one.key], what, null);
    }
  }
  for (const group of groupsOf(all, ({ call }) => call)) {
    for (const [one, other] of pairsOf(group)) {
      if (one.session === other.session) continue;
      const { from, ms } = together(one, other);
      if (ms <= wakeUpMs * slowness) continue;
      const about = [one.session, other.session, one.call, one.key, other.key];
      const begin = Math.max(beginOf(ledger, one), beginOf(ledger, other));
      const what = `${one.session} and ${other.session} were in ${one.call} together for ${ms} ms`;
      add("call_limit_passed", from, about, what, withoutRedis(redisTroubles, begin, from));
    }
  }
  for (const { key, call, sessions, wantedAt, attempts } of ledger.starts.values()) {
    const lastAt = attempts.at(-1)?.at ?? wantedAt;
    if (sessions.size > 1) {
      const excuse = redisTroubles.during(wantedAt, lastAt, 5_000)
        ? "Redis was away or lost the key meanwhile"
        : null;
      add(
        "key_started_twice",
        lastAt,
        [key, call, ...sessions],
        `${key} was answered with ${[...sessions].join(", ")}`,
        excuse,
      );
    }
  }
  return broken;
}

/** Limits of the fleet are judged in Redis: where it is away, each replica judges by what it knows. */
export function withoutRedis(troubles: Observed["redisTroubles"], from: number, to: number): string | null {
  const graceMs = 5_000;
  return troubles.during(from - 1_000, to, graceMs) ? "Redis was away, or had just lost its data" : null;
}

/** Returns when the start was asked for that this session came of. */
const beginOf = (ledger: Ledger, { key, times }: Heard): number =>
  ledger.starts.get(key)?.wantedAt ?? times[0]!;

function groupsOf(all: readonly Heard[], nameOf: (heard: Heard) => string): readonly (readonly Heard[])[] {
  return [...Map.groupBy(all, nameOf).values()].filter((group) => group.length > 1);
}

function pairsOf(group: readonly Heard[]): readonly (readonly [Heard, Heard])[] {
  return group.flatMap((one, index) => group.slice(index + 1).map((other) => [one, other] as const));
}
