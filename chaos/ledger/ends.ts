import type { ToldEnd } from "../fleet/webhook-receiver.ts";
import { type Broken, brokenCases } from "./broken.ts";
import { presentMs } from "./heard.ts";
import { knownToNobody } from "./known-to-nobody.ts";
import type { Ledger } from "./ledger.ts";
import type { Observed } from "./observed.ts";

/**
 * The time for which an agent may be heard after its end was told: its last datagrams may be under way, in
 * milliseconds.
 */
const afterglowMs = 1_000;

/** Every session has one end, which is told, with one content. */
export function ends(ledger: Ledger, observed: Observed): readonly Broken[] {
  const { heard: all, flaws, slowness } = observed;
  const { broken, add } = brokenCases();
  for (const { id, call, kind, key, answeredAt } of ledger.untold()) {
    add(
      "never_told",
      answeredAt,
      [id, call, key],
      `${id} (${kind}) was answered 201, and no end of it was told`,
      knownToNobody(observed, id, answeredAt),
    );
  }
  const silent = new Set<string>();
  for (const heard of all) {
    const { session, call, key, times } = heard;
    const told = ledger.ends.get(session)?.[0];
    if (told) {
      const ms = presentMs(heard, told.at);
      const about = [session, call, key];
      if (ms > afterglowMs * slowness)
        add("told_and_lives", told.at, about, `${session} was heard for ${ms} ms after its end`);
    } else if (!ledger.sessions.has(session) && !silent.has(session)) {
      silent.add(session);
      add(
        "heard_never_told",
        times[0]!,
        [session, call, key],
        `${session} was heard, and no end of it was told`,
        knownToNobody(observed, session, times[0]!),
      );
    }
  }
  const asked = new Set([...ledger.sessions.keys(), ...all.map(({ session }) => session)]);
  const started = new Set([...ledger.starts.values()].map(({ call }) => call));
  for (const [id, told] of ledger.ends) {
    const contents = new Map(told.map((one) => [`${one.webhookId} ${one.body}`, one]));
    if (contents.size > 1) {
      const texts = [...contents.values()].map(contentOf).join("; ");
      add("told_differently", told.at(-1)!.at, [id], `${id} was told as ${texts}`);
    }
    const { data } = JSON.parse(told[0]!.body) as { data: { call_id: string } };
    if (!asked.has(id) && !started.has(data.call_id)) {
      add("told_of_nothing", told[0]!.at, [id], `${id} was told, and nobody had asked for it`);
    }
  }
  for (const flaw of flaws) add("told_of_nothing", 0, [], flaw);
  return broken;
}

/** Returns what two ends of one session may differ in. */
function contentOf({ webhookId, endReason, body }: ToldEnd): string {
  const { timestamp, data } = JSON.parse(body) as { timestamp: string; data: { error: unknown } };
  return `${endReason} at ${timestamp} ${JSON.stringify(data.error)} (${webhookId}, ${body.length} characters)`;
}
