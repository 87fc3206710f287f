import { openai } from "@ai-sdk/openai";
import { Agent, AgentLauncher, defineAgent, Runner } from "greenroom";
import * as aiSdk from "greenroom/ai-sdk";
import * as local from "greenroom/local";

export default defineAgent({
  createAgent() {
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "My happy AI friend" },
      instructions: "You are a friendly voice assistant. Answer in short, spoken sentences.",
      llm: new aiSdk.LLM(openai("gpt-5-mini"), { reasoning: "minimal" }),
    });
  },
  async joinCall(agent, { callType, callId }) {
    const call = await agent.createCall(callType, callId);
    await using _ = await agent.join(call);
    await agent.simpleResponse("Greet the user.");
    await agent.finish();
  },
});

if (import.meta.main) await new Runner(new AgentLauncher({ agent: import.meta.url })).cli();
