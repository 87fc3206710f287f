import { allOutsideOptions, variableOf } from "../../options/outside.ts";
import { variables } from "../../options/runner.ts";
import { similar } from "../../shared/text/similar.ts";
import { flagsOfNpm } from "../commands/npm-flags.ts";
import type { Environment } from "./environment.ts";

const known: ReadonlySet<string> = new Set([
  ...allOutsideOptions().map(({ name }) => variableOf(name)),
  ...Object.keys(variables),
]);

/**
 * The pattern of the variables that Kubernetes gives to every pod beside a Service named "greenroom", or "greenroom-"
 * and more.
 */
const ofKubernetes =
  /^GREENROOM_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

interface UnknownVariable {
  readonly origin: string;
  /** The variable that was probably meant; null where no name is near. */
  readonly meant: string | null;
}

/**
 * Returns sentences about settings that have no effect: variables with names like Greenroom's, lines of `.env`, flags
 * of npm.
 */
export function warningsOf(environment: Environment): readonly string[] {
  const unknown = unknownOf(environment).map(
    ({ origin, meant }) => `${origin}${meant === null ? "" : ` (did you mean ${meant}?)`}`,
  );
  const ofNpm = flagsOfNpm();
  return [
    ...environment.warnings,
    ...(unknown.length === 0 ? [] : [`Ignored, since there is no such variable: ${unknown.join(", ")}`]),
    ...(ofNpm === null ? [] : [ofNpm]),
  ];
}

/** Returns the first variable whose name is a misspelling of one of these. */
export function misspelt(environment: Environment, names: readonly string[]): UnknownVariable | undefined {
  return unknownOf(environment).find(({ meant }) => meant !== null && names.includes(meant));
}

/** The beginning of a name that was meant for Greenroom: in other letters, or with other signs between the words. */
const ours = /^GREEN[_.-]?ROOM[_.-]/i;
/** Returns a name as the system knows it: Windows does not distinguish upper and lower case. */
const asKnown = (name: string): string => (process.platform === "win32" ? name.toUpperCase() : name);

function unknownOf(environment: Environment): UnknownVariable[] {
  return environment
    .names()
    .filter((name) => ours.test(name) && !known.has(asKnown(name)) && !ofKubernetes.test(name))
    .map((name) => ({
      origin: environment.find([name])?.origin ?? name,
      meant: similar(name.replaceAll(/[.-]/g, "_"), known),
    }));
}
