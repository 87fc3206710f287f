import { setTimeout as sleep } from "node:timers/promises";
import { machineNow } from "../clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { Client } from "../load/client.ts";
import type { Broken } from "./broken.ts";
import type { Invariant } from "./invariants.ts";
import type { Ledger } from "./ledger.ts";

const deadlinesMs = { agree: 30_000, close: 30_000, told: 90_000, back: 60_000 };
/** An agent that was heard so long ago, in milliseconds, is in its call. */
const heardMs = 700;
/** The resources that a process may hold beyond those that it held when it had become warm. */
const allowed = { residentMiB: 400, threads: 4, descriptors: 40 };

/** Checks what must hold when nothing is wrong any more, and no caller comes. Resolves with what does not hold. */
export async function restOf(
  fleet: Fleet,
  ledger: Ledger,
  say: (line: string) => void,
): Promise<readonly Broken[]> {
  const broken: Broken[] = [];
  const add = (invariant: Invariant, what: string, about: readonly string[] = []) =>
    broken.push({ invariant, at: machineNow(), what, about, excuse: null });

  const apart = await agreed(() => differences(fleet), deadlinesMs.agree);
  if (apart !== null) add("not_at_rest", `with sessions that go on: ${apart.what}`, apart.about);
  say("lists, metrics and ledger were compared with sessions that go on");

  await closeAll(fleet);
  const left = await agreed(() => differences(fleet, []), deadlinesMs.close);
  if (left !== null) add("not_at_rest", `with all sessions closed: ${left.what}`, left.about);
  say("all sessions are closed");

  const toldBy = machineNow() + deadlinesMs.told;
  while (untold(fleet, ledger) > 0 && machineNow() < toldBy) await sleep(200);
  say(`ends are told, and ${untold(fleet, ledger)} are not`);

  const usage = await agreed(() => notGivenBack(fleet), deadlinesMs.back);
  if (usage !== null) add("not_given_back", usage.what, usage.about);
  say("memory, threads and descriptors were compared");
  return broken;
}

interface Difference {
  readonly what: string;
  readonly about: readonly string[];
}

/** Asks until there is no difference. Resolves with the last one, where there is always one. */
async function agreed(ask: () => Promise<Difference | null>, forMs: number): Promise<Difference | null> {
  const until = machineNow() + forMs;
  for (;;) {
    const difference = await ask();
    if (difference === null || machineNow() > until) return difference;
    await sleep(300);
  }
}

/**
 * Resolves with the difference between what is heard, what each replica lists, and what the metrics say; null where
 * there is none.
 */
async function differences(fleet: Fleet, expected?: readonly string[]): Promise<Difference | null> {
  const heard = expected ?? fleet.heartbeats.recent(heardMs).map(({ session }) => session);
  if (expected && fleet.heartbeats.recent(heardMs).length > 0) {
    const about = fleet.heartbeats.recent(heardMs).map(({ session }) => session);
    return { what: `agents are heard of ${about.join(", ")}`, about };
  }
  for (const slot of fleet.occupied) {
    const { status, body, headers } = await new Client(slot.url).ask("/sessions?limit=1000");
    const incomplete = headers.get("greenroom-incomplete");
    if (status !== 200 || incomplete !== null)
      return { what: `${slot.name} lists: ${status}, without ${incomplete}`, about: [slot.name] };
    const listed = (body.sessions as { session_id: string }[]).map(({ session_id }) => session_id);
    const apart = [...new Set(listed).symmetricDifference(new Set(heard))];
    if (apart.length > 0 || listed.length !== heard.length) {
      const what = `${slot.name} lists ${listed.length} sessions, ${heard.length} are heard; apart are ${apart.join(", ")}`;
      return { what, about: apart };
    }
  }
  const counts = await Promise.all(fleet.occupied.map((slot) => slot.metric("greenroom_sessions")));
  const counted = counts.reduce((sum, count) => sum + count, 0);
  return counted === heard.length
    ? null
    : { what: `metrics count ${counted} sessions, ${heard.length} are heard`, about: [] };
}

async function closeAll(fleet: Fleet): Promise<void> {
  const client = new Client(fleet.balancer.url);
  const until = machineNow() + deadlinesMs.close;
  while (machineNow() < until) {
    const { status, body } = await client.ask("/sessions?limit=1000");
    const sessions = status === 200 ? (body.sessions as { session_id: string }[]) : null;
    if (sessions?.length === 0) return;
    await Promise.all(
      (sessions ?? []).map(({ session_id: id }) =>
        client.ask(`/sessions/${id}?wait=true`, { method: "DELETE" }),
      ),
    );
    await sleep(100);
  }
}

function untold({ heartbeats }: Fleet, ledger: Ledger): number {
  const ids = new Set([...ledger.sessions.keys(), ...heartbeats.all.map(({ session }) => session)]);
  return [...ids].filter((id) => !ledger.ends.has(id)).length;
}

async function notGivenBack(fleet: Fleet): Promise<Difference | null> {
  for (const { name, life } of fleet.occupied) {
    const before = life?.usageAtRest;
    if (!life || !before) continue;
    const now = life.usage();
    for (const kind of ["threads", "descriptors", "residentMiB"] as const) {
      if (now[kind] > before[kind] + allowed[kind]) {
        return {
          what: `${name} holds ${now[kind]} ${kind}, and held ${before[kind]} when it was warm`,
          about: [name],
        };
      }
    }
  }
  return null;
}
