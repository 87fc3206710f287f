import type { ProcessUsage } from "./fleet/process-usage.ts";
import type { Broken } from "./ledger/broken.ts";
import { type Invariant, invariants } from "./ledger/invariants.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { Timeline } from "./timeline.ts";

/** The report of a run. */
export interface ChaosReport {
  readonly seed: number;
  readonly minutes: number;
  /** The number of times that each fault happened. */
  readonly counts: ReadonlyMap<string, number>;
  readonly skipped: number;
  readonly broken: readonly Broken[];
  readonly timeline: Timeline;
  readonly ledger: Ledger;
  /** Sessions whose agents were heard in calls. */
  readonly heard: number;
  /** The factor by which agents may have been heard longer than on a quiet machine. */
  readonly slowness: number;
  readonly usage: readonly {
    readonly name: string;
    readonly before: ProcessUsage | null;
    readonly after: ProcessUsage;
  }[];
  /** The folder of the replicas' logs, kept where an invariant was broken. */
  readonly logs: string | null;
}

/** Cases of one invariant whose timelines are shown. */
const casesShown = 3;
const linesShown = 80;

/** Cases that no documentation allows. */
export const unexcused = ({ broken }: ChaosReport): readonly Broken[] =>
  broken.filter(({ excuse }) => excuse === null);

/** The report as text. */
export function reportText(report: ChaosReport): string {
  const { seed, minutes, counts, skipped, broken, ledger, heard, usage, logs } = report;
  const told = [...ledger.ends.values()];
  const repeated = told.filter((ends) => ends.length > 1).length;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const refusals = Map.groupBy(ledger.refusals, ({ answered }) =>
    `${answered.status} ${answered.code ?? ""}`.trim(),
  );
  const reasons = Map.groupBy(told, ([end]) => end!.endReason);
  const lines = [
    "",
    `Seed ${seed}, ${minutes} minutes: ${total} faults (${skipped} more had no place at their time)`,
    ...table(counts.entries().map(([name, count]) => [count, name])),
    `${ledger.starts.size} starts wanted, ${ledger.sessions.size} answered 201, ${heard} heard in calls`,
    `${told.length} ends told, ${repeated} of them more than once`,
    ...table(reasons.entries().map(([reason, ends]) => [ends.length, reason])),
    spokenLine(ledger),
    "Refusals",
    ...table(refusals.entries().map(([code, all]) => [all.length, code])),
    `Agents may be heard ${report.slowness.toFixed(1)} times as long as on a machine with nothing else to do`,
    "Held by processes: resident MiB, threads, descriptors",
    ...usage.map(({ name, before, after }) => `  ${name}: ${before ? held(before) : "?"} → ${held(after)}`),
    "Broken",
    ...Object.keys(invariants).map((name) => invariantLine(name as Invariant, broken)),
  ];
  const shown = Object.keys(invariants).flatMap((name) =>
    broken.filter(({ invariant, excuse }) => invariant === name && excuse === null).slice(0, casesShown),
  );
  for (const one of shown) lines.push("", ...caseLines(one, report));
  if (logs !== null) lines.push("", `The replicas' logs are in ${logs}`, `Seed ${seed} broke invariants.`);
  else lines.push("", "No invariant was broken.");
  return lines.join("\n");
}

function spokenLine({ spokenCalls }: Ledger): string {
  const words = spokenCalls.reduce((sum, { taken }) => sum + taken.size, 0);
  const moved = spokenCalls.filter(({ voices }) => voices > 1).length;
  return `${spokenCalls.length} spoken calls with ${words} words; in ${moved} of them more than one agent was heard`;
}

const held = ({ residentMiB, threads, descriptors }: ProcessUsage) =>
  `${residentMiB}, ${threads}, ${descriptors}`;

function invariantLine(name: Invariant, broken: readonly Broken[]): string {
  const cases = broken.filter(({ invariant }) => invariant === name);
  const excused = Map.groupBy(
    cases.filter(({ excuse }) => excuse !== null),
    ({ excuse }) => excuse,
  );
  const allowed = [...excused].map(([excuse, all]) => `${all.length} allowed: ${excuse}`).join("; ");
  const count = cases.filter(({ excuse }) => excuse === null).length;
  return `${String(count).padStart(6)}  ${name}${allowed ? ` (${allowed})` : ""}`;
}

function caseLines({ invariant, what, about, at }: Broken, { timeline }: ChaosReport): readonly string[] {
  const lines = timeline.concerning(new Set(about), at).map((happening) => `    ${timeline.line(happening)}`);
  const cut =
    lines.length > linesShown
      ? [...lines.slice(0, linesShown), `    … ${lines.length - linesShown} more`]
      : lines;
  return [`${invariant} at ${timeline.seconds(at).trim()}: ${what}`, `  ${invariants[invariant]}`, ...cut];
}

function table(rows: Iterable<readonly [number, string]>): readonly string[] {
  return [...rows]
    .toSorted(([one], [other]) => other - one)
    .map(([count, name]) => `${String(count).padStart(6)}  ${name}`);
}
