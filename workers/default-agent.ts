import { defineAgent } from "../src/agent/define-agent.ts";
import type { LLM } from "../src/agent/llm.ts";
import type { STT } from "../src/agent/stt.ts";
import { registerPreload } from "../src/agent/thread/preload.ts";
import type { TTS } from "../src/agent/tts.ts";
import { Agent } from "../src/api/agent.ts";
import * as browser from "../src/providers/browser/index.ts";
import * as local from "../src/providers/local/index.ts";
import { timeAt } from "../src/providers/local/time-at.ts";
import { knownPlaces } from "../src/providers/local/weather/offline-table.ts";
import { fromEnvironment, providers } from "../src/shared/providers/provider-table.ts";
import { type ServiceChoice, serviceChoice } from "../src/shared/providers/service-choice.ts";

/** The providers that are used where their key is set, and nothing else is chosen. */
const usual = { llm: "gemini", stt: "deepgram", tts: "elevenlabs" } as const;

/** The service of each part: the environment's choice, else the one whose key is set, else one that needs no key. */
const chosen = {
  llm: serviceChoice("llm") ?? byKey("gemini"),
  stt: serviceChoice("stt") ?? byKey("deepgram"),
  tts: serviceChoice("tts") ?? byKey("elevenlabs"),
};
const uses = (name: ServiceChoice["provider"]) =>
  Object.values(chosen).some((choice) => choice?.provider === name);

// A provider is imported only where it is used: its SDK is then loaded before the thread reports that it is warm.
const gemini = uses("gemini") ? await import("../src/providers/gemini/index.ts") : null;
const deepgram = uses("deepgram") ? await import("../src/providers/deepgram/index.ts") : null;
const elevenlabs = uses("elevenlabs") ? await import("../src/providers/elevenlabs/index.ts") : null;
const cartesia = uses("cartesia") ? await import("../src/providers/cartesia/index.ts") : null;
const openaiCompatible = uses("openai-compatible")
  ? await import("../src/providers/openai-compatible/index.ts")
  : null;

// The thread of the offline voice is started before somebody waits for its first sentence.
if (isLocal(chosen.tts)) registerPreload(() => local.preload(), "idle");

/**
 * The time that a browser has to come into the call before the greeting, in milliseconds. A participant who types gets
 * it at once.
 */
const participantWaitTimeoutMs = 3_000;

const missing = (["llm", "stt", "tts"] as const).flatMap((part) =>
  chosen[part] === null ? [providers[usual[part]].variables.apiKey.name] : [],
);
const about =
  missing.length === 0 ? {} : { about: `Offline stand-ins take the place of what needs ${list(missing)}.` };

/** The name of the agent, and the places that its callers try. */
export const keyterms = ["Greenroom", "weather", ...knownPlaces];

/**
 * The agent that is served where none is named. It uses the services that GREENROOM_LLM, GREENROOM_STT and GREENROOM_TTS choose, else
 * those whose keys are set, and runs without any.
 */
export default defineAgent({
  ...about,
  createAgent() {
    const llm = model();
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
      stt: recogniser(),
      tts: voice(),
    });
  },
  async joinCall(agent, { callType, callId }) {
    const call = await agent.createCall(callType, callId);
    await using _ = await agent.join(call, { participantWaitTimeoutMs });
    await agent.simpleResponse("Greet the user and say what you can do.");
    await agent.finish();
  },
});

function model(): LLM {
  const choice = chosen.llm;
  if (choice === null || isLocal(choice)) return new local.LLM();
  if (openaiCompatible && choice.provider === "openai-compatible")
    return new openaiCompatible.LLM(choice.model ?? "", endpointOf(choice));
  return choice.model === null ? new gemini!.LLM() : new gemini!.LLM(choice.model);
}

function recogniser(): STT {
  const choice = chosen.stt;
  if (choice === null || isLocal(choice)) return new local.STT({ keyterms });
  if (openaiCompatible && choice.realtime) {
    const name = choice.model ?? "";
    const expected = name.startsWith("gpt-realtime-whisper") ? {} : { keyterms };
    return new openaiCompatible.RealtimeSTT(name, { ...endpointOf(choice), ...expected });
  }
  if (openaiCompatible && choice.provider === "openai-compatible") {
    return new openaiCompatible.STT(choice.model ?? "", endpointOf(choice));
  }
  const given = choice.model === null ? {} : { model: choice.model };
  if (cartesia && choice.provider === "cartesia") {
    return new cartesia.STT({ ...given, keyterms, eagerTurnDetection: true });
  }
  const hasEager = choice.model === null || choice.model.startsWith("flux-");
  return new deepgram!.STT({ ...given, ...(hasEager ? { eagerTurnDetection: true } : {}) });
}

function voice(): TTS {
  const choice = chosen.tts;
  if (choice === null || isLocal(choice)) return new local.TTS();
  if (openaiCompatible && choice.provider === "openai-compatible") {
    const spoken = choice.voice === null ? {} : { voice: choice.voice };
    return new openaiCompatible.TTS(choice.model ?? "", { ...endpointOf(choice), ...spoken });
  }
  const given = {
    ...(choice.model === null ? {} : { modelId: choice.model }),
    ...(choice.voice === null ? {} : { voiceId: choice.voice }),
  };
  return cartesia && choice.provider === "cartesia" ? new cartesia.TTS(given) : new elevenlabs!.TTS(given);
}

function endpointOf({ service, baseUrl }: ServiceChoice) {
  return { ...(service === null ? {} : { service }), ...(baseUrl === null ? {} : { baseUrl }) };
}

function isLocal(choice: ServiceChoice | null): boolean {
  return choice === null || choice.provider === "local";
}

/** Returns the choice of a provider whose key is set; null where it is not. */
function byKey(provider: (typeof usual)[keyof typeof usual]): ServiceChoice | null {
  const { apiKey } = providers[provider].variables;
  if (fromEnvironment(apiKey) === undefined) return null;
  return { provider, service: null, baseUrl: null, realtime: false, model: null, voice: null };
}

function list(names: readonly string[]): string {
  return new Intl.ListFormat("en", { type: "conjunction" }).format(names);
}
