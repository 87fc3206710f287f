import { allOutsideOptions, flagOf } from "../../options/outside.ts";

/** Returns the variable of the environment in which npm keeps a flag, such as `npm_config_max_sessions_per_call`. */
const variableOfNpm = (flag: string): string => `npm_config_${flag.slice(2).replaceAll("-", "_")}`;

/** Returns whether npm took a flag such as `--no-splash`: it makes a setting `splash` of it that is off. */
const isOff = (flag: string, environment: NodeJS.ProcessEnv): boolean =>
  flag.startsWith("--no-") && environment[variableOfNpm(flag.replace("--no-", "--"))] === "";

/**
 * Returns a sentence about flags that npm took for its own, as in `npm start --port=9000`, so that they have no effect
 * here; null where there are none.
 */
export function flagsOfNpm(environment: NodeJS.ProcessEnv = process.env): string | null {
  const script = environment.npm_lifecycle_event;
  // npx passes on everything that follows the name of the program.
  if (script === undefined || script === "npx") return null;
  const flags = allOutsideOptions().flatMap(({ name, outside }) => (outside.secret ? [] : [flagOf(name)]));
  const taken = flags.filter(
    (flag) => environment[variableOfNpm(flag)] !== undefined || isOff(flag, environment),
  );
  if (taken.length === 0) return null;
  const command = script === "start" ? "npm start" : `npm run ${script}`;
  return `npm kept ${taken.join(", ")} for itself, without effect here: flags follow two dashes, as in ${command} -- ${taken[0]}`;
}
