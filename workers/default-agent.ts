import { Agent } from "../src/agent/agent.ts";
import { defineAgent } from "../src/agent/define-agent.ts";
import * as local from "../src/providers/local/index.ts";

/** The agent that is served where none is named: it runs with no key and no other program. */
export default defineAgent({
  createAgent() {
    const llm = new local.LLM();
    llm.registerFunction<{ location: string }>({
      name: "get_weather",
      description: "Get the current weather for a location",
      parameters: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
      execute: ({ location }, { signal }) => local.getWeatherByLocation(location, { signal }),
    });
    llm.registerFunction({
      name: "get_time",
      description: "Get the current time of the server",
      execute: () =>
        new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZoneName: "short" }),
    });
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "Greenroom" },
      instructions: "You are a friendly voice assistant. Answer in short, spoken sentences.",
      llm,
    });
  },
  async joinCall(agent, { callType, callId }) {
    const call = await agent.createCall(callType, callId);
    await using _ = await agent.join(call);
    await agent.simpleResponse("Greet the user and say what you can do.");
    await agent.finish();
  },
});
