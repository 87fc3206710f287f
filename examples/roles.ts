// A receptionist who connects callers with billing, which has instructions and functions of its own: node examples/roles.ts serve
import { Agent, AgentLauncher, defineAgent, handoff, type LLM, Runner, Tools } from "greenroom";
import * as local from "greenroom/local";
import { z } from "zod";

/** The values of `agent.data`. */
type Values = { bill: string | null };

/** Makes the agent with a model. Each role may have a model and a voice of its own too. */
export function createReception(llm: LLM): Agent<Values> {
  const reception = new Tools();
  reception.registerFunction({
    name: "connect_billing",
    description: "Connects the caller with billing, for every question about a bill.",
    execute: () => handoff("billing"),
  });

  const billing = new Tools<Values>();
  billing.registerFunction({
    name: "find_bill",
    description: "Finds a bill by its number.",
    parameters: z.object({ number: z.string() }),
    execute: ({ number }, { agent }) => {
      agent.data.set("bill", number);
      return { number, paid: true };
    },
  });

  return new Agent({
    edge: new local.Edge(),
    agentUser: { id: "agent", name: "Reception" },
    instructions: "You are the receptionist of a shop. You answer in one sentence.",
    llm,
    data: { bill: null },
    tools: reception,
    roles: {
      billing: { instructions: "You work in billing. Ask for the number of the bill.", tools: billing },
    },
  });
}

export default defineAgent({
  createAgent: () => createReception(new local.LLM()),
  async joinCall(agent, { callType, callId }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    await agent.finish();
  },
});

if (import.meta.main) await new Runner(new AgentLauncher({ agent: import.meta.url })).cli();
