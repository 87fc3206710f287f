// Hears, thinks and speaks by one server of your own that speaks OpenAI's protocol, such as LocalAI:
// SERVER_URL=http://127.0.0.1:8080/v1 GREENROOM_API_KEYS=… node examples/compatible-agent.ts serve
// A service that is known by its name needs no address: new openaiCompatible.LLM("llama-3.3-70b-versatile", { service: "groq" }).
import { Agent, AgentLauncher, apiKey, defineAgent, Runner } from "greenroom";
import * as local from "greenroom/local";
import * as openaiCompatible from "greenroom/openai-compatible";

const server = { baseUrl: process.env.SERVER_URL ?? "http://127.0.0.1:8080/v1" };

export default defineAgent({
  createAgent() {
    return new Agent({
      edge: new local.Edge(),
      agentUser: { id: "agent", name: "My happy AI friend" },
      instructions: "You are a voice AI assistant. Answer in short, spoken sentences.",
      llm: new openaiCompatible.LLM("qwen3", { ...server, temperature: 0.7 }),
      stt: new openaiCompatible.STT("whisper-1", { ...server, language: "en" }),
      tts: new openaiCompatible.TTS("tts-1", { ...server, voice: "coral" }),
    });
  },
  async joinCall(agent, { callType, callId }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    await agent.finish();
  },
});

if (import.meta.main) {
  await new Runner(new AgentLauncher({ agent: import.meta.url }), { getCurrentUser: apiKey() }).cli();
}
