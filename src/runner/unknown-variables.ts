import { similar } from "../similar.ts";
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

/** One line that names the variables that look like ours and are not, or null. */
export function unknownVariables(environment: Environment): string | null {
  const unknown = environment
    .names()
    .filter((name) => name.startsWith("GREENROOM_") && !known.has(name) && !ofKubernetes.test(name))
    .map((name) => {
      const meant = similar(name, known);
      return `${environment.find([name])?.origin}${meant === null ? "" : ` (did you mean ${meant}?)`}`;
    });
  return unknown.length === 0 ? null : `Ignored, since there is no such variable: ${unknown.join(", ")}`;
}
