// In its call for as long as `config.lasts_ms` says, else until it is asked to leave: then it says when it heard of that.
import { setTimeout as delay } from "node:timers/promises";
import { Agent, defineAgent } from "greenroom";
import * as local from "greenroom/local";

export default defineAgent({
  async createAgent() {
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "",
      llm: new local.LLM({ wordDelayMs: 0 }),
    });
  },
  async joinCall(agent, { callType, callId, config, sessionId, signal }) {
    // By a clock that all processes of a machine share.
    const told = () => console.log(`told ${sessionId} ${process.hrtime.bigint()}`);
    const { lasts_ms: lastsMs } = config;
    if (lastsMs === undefined) signal.addEventListener("abort", told, { once: true });
    await using _ = await agent.join(await agent.createCall(callType, callId));
    if (typeof lastsMs === "number") await delay(lastsMs, undefined, { signal });
    else await agent.finish();
  },
});
