// Joins its call and says nothing. As a server: `node bench/agents/quiet.ts serve`.
import { Agent, AgentLauncher, defineAgent, Runner } from "greenroom";
import * as local from "greenroom/local";

export default defineAgent({
  async createAgent() {
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "",
      llm: new local.LLM(),
    });
  },
  async joinCall(agent, { callType, callId }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    await agent.finish();
  },
});

if (import.meta.main) {
  const launcher = new AgentLauncher({ agent: import.meta.url, agentIdleTimeoutMs: 0 });
  await new Runner(launcher, { startsPerSecond: null }).cli();
}
