import type { Heard } from "../fleet/heartbeat-collector.ts";
import { limits } from "../fleet/limits.ts";
import { type Broken, brokenCases } from "./broken.ts";
import { presentMs } from "./heard.ts";
import { knownToNobody } from "./known-to-nobody.ts";
import type { Ledger } from "./ledger.ts";
import type { Observed } from "./observed.ts";

/** A frozen agent may be heard for so long when it wakes up, in milliseconds. */
const wakeUpMs = 1_000;
/** The time that is given beside the grace of a close, in milliseconds. */
const closeSlackMs = 3_000;

/** Checks that what was answered about sessions is true. */
export function answers(ledger: Ledger, observed: Observed): readonly Broken[] {
  const { heard: all, slowness } = observed;
  const { broken, add } = brokenCases();
  const heardOf = new Map<string, Heard[]>();
  for (const heard of all) heardOf.set(heard.session, [...(heardOf.get(heard.session) ?? []), heard]);

  for (const { id, call, key, views, closes, streamed } of ledger.sessions.values()) {
    const about = [id, call, key];
    const present = (from: number) =>
      (heardOf.get(id) ?? []).reduce((ms, heard) => ms + presentMs(heard, from), 0);
    const denied = [...views, ...closes].find(
      ({ status, at }) => status === 404 && present(at) > wakeUpMs * slowness,
    );
    if (denied) {
      const ms = present(denied.at);
      add("live_denied", denied.at, about, `${id} was answered 404, and was heard for ${ms} ms after that`);
    }
    const done = closes.find(
      ({ status, code }) => (status >= 200 && status < 300) || (status === 404 && code),
    );
    const mayTakeMs = limits.closeGraceMs + closeSlackMs * slowness;
    if (done && present(done.at) > mayTakeMs) {
      const ms = present(done.at);
      add(
        "closed_and_lives",
        done.at,
        about,
        `${id} was closed (${done.status}), and was heard for ${ms} ms after that`,
      );
    }
    const told = ledger.ends.get(id)?.map(({ endReason }) => endReason) ?? [];
    const answered = [...views, ...closes].flatMap(({ endReason }) => endReason ?? []);
    const reasons = new Set([...told, ...answered, ...streamed]);
    if (reasons.size > 1) {
      const ways = { webhook: told, rest: answered, events: [...streamed] };
      const texts = Object.entries(ways).map(([way, all]) => `${way} ${[...new Set(all)].join("/") || "-"}`);
      const shown = [...views, ...closes].find(({ endReason }) => endReason !== null && endReason !== "lost");
      const heardLast = heardOf.get(id)?.at(-1)?.times.at(-1) ?? 0;
      const at = shown?.at ?? heardLast;
      // One that was only shown, and could not be written, is told as lost.
      const isLost = told.every((reason) => reason === "lost");
      const excuse = isLost ? knownToNobody(observed, id, at) : null;
      add("two_ends", at, about, `${id} ended as ${texts.join(", ")}`, excuse);
    }
  }

  for (const { key, call, kind, attempts, wantedAt } of ledger.starts.values()) {
    const wrong = attempts.find(({ status }) => status === 500);
    // The agent's own failure to start is told with its code.
    if (wrong && !(kind === "create-fails" && wrong.code !== "INTERNAL")) {
      add("wrong_answer", wantedAt, [key, call], `the start ${key} (${kind}) was answered 500 ${wrong.code}`);
    }
  }
  for (const { start, answered, roomSaid } of ledger.refusals) {
    if (roomSaid === null) continue;
    const what = `the start ${start.key} in ${start.call} was answered ${answered.status} ${answered.code}: ${roomSaid}`;
    add("refused_with_room", answered.at, [start.key, start.call], what);
  }
  return broken;
}
