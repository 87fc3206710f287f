import { Agent, handoff, type LlmRequest, Tools } from "greenroom";
import * as local from "greenroom/local";
import * as testing from "greenroom/testing";
import type { Bench } from "./figure.ts";
import { median, quantile } from "./statistics.ts";

const rounds = 400;
/** The first ones are slower until they are compiled. */
const warmUp = 50;

/** Measures what a handoff to another role costs beside a plain function, from its return to the next request to the model. */
export default {
  about: "a handoff to another role: from the tool's return to the next role's request, beside a plain tool",
  async run(report) {
    const plain = await timesOf(() => "done");
    const handedOff = await timesOf((role) => handoff(role === "a" ? "b" : "a"));
    report({ figure: "tool_to_next_request", unit: "ms", value: median(plain), note: "a plain function" });
    const added = handedOff.map((ms) => ms - median(plain));
    report({ figure: "handoff_adds", unit: "ms", value: median(added), target: { atMost: 5 } });
    report({ figure: "handoff_adds_p95", unit: "ms", value: quantile(added, 0.95) });
  },
} satisfies Bench;

/** Resolves with the times from the tool's return to the next request, in milliseconds. */
async function timesOf(result: (role: string | null) => unknown): Promise<number[]> {
  const times: number[] = [];
  let returnedAt: number | null = null;
  const tools = new Tools();
  tools.registerFunction({
    name: "act",
    description: "Acts",
    execute: (_, { agent }) => {
      const value = result(agent.role);
      returnedAt = performance.now();
      return value;
    },
  });
  const replied = new Set<string>();
  const llm = new testing.LLM({
    otherwise: ({ messages }: LlmRequest) => {
      const asked = messages.findLast(({ role }) => role === "instruction");
      const text = asked && "text" in asked ? asked.text : "";
      if (returnedAt !== null) times.push(performance.now() - returnedAt);
      returnedAt = null;
      if (replied.has(text)) return "Done.";
      replied.add(text);
      return [{ call: "act" }];
    },
  });
  const agent = new Agent({
    edge: new local.Edge(),
    agentUser: { id: "agent", name: "Agent" },
    instructions: "",
    llm,
    tools,
    roles: { a: { instructions: "a" }, b: { instructions: "b" } },
    limits: { maxHistoryMessages: 20 },
  });
  let over: () => void = () => {};
  agent.subscribe((event) => {
    if (event.type === "turn" && event.toolCalls === 0) over();
  });
  await agent.join(await agent.createCall("default", "bench"), { participantWaitTimeoutMs: null });
  for (let round = 0; round < rounds + warmUp; round += 1) {
    const answered = new Promise<void>((resolve) => {
      over = resolve;
    });
    const turn = agent.simpleResponse(`Round ${round}`);
    await turn;
    if (times.length <= round) await answered;
  }
  await agent.close();
  return times.slice(warmUp);
}
