import { compatibleServices, otherServiceKey } from "./compatible-services.ts";
import type { ProviderRow, ProviderVariable } from "./provider-row.ts";

export type { ProviderPart, ProviderRow, ProviderVariable } from "./provider-row.ts";

/** The variables that hold the keys of services which speak OpenAI's protocol, by service. A key alone chooses none of them. */
const compatibleServiceKeys = Object.fromEntries(
  Object.entries(compatibleServices).map(([name, { apiKey }]) => [name, apiKey]),
);

/** Everything that is known of each provider before its code is loaded. The name is that of its folder and its subpath. */
export const providers = {
  gemini: {
    parts: ["llm"],
    variables: {
      apiKey: {
        name: "GOOGLE_API_KEY",
        help: "The key of Gemini, Google's model",
        example: "",
        isKey: true,
      },
      baseUrl: {
        name: "GOOGLE_GEMINI_BASE_URL",
        help: "Another address of its API: a gateway, or an emulator",
        example: "http://127.0.0.1:3010",
      },
    },
    leavesCalls: false,
  },
  deepgram: {
    parts: ["stt"],
    variables: {
      apiKey: {
        name: "DEEPGRAM_API_KEY",
        help: "The key of Deepgram, which recognises speech",
        example: "",
        isKey: true,
      },
      baseUrl: {
        name: "DEEPGRAM_BASE_URL",
        help: "Another address of its API",
        example: "ws://127.0.0.1:3020",
      },
    },
    leavesCalls: false,
  },
  elevenlabs: {
    parts: ["tts"],
    variables: {
      apiKey: {
        name: "ELEVENLABS_API_KEY",
        help: "The key of ElevenLabs, which speaks",
        example: "",
        isKey: true,
      },
      baseUrl: {
        name: "ELEVENLABS_BASE_URL",
        help: "Another address of its API",
        example: "http://127.0.0.1:3040",
      },
    },
    leavesCalls: false,
  },
  cartesia: {
    parts: ["stt", "tts"],
    variables: {
      apiKey: {
        name: "CARTESIA_API_KEY",
        help: "The key of Cartesia, which recognises speech, and speaks",
        example: "",
        isKey: true,
      },
      baseUrl: {
        name: "CARTESIA_BASE_URL",
        help: "Another address of its API",
        example: "http://127.0.0.1:3050",
      },
    },
    leavesCalls: false,
  },
  "ai-sdk": {
    parts: ["llm", "stt", "tts"],
    needs: "a package of the AI SDK, with the vendor's key",
    variables: {},
    leavesCalls: false,
  },
  "openai-compatible": {
    parts: ["llm", "stt", "tts"],
    needs: "the [service's](voice.md#services-that-speak-openais-protocol) key, or none",
    variables: {
      ...compatibleServiceKeys,
      other: otherServiceKey,
    },
    leavesCalls: false,
  },
  mcp: {
    parts: ["tools"],
    needs: "a server",
    variables: {},
    leavesCalls: false,
  },
  stream: {
    parts: ["edge"],
    variables: {
      apiKey: {
        name: "STREAM_API_KEY",
        help: "The key of Stream, for agents that join its calls",
        example: "",
        isKey: true,
      },
      apiSecret: {
        name: "STREAM_API_SECRET",
        help: "The secret that belongs to it",
        example: "",
        isKey: true,
      },
      baseUrl: {
        name: "STREAM_BASE_URL",
        help: "Another API than Stream's own: an emulator",
        example: "http://127.0.0.1:3030",
      },
      demoUrl: {
        name: "EXAMPLE_BASE_URL",
        help: "Where the links of `greenroom run` lead, instead of Stream's demo application",
        example: "https://getstream.io/video/demos",
      },
    },
    leavesCalls: true,
  },
  browser: {
    parts: ["edge"],
    variables: {
      address: {
        name: "MEDIA_ADDRESS",
        help: "The address at which sound from browsers is taken, over UDP; 0.0.0.0 is every one of the machine",
        example: "0.0.0.0",
      },
      advertisedAddress: {
        name: "MEDIA_ADVERTISED_ADDRESS",
        help: "The address that browsers send their sound to, where it is another one: behind NAT, or in Kubernetes",
        example: "203.0.113.7",
      },
    },
    leavesCalls: false,
  },
  local: {
    parts: ["llm", "stt", "tts", "edge"],
    variables: {
      weather: {
        name: "WEATHER_API_URL",
        help: 'The weather of the built-in agent: a server that answers as open-meteo.com does, or "offline" for a small table',
        example: "offline",
      },
    },
    leavesCalls: false,
  },
} as const satisfies Record<string, ProviderRow>;

export type ProviderName = keyof typeof providers;

/** Returns the names of the variables that hold a provider's keys. */
export const keysOf = ({ variables }: ProviderRow): readonly string[] =>
  Object.values(variables).flatMap(({ name, isKey }) => (isKey ? [name] : []));

/** Returns the text of a variable in the environment, and undefined where it is not set; an empty one is not. */
export function fromEnvironment({ name }: ProviderVariable): string | undefined {
  const value = process.env[name]?.trim();
  return value === "" ? undefined : value;
}
