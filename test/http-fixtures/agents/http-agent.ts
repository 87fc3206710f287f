// Behaves as `config.course` says, and otherwise answers what is typed.
import { BroadcastChannel } from "node:worker_threads";
import { Agent, defineAgent } from "greenroom";
import * as local from "greenroom/local";

/** Joins only when somebody posts to this channel. */
class GatedEdge extends local.Edge {
  readonly #gate: string;
  constructor(gate: string) {
    super();
    this.#gate = gate;
  }
  override async join() {
    const gate = new BroadcastChannel(this.#gate);
    await new Promise<void>((resolve) => {
      gate.onmessage = () => resolve();
    });
    gate.close();
    return super.join();
  }
}

export default defineAgent({
  async createAgent({ config: { course, gate } }) {
    if (course === "create-throws") throw new Error("a secret of the agent");
    if (course === "create-hangs") await new Promise(() => {});
    return new Agent({
      edge: typeof gate === "string" ? new GatedEdge(gate) : new local.Edge(),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "",
      llm: new local.LLM({ wordDelayMs: 0 }),
    });
  },
  async joinCall(agent, { callType, callId, config: { course } }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    if (course === "throws") throw new TypeError("the agent broke");
    if (course === "ignores-close") await new Promise(() => setInterval(() => {}, 1_000));
    await agent.finish();
  },
});
