// A replica: options of launcher and runner come from TEST_OPTIONS, all else from flags and the environment. Whoever
// says a name is that user; a session is closed by whoever began it.
import { AgentLauncher, Runner } from "greenroom";
import { agentUrl } from "../fixtures/launch.ts";

const { launcher, runner } = JSON.parse(process.env.TEST_OPTIONS ?? "{}");

await new Runner(
  new AgentLauncher({ agent: agentUrl("passing"), agentIdleTimeoutMs: 0, warmSessions: 1, ...launcher }),
  {
    startsPerSecond: null,
    trustedProxyCount: 1,
    getCurrentUser: ({ headers }) => headers.get("x-user"),
    canCloseSession: (scope) => scope.session().createdBy === scope.headers.get("x-user"),
    ...runner,
  },
).cli();
