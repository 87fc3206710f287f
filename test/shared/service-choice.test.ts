import test from "ava";
import { compatibleServices } from "../../src/shared/providers/compatible-services.ts";
import {
  type ChosenPart,
  choiceVariables,
  readServiceChoice,
} from "../../src/shared/providers/service-choice.ts";

const none = { service: null, baseUrl: null, realtime: false, model: null, voice: null };

for (const [part, text, expected] of [
  ["llm", "local", { ...none, provider: "local" }],
  ["llm", " gemini ", { ...none, provider: "gemini" }],
  ["llm", "gemini#gemini-2.5-flash", { ...none, provider: "gemini", model: "gemini-2.5-flash" }],
  [
    "llm",
    "groq#openai/gpt-oss-120b",
    { ...none, provider: "openai-compatible", service: "groq", model: "openai/gpt-oss-120b" },
  ],
  [
    "llm",
    "llama.cpp:http://gpu:8080#any",
    {
      ...none,
      provider: "openai-compatible",
      service: "llama.cpp",
      baseUrl: "http://gpu:8080",
      model: "any",
    },
  ],
  [
    "llm",
    "openai-compatible:http://127.0.0.1:8080/v1#@cf/meta/llama@4:free#2",
    {
      ...none,
      provider: "openai-compatible",
      baseUrl: "http://127.0.0.1:8080/v1",
      model: "@cf/meta/llama@4:free#2",
    },
  ],
  [
    "stt",
    "openai-realtime#gpt-live-transcribe",
    {
      ...none,
      provider: "openai-compatible",
      service: "openai",
      realtime: true,
      model: "gpt-live-transcribe",
    },
  ],
  [
    "stt",
    "openai-realtime:http://127.0.0.1:8080/v1#any",
    {
      ...none,
      provider: "openai-compatible",
      service: "openai",
      realtime: true,
      baseUrl: "http://127.0.0.1:8080/v1",
      model: "any",
    },
  ],
  ["stt", "deepgram#nova-3", { ...none, provider: "deepgram", model: "nova-3" }],
  [
    "tts",
    "azure:https://x.openai.azure.com#deployed@coral",
    {
      ...none,
      provider: "openai-compatible",
      service: "azure",
      baseUrl: "https://x.openai.azure.com",
      model: "deployed",
      voice: "coral",
    },
  ],
  ["tts", "elevenlabs#eleven_v3@abc", { ...none, provider: "elevenlabs", model: "eleven_v3", voice: "abc" }],
] as const) {
  test(`${choiceVariables[part].name}=${text}`, (t) => {
    t.deepEqual(readServiceChoice(part, text), expected);
  });
}

for (const [part, text, message] of [
  ["llm", "grok#x", /^must begin with one of local, gemini, openai-compatible, openai, azure, groq, /],
  ["llm", "deepgram", /^must begin with one of local, gemini, /],
  ["llm", "ai-sdk#x", /^must begin with one of local, gemini, /],
  ["stt", "gemini#x", /^must begin with one of local, deepgram, /],
  ["tts", "cerebras#x", /^must begin with one of local, elevenlabs, /],
  ["llm", "openai-realtime#x", /^must begin with/],
  ["stt", "openai-realtime", /^must name a model after #, such as openai-realtime#MODEL$/],
  ["llm", "", /^must begin with/],
  ["llm", "groq", /^must name a model after #, such as groq#MODEL$/],
  [
    "llm",
    "openai-compatible:http://127.0.0.1:8080/v1",
    /^must name a model after #, such as openai-compatible:http:\/\/127\.0\.0\.1:8080\/v1#MODEL$/,
  ],
  ["llm", "openai-compatible", /^must name a model after #, such as openai-compatible:https:\/\/…#MODEL$/],
  ["llm", "groq#", /^must begin with|^must name a model/],
  ["tts", "openai#@coral", /^must name a model/],
  ["llm", "azure#gpt", /^must have the address of the service: azure:https:\/\/…#gpt$/],
  ["llm", "openai-compatible#gpt", /^must have the address of the service/],
  ["llm", "openai-compatible:127.0.0.1:8080#gpt", /^must have an http or https address without a query/],
  ["llm", "openai-compatible:http://a/v1?b=c#gpt", /^must have an http or https address without a query/],
  ["llm", "gemini:http://a#x", /^takes no address for gemini$/],
  ["llm", "local#rules", /^takes no model for local$/],
] as const) {
  test(`${choiceVariables[part].name}=${text} cannot be`, (t) => {
    t.throws(() => readServiceChoice(part, text), { message });
  });
}

test("the examples can be, and each part of each service", (t) => {
  for (const [part, { example }] of Object.entries(choiceVariables)) {
    t.truthy(readServiceChoice(part as ChosenPart, example).service);
  }
  for (const [name, { parts, baseUrl }] of Object.entries(compatibleServices)) {
    for (const part of parts) {
      const address = baseUrl === null ? ":https://name.openai.azure.com" : "";
      t.is(readServiceChoice(part, `${name}${address}#m`).service as string, name);
    }
  }
});
