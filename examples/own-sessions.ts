// Everybody sees, hears, measures and closes their own sessions, and no others: GREENROOM_API_KEYS=ann:…,bob:… node examples/own-sessions.ts serve
import { AgentLauncher, apiKey, type Permission, Runner, type ServeOptions } from "greenroom";

const currentUser = apiKey();

/** To everybody else the session does not exist. In a list, each session is judged for itself. */
const isMine: Permission = async ({ resolve, session }) =>
  (await resolve(currentUser)) === session().createdBy;

export const launcher = new AgentLauncher({ agent: import.meta.resolve("./agent.ts") });

export const options: ServeOptions = {
  getCurrentUser: currentUser,
  // Closing, measuring and all else that has no callback of its own is for those who may view.
  canViewSession: isMine,
};

if (import.meta.main) await new Runner(launcher, options).cli();
