import type { AgentLauncher } from "../../api/agent-launcher.ts";
import { commandTables } from "../../options/tables.ts";
import { endReasons } from "../../shared/end-reasons.ts";
import { converseToEnd } from "../console/console.ts";
import type { Environment } from "../options/environment.ts";
import { type Flags, readSettings } from "../options/settings.ts";

/** Runs the command `run`, until the call ends. Resolves with the exit code. */
export async function runCommand(
  flags: Flags,
  environment: Environment,
  launcher: AgentLauncher,
): Promise<number> {
  const { flags: common, console: call, limits } = readSettings(commandTables.run, flags, environment);
  if (Object.keys(limits).length > 0) launcher.override(limits);
  const { reason, failure } = await converseToEnd(launcher, {
    ...(common.debug ? { logLevel: "debug" } : {}),
    ...call,
    splash: !common.noSplash,
    hints: !common.noDemo,
  });
  return failure === null ? endReasons[reason].exitCode : 1;
}
