import { Agent, AgentLauncher, defineAgent, Runner } from "greenroom";
import * as local from "greenroom/local";
import { z } from "zod";

export default defineAgent({
  createAgent() {
    const llm = new local.LLM();
    llm.registerFunction({
      name: "get_weather",
      description: "Get the current weather for a location",
      parameters: z.object({ location: z.string() }),
      execute: ({ location }) => local.getWeatherByLocation(location),
    });
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "My happy AI friend" },
      instructions: "You are a friendly voice assistant. Answer in short, spoken sentences.",
      llm,
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
