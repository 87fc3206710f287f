// Loops for ever in the call, where `config.spin` says so.
import { Agent, defineAgent } from "greenroom";
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
  async joinCall(agent, { callType, callId, config }) {
    while (config.spin === true);
    await using _ = await agent.join(await agent.createCall(callType, callId));
    await agent.finish();
  },
});
