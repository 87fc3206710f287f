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
    for (let index = 0; ; index += 1) {
      map.set(index, `the string of ${index}`.padEnd(500, "."));
      if (index % 10_000 === 0) await turn();
    }
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
