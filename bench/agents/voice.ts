// Hears by Deepgram, thinks by Gemini or as BENCH_LLM says, speaks by ElevenLabs, in a call in memory that is reached by the session's id.
import { readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Agent, defineAgent } from "greenroom";
import * as deepgram from "greenroom/deepgram";
import * as elevenlabs from "greenroom/elevenlabs";
import * as gemini from "greenroom/gemini";
import * as testing from "greenroom/testing";

const trusted = process.env.BENCH_CERTIFICATE;
if (trusted !== undefined) {
  setDefaultCACertificates([...getCACertificates("default"), readFileSync(trusted, "utf8")]);
}

const compatible =
  process.env.BENCH_LLM === "openai-compatible" ? await import("greenroom/openai-compatible") : null;

export default defineAgent({
  createAgent({ config, sessionId }) {
    return new Agent({
      edge: new testing.Edge({ name: sessionId }),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "You're a voice assistant. Answer in short sentences.",
      llm: compatible
        ? new compatible.LLM("emulated", { baseUrl: process.env.BENCH_LLM_URL ?? "", apiKey: "emulated" })
        : new gemini.LLM(),
      stt: new deepgram.STT({ eagerTurnDetection: config.eager === true }),
      tts: new elevenlabs.TTS(),
    });
  },
  async joinCall(agent, { callType, callId }) {
    await using _ = await agent.join(await agent.createCall(callType, callId));
    await agent.finish();
  },
});
