import type { Environment } from "./environment.ts";
import { variableOf } from "./option-table.ts";
import * as options from "./options.ts";

const known: ReadonlySet<string> = new Set([
  ...[
    options.commonOptions,
    options.consoleOptions,
    options.serveOptions,
    options.launcherLimits,
    options.launcherReports,
    options.fleetOptions,
    options.webhookOptions,
  ].flatMap((table) => Object.keys(table).map(variableOf)),
  ...Object.keys(options.variablesOnly),
]);

/** Kubernetes gives them to every pod beside a Service named "greenroom", or "greenroom-" and more. */
const ofKubernetes =
  /^GREENROOM_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/** Changes of one letter between two names that may still be the same word, mistyped. */
const mostChanges = 3;

/** One line that names the variables that look like ours and are not, or null. */
export function unknownVariables(environment: Environment): string | null {
  const unknown = environment
    .names()
    .filter((name) => name.startsWith("GREENROOM_") && !known.has(name) && !ofKubernetes.test(name))
    .map((name) => {
      const meant = likeliest(name);
      return `${environment.find([name])?.origin}${meant === null ? "" : ` (did you mean ${meant}?)`}`;
    });
  return unknown.length === 0 ? null : `Ignored, since there is no such variable: ${unknown.join(", ")}`;
}

function likeliest(name: string): string | null {
  const [best] = [...known]
    .map((candidate) => ({ candidate, changes: changesBetween(name, candidate) }))
    .sort((one, other) => one.changes - other.changes);
  if (best && best.changes <= mostChanges) return best.candidate;
  return [...known].find((candidate) => candidate.startsWith(`${name}_`)) ?? null;
}

/** Letters to insert, leave out or replace (Levenshtein). */
function changesBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = row[column - 1]! + (letter === other[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
