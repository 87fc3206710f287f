import { envExample } from "./reference/env-example.ts";
import { logEventsDoc } from "./reference/log-events-doc.ts";
import { metricsDoc } from "./reference/metrics-doc.ts";
import { interfacesText } from "./reference/option-interfaces.ts";
import { optionsDoc } from "./reference/options-doc.ts";

/** The text of each file that is made of tables of the code, by its path from the root. A test compares them. */
export const generated: Readonly<Record<string, () => string>> = {
  "src/api/launcher-options.ts": () => interfacesText(["AgentLauncherOptions"]),
  "src/api/registry-options.ts": () => interfacesText(["RedisRegistryOptions"]),
  "src/api/runner-options.ts": () => interfacesText(["RunnerOptions", "ConsoleOptions"]),
  "src/api/serve-options.ts": () => interfacesText(["ServeOptions", "ServerTimeouts"]),
  "src/api/webhook-options.ts": () => interfacesText(["WebhookOptions"]),
  "docs/options.md": optionsDoc,
  "docs/log-events.md": logEventsDoc,
  "docs/metrics.md": metricsDoc,
  ".env.example": envExample,
};
