// Hears by Deepgram, thinks by Gemini or as BENCH_LLM says, speaks by ElevenLabs, in a call in memory that is reached by the session's id.
import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Agent, defineAgent, type LLM } from "greenroom";
import * as deepgram from "greenroom/deepgram";
import * as elevenlabs from "greenroom/elevenlabs";
import * as gemini from "greenroom/gemini";
import * as testing from "greenroom/testing";

const trusted = process.env.BENCH_CERTIFICATE;
if (trusted !== undefined) {
  setDefaultCACertificates([...getCACertificates("default"), readFileSync(trusted, "utf8")]);
}

const { BENCH_LLM, BENCH_LLM_URL: baseUrl = "" } = process.env;
const makeLlm = await maker();

/** Returns what makes the model. Its package is loaded with the agent, before a call. */
async function maker(): Promise<() => LLM> {
  if (BENCH_LLM === "openai-compatible") {
    const compatible = await import("greenroom/openai-compatible");
    return () => new compatible.LLM("emulated", { baseUrl, apiKey: "emulated" });
  }
  if (BENCH_LLM === "ai-sdk") {
    const aiSdk = await import("greenroom/ai-sdk");
    const { createOpenAI } = await import("@ai-sdk/openai");
    const openai = createOpenAI({ baseURL: baseUrl, apiKey: "emulated" });
    return () => new aiSdk.LLM(openai.chat("emulated"));
  }
  return () => new gemini.LLM();
}

export default defineAgent({
  createAgent({ config, sessionId }) {
    return new Agent({
      edge: new testing.Edge({ name: sessionId }),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "You're a voice assistant. Answer in short sentences.",
      llm: makeLlm(),
      stt: new deepgram.STT({ eagerTurnDetection: config.eager === true }),
      tts: new elevenlabs.TTS(),
    });
  },
  async joinCall(agent, { callType, callId }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    await agent.finish();
  },
});
