// Says what it finds in its environment.
import { Agent, defineAgent } from "greenroom";
import * as local from "greenroom/local";

export default defineAgent({
  createAgent() {
    const llm = new local.LLM({ wordDelayMs: 0 });
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "A" },
      instructions: "",
      llm,
    });
  },
  async joinCall(agent, { callType, callId }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    const { SOME_KEY, GREENROOM_API_KEYS } = process.env;
    await agent.say(`SOME_KEY=${SOME_KEY} GREENROOM_API_KEYS=${GREENROOM_API_KEYS}`);
    await agent.finish();
  },
});
