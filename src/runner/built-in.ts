import { extname } from "node:path";
import { AgentLauncher } from "../api/agent-launcher.ts";
import { Runner } from "../api/runner.ts";

// The extension is .ts in the clone and .js in the package.
const agent = new URL(`../../workers/default-agent${extname(import.meta.url)}`, import.meta.url);

/** The runner of the command `greenroom`, with the built-in agent. */
export const builtIn = new Runner(new AgentLauncher({ agent }));
