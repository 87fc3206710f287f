// Joins calls on Stream: GOOGLE_API_KEY=… DEEPGRAM_API_KEY=… ELEVENLABS_API_KEY=… STREAM_API_KEY=… STREAM_API_SECRET=…
// GREENROOM_API_KEYS=… node examples/stream-agent.ts serve
import { Agent, AgentLauncher, apiKey, defineAgent, Runner } from "greenroom";
import * as deepgram from "greenroom/deepgram";
import * as elevenlabs from "greenroom/elevenlabs";
import * as gemini from "greenroom/gemini";
import * as stream from "greenroom/stream";
import { z } from "zod";
import { getWeatherByLocation } from "./weather.ts";

export default defineAgent({
  async createAgent() {
    const llm = new gemini.LLM("gemini-2.5-flash-lite");
    llm.registerFunction({
      name: "get_weather",
      description: "Get current weather for a location",
      parameters: z.object({ location: z.string() }),
      execute: ({ location }) => getWeatherByLocation(location),
    });
    return new Agent({
      edge: new stream.Edge(),
      agentUser: { id: "agent", name: "My happy AI friend" },
      instructions: "You're a voice AI assistant...",
      llm,
      stt: new deepgram.STT({ eagerTurnDetection: true }),
      tts: new elevenlabs.TTS(),
    });
  },
  async joinCall(agent, { callType, callId }) {
    const call = await agent.createCall(callType, callId);
    await using _ = await agent.join(call);
    await agent.simpleResponse("tell me something interesting");
    await agent.finish();
  },
});

if (import.meta.main) {
  await new Runner(new AgentLauncher({ agent: import.meta.url }), {
    corsAllowOrigins: ["https://myapp.com"],
    getCurrentUser: apiKey(),
  }).cli();
}
