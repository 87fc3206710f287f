// Takes memory as fast as it can, in the shape that `config.shape` names; without one it waits in its call.
import { setImmediate as turn } from "node:timers/promises";
import { Agent, defineAgent } from "greenroom";
import * as local from "greenroom/local";

const kept: unknown[] = [];

const shapes: Readonly<Record<string, () => Promise<void>>> = {
  async objects() {
    for (let index = 0; ; index += 1) kept.push({ index, text: `object ${index}` });
  },
  async strings() {
    const map = new Map<number, string>();
    kept.push(map);
    // padEnd and repeat would only make a rope of one shared piece.
    const text = Buffer.alloc(5_000, ".");
    for (let index = 0; ; index += 1) map.set(index, text.toString("latin1"));
  },
  async arrays() {
    for (;;) {
      for (let index = 0; index < 1_000; index += 1) kept.push(new Array(1_000).fill(index));
      await turn();
    }
  },
};

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
    await using _ = await agent.join(await agent.createCall(callType, callId));
    await shapes[String(config.shape)]?.();
    await agent.finish();
  },
});
