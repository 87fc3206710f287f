// Two agents at a time for each user, and only configurations that make sense: GREENROOM_API_KEYS=ann:… node examples/quota.ts serve
import { AgentLauncher, apiKey, HttpError, Runner, type ServeOptions } from "greenroom";
import { z } from "zod";

const quota = 2;
const currentUser = apiKey();
const startRequest = z.object({ config: z.object({ language: z.enum(["en", "de"]).optional() }) });

export const launcher = new AgentLauncher({ agent: import.meta.resolve("./agent.ts") });

export const options: ServeOptions = {
  getCurrentUser: currentUser,
  canStartSession: async ({ resolve, body }) => {
    startRequest.parse(body); // what zod finds wrong becomes a 422
    const user = await resolve(currentUser);
    const running = launcher.listSessions().filter(({ createdBy }) => createdBy === user);
    // Starts at the very same moment may both be let in; maxConcurrentSessions and maxSessionsPerCall are exact.
    if (running.length < quota) return true;
    throw new HttpError(429, `You have ${quota} agents in calls already`, { code: "QUOTA" });
  },
};

if (import.meta.main) await new Runner(launcher, options).cli();
