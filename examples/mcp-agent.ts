import { Agent, AgentLauncher, defineAgent, Runner } from "greenroom";
import * as local from "greenroom/local";
import * as mcp from "greenroom/mcp";

export default defineAgent({
  createAgent({ config }) {
    const { orderToken = "" } = config;
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "My happy AI friend" },
      instructions: "You help callers with their orders. Answer in short, spoken sentences.",
      llm: new local.LLM(),
      tools: [
        new mcp.Server({
          url: process.env.ORDERS_MCP_URL ?? "http://127.0.0.1:3050/mcp",
          headers: { authorization: `Bearer ${orderToken}` },
          allowedTools: ["find_order", "cancel_order"],
        }),
      ],
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
