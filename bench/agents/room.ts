// In a call that people come into from browsers; it hears that somebody speaks, and answers at once with tones. As a server:
// `node bench/agents/room.ts serve`.
import { Agent, AgentLauncher, defineAgent, Runner } from "greenroom";
import * as browser from "greenroom/browser";
import * as testing from "greenroom/testing";

/** The quiet that ends a turn, in milliseconds. */
export const endMs = 400;
/** Turns that are "recognised": more than a call has. */
const transcripts = Array.from({ length: 1_000 }, () => "What is the weather like?");

export default defineAgent({
  createAgent({ config }) {
    return new Agent({
      edge: new browser.Edge(),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "",
      llm: new testing.LLM({
        // An answer that began at once would leave no silence after words that interrupt.
        firstTokenMs: config.long === true ? 400 : 0,
        otherwise: "It rains today, and it will rain tomorrow as well, all over the country. ".repeat(
          config.long === true ? 20 : 1,
        ),
      }),
      stt: new testing.STT({ transcripts, endMs }),
      // A voice over a network is no faster: all at once would keep the thread busy for a second.
      tts: new testing.TTS({ characterMs: 60, chunkMs: 20 }),
    });
  },
  async joinCall(agent, { callType, callId }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    await agent.finish();
  },
});

if (import.meta.main) {
  const launcher = new AgentLauncher({ agent: import.meta.url, agentIdleTimeoutMs: 0 });
  await new Runner(launcher, { startsPerSecond: null }).cli();
}
