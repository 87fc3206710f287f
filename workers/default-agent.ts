import { defineAgent } from "../src/agent/define-agent.ts";
import type { LLM } from "../src/agent/llm.ts";
import { registerPreload } from "../src/agent/thread/preload.ts";
import { Agent } from "../src/api/agent.ts";
import * as browser from "../src/providers/browser/index.ts";
import * as local from "../src/providers/local/index.ts";
import { timeAt } from "../src/providers/local/time-at.ts";
import { knownPlaces } from "../src/providers/local/weather/offline-table.ts";
import { fromEnvironment, providers } from "../src/shared/provider-table.ts";

const keys = [providers.gemini, providers.deepgram, providers.elevenlabs].map(
  ({ variables }) => variables.apiKey,
);
const [hasGemini, hasDeepgram, hasElevenlabs] = keys.map((key) => fromEnvironment(key) !== undefined);

// A provider is imported only where its key is set: its SDK is then loaded before the thread reports that it is warm.
const gemini = hasGemini ? await import("../src/providers/gemini/index.ts") : null;
const deepgram = hasDeepgram ? await import("../src/providers/deepgram/index.ts") : null;
const elevenlabs = hasElevenlabs ? await import("../src/providers/elevenlabs/index.ts") : null;

// The thread of the offline voice is started before somebody waits for its first sentence.
if (!elevenlabs) registerPreload(() => local.preload(), "idle");

/**
 * The time that a browser has to come into the call before the greeting, in milliseconds. A participant who types gets
 * it at once.
 */
const participantWaitTimeoutMs = 3_000;

const missing = keys.filter((key) => fromEnvironment(key) === undefined).map(({ name }) => name);
const about =
  missing.length === 0 ? {} : { about: `Offline stand-ins take the place of what needs ${list(missing)}.` };

/** The name of the agent, and the places that its callers try. */
export const keyterms = ["Greenroom", "weather", ...knownPlaces];

/** The agent that is served where none is named. It uses the services whose keys are set, and runs without any. */
export default defineAgent({
  ...about,
  createAgent() {
    const llm: LLM = gemini ? new gemini.LLM() : new local.LLM();
    llm.registerFunction<{ location: string }>({
      name: "get_weather",
      description: "Get the current weather for a location",
      parameters: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
      execute: ({ location }, { signal }) => local.getWeatherByLocation(location, { signal }),
    });
    llm.registerFunction<{ location?: string }>({
      name: "get_time",
      description: "Get the current time in a city, or of the server where none is named",
      parameters: { type: "object", properties: { location: { type: "string" } } },
      execute: ({ location }) => timeAt(location),
    });
    return new Agent({
      edge: new browser.Edge(),
      agentUser: { id: "agent", name: "Greenroom" },
      instructions: "You are a friendly voice assistant. Answer in short, spoken sentences.",
      llm,
      stt: deepgram ? new deepgram.STT({ eagerTurnDetection: true }) : new local.STT({ keyterms }),
      tts: elevenlabs ? new elevenlabs.TTS() : new local.TTS(),
    });
  },
  async joinCall(agent, { callType, callId }) {
    const call = await agent.createCall(callType, callId);
    await using _ = await agent.join(call, { participantWaitTimeoutMs });
    await agent.simpleResponse("Greet the user and say what you can do.");
    await agent.finish();
  },
});

function list(names: readonly string[]): string {
  return new Intl.ListFormat("en", { type: "conjunction" }).format(names);
}
