// The server that is asked. Starts are judged, and made only for whoever is to have one: a thread for each would be another test.
import { AgentLauncher, HttpError, Runner } from "greenroom";

await new Runner(
  new AgentLauncher({
    agent: new URL("../test/fixtures/agents/calls/passing.ts", import.meta.url).href,
    agentIdleTimeoutMs: 0,
    ignoreLoad: true,
    warmSessions: 1,
    threadWaitTimeoutMs: 60_000,
  }),
  {
    startsPerSecond: null,
    messagesPerSecond: null,
    canStartSession: ({ headers }) => {
      if (headers.get("x-fuzz-start") !== "yes") throw new HttpError(403, "no");
    },
    canCloseSession: () => {
      throw new HttpError(403, "no");
    },
  },
).cli();
