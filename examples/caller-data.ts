import { Agent, defineAgent, Tools } from "greenroom";
import * as local from "greenroom/local";
import { z } from "zod";

// A type, since TypeScript does not accept an interface as JSON.
type Values = { name: string | null; orders: string[] };

const tools = new Tools<Values>();
tools.registerFunction({
  name: "note_order",
  description: "Notes what the caller orders.",
  parameters: z.object({ item: z.string() }),
  execute({ item }, { agent }) {
    agent.data.set("orders", [...agent.data.get("orders"), item]);
    return `Noted for ${agent.data.get("name") ?? "the caller"}.`;
  },
});

export default defineAgent({
  createAgent: ({ config }) =>
    new Agent<Values>({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "Order desk" },
      instructions: "You take orders. Answer in short, spoken sentences.",
      llm: new local.LLM(),
      tools,
      data: { name: typeof config.name === "string" ? config.name : null, orders: [] },
    }),
  async joinCall(agent, { callType, callId }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    await agent.say(`Hello ${agent.data.get("name") ?? ""}, what would you like?`);
    await agent.finish();
  },
});
