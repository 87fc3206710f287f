// A user's program: the agent is that of `misbehaving.ts`, and the options come from TEST_OPTIONS.
import { AgentLauncher, Runner } from "greenroom";
import { agentUrl } from "../fixtures/launch.ts";

const { launcher, runner } = JSON.parse(process.env.TEST_OPTIONS ?? "{}");
const canViewSession = () => {
  void Promise.reject(new Error("nobody awaited this"));
  return true;
};
const canViewMetrics = () => {
  setImmediate(() => {
    throw new Error("nobody caught this");
  });
  return true;
};

await new Runner(new AgentLauncher({ agent: agentUrl("misbehaving"), warmSessions: 1, ...launcher }), {
  port: 0,
  ...runner,
  ...(process.env.TEST_CALLBACKS ? { canViewSession, canViewMetrics } : {}),
}).cli();
