import { basename } from "node:path";
import type { AgentLauncher } from "../../api/agent-launcher.ts";
import { version } from "../../shared/version.ts";
import { paintFor } from "./paint.ts";

/** Returns the greeting for a person at a terminal: the name, the version, and the agent's file. */
export function splash(launcher: AgentLauncher, stream: NodeJS.WriteStream): string {
  const { bold, dim, green } = paintFor(stream);
  const agent = basename(String(launcher.options.agent));
  return `\n  ${green("▐▌")} ${bold("Greenroom")} ${version}\n  ${green("▐▌")} ${dim(agent)}\n`;
}
