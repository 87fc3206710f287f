// Hears with Deepgram, thinks with Gemini, speaks with ElevenLabs; a recording is the caller:
// GOOGLE_API_KEY=… DEEPGRAM_API_KEY=… ELEVENLABS_API_KEY=… node examples/voice-agent.ts run --wav question.wav --out reply.wav
// With `serve` it asks callers for a key, GREENROOM_API_KEYS=backend:0123456789abcdef, which apiKey() at the end wants.
import { Agent, AgentLauncher, apiKey, defineAgent, Runner } from "greenroom";
import * as deepgram from "greenroom/deepgram";
import * as elevenlabs from "greenroom/elevenlabs";
import * as gemini from "greenroom/gemini";
import * as local from "greenroom/local";
import { z } from "zod";

export default defineAgent({
  createAgent() {
    const llm = new gemini.LLM("gemini-2.5-flash-lite");
    llm.registerFunction({
      name: "get_weather",
      description: "Get the current weather for a location",
      parameters: z.object({ location: z.string() }),
      execute: ({ location }) => local.getWeatherByLocation(location),
    });
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "My happy AI friend" },
      instructions: "You are a voice AI assistant. Answer in short, spoken sentences.",
      llm,
      stt: new deepgram.STT({ eagerTurnDetection: true }),
      tts: new elevenlabs.TTS(),
    });
  },
  async joinCall(agent, { callType, callId }) {
    const call = await agent.createCall(callType, callId);
    await using _ = await agent.join(call);
    await agent.simpleResponse("Greet the user.");
    await agent.finish();
  },
});

if (import.meta.main) {
  await new Runner(new AgentLauncher({ agent: import.meta.url }), { getCurrentUser: apiKey() }).cli();
}
