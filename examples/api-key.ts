// Only who has a key may call: GREENROOM_API_KEYS=backend:0123456789abcdef node examples/api-key.ts serve
import { AgentLauncher, apiKey, Runner, type ServeOptions } from "greenroom";

export const launcher = new AgentLauncher({ agent: import.meta.resolve("./agent.ts") });

export const options: ServeOptions = {
  // "backend" becomes the session's created_by. Browsers get no key: they use the session_token of their session.
  getCurrentUser: apiKey(),
};

if (import.meta.main) await new Runner(launcher, options).cli();
