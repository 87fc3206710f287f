import type { ProviderPart, ProviderVariable } from "./provider-row.ts";

/** A service that speaks OpenAI's protocol, and how it differs from OpenAI. */
export interface CompatibleService {
  /** The name by which errors call it. */
  readonly title: string;
  /** The address of its API; null where everybody has one of their own. */
  readonly baseUrl: string | null;
  /** The path of its API, which is added to an address that has none. */
  readonly path: string;
  /** The variable of the environment that holds the key. */
  readonly apiKey: ProviderVariable;
  /** False where the service, one on your own machine, may have no key. */
  readonly needsKey: boolean;
  /**
   * The header that takes the key as it is.
   * @default `authorization`, behind `Bearer`
   */
  readonly keyHeader?: string;
  /** The parts of an agent that it offers by this protocol. */
  readonly parts: readonly Exclude<ProviderPart, "edge">[];
  /** The field by which the length of an answer is bounded. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
  /** True where tokens are counted only for a request with `stream_options`; false where it refuses these, and counts anyway. */
  readonly asksForUsage: boolean;
  /** True where it lists every model that it takes, so that a wrong name is known before the first answer. */
  readonly listsModels: boolean;
  /** True where the id of a call has nine letters and digits, and no words may follow results before an answer. */
  readonly isMistral?: true;
  /** Fields of each request for speech, where raw samples are not to be had, or asked for in another way. */
  readonly speechFields?: Readonly<Record<string, string>>;
  /** The voice that speaks where none is chosen. */
  readonly voice?: string;
  /** A remark for its row in the docs. */
  readonly note: string;
}

const key = (name: string, help: string): ProviderVariable => ({ name, help, example: "" });

/** The services that are known by their name. Each row was read from the service's public documentation. */
export const compatibleServices = {
  openai: {
    title: "OpenAI",
    baseUrl: "https://api.openai.com/v1",
    path: "/v1",
    apiKey: key("OPENAI_API_KEY", "The key of OpenAI"),
    needsKey: true,
    parts: ["llm", "stt", "tts"],
    maxTokensField: "max_completion_tokens",
    asksForUsage: true,
    listsModels: true,
    note: 'models that reason take no `temperature`; `body: { reasoning_effort: "minimal" }` makes them answer sooner',
  },
  azure: {
    title: "Azure OpenAI",
    baseUrl: null,
    path: "/openai/v1",
    apiKey: key("AZURE_OPENAI_API_KEY", "The key of a resource of Azure OpenAI"),
    needsKey: true,
    keyHeader: "api-key",
    parts: ["llm", "stt", "tts"],
    maxTokensField: "max_completion_tokens",
    asksForUsage: true,
    listsModels: false,
    note: '`baseUrl: "https://NAME.openai.azure.com"`, the model is the deployment; with a dated version, `baseUrl: "…/openai/deployments/NAME"` and `query: { "api-version": "…" }`',
  },
  groq: {
    title: "Groq",
    baseUrl: "https://api.groq.com/openai/v1",
    path: "/openai/v1",
    apiKey: key("GROQ_API_KEY", "The key of Groq"),
    needsKey: true,
    parts: ["llm", "stt", "tts"],
    maxTokensField: "max_completion_tokens",
    asksForUsage: true,
    listsModels: true,
    speechFields: { response_format: "wav" },
    voice: "autumn",
    note: "speaks in WAV alone",
  },
  cerebras: {
    title: "Cerebras",
    baseUrl: "https://api.cerebras.ai/v1",
    path: "/v1",
    apiKey: key("CEREBRAS_API_KEY", "The key of Cerebras"),
    needsKey: true,
    parts: ["llm"],
    maxTokensField: "max_completion_tokens",
    asksForUsage: true,
    listsModels: true,
    note: "refuses `frequency_penalty`, `presence_penalty` and `logit_bias`",
  },
  mistral: {
    title: "Mistral",
    baseUrl: "https://api.mistral.ai/v1",
    path: "/v1",
    apiKey: key("MISTRAL_API_KEY", "The key of Mistral"),
    needsKey: true,
    parts: ["llm", "stt"],
    maxTokensField: "max_tokens",
    asksForUsage: false,
    listsModels: true,
    isMistral: true,
    note: "ids of calls have nine characters, which is taken care of; its voices are not of this protocol",
  },
  together: {
    title: "Together",
    baseUrl: "https://api.together.xyz/v1",
    path: "/v1",
    apiKey: key("TOGETHER_API_KEY", "The key of Together"),
    needsKey: true,
    parts: ["llm", "stt", "tts"],
    maxTokensField: "max_tokens",
    asksForUsage: true,
    listsModels: false,
    speechFields: { response_format: "wav", response_encoding: "pcm_s16le" },
    voice: "tara",
    note: "speaks in WAV, since its raw samples come in events",
  },
  ollama: {
    title: "Ollama",
    baseUrl: "http://127.0.0.1:11434/v1",
    path: "/v1",
    apiKey: key("OLLAMA_API_KEY", "The key of Ollama's cloud"),
    needsKey: false,
    parts: ["llm", "stt", "tts"],
    maxTokensField: "max_tokens",
    asksForUsage: true,
    listsModels: true,
    speechFields: { response_format: "wav" },
    note: "loads a model with its first request, which may take longer than a turn: `OLLAMA_KEEP_ALIVE=-1` keeps it",
  },
  "llama.cpp": {
    title: "llama.cpp",
    baseUrl: "http://127.0.0.1:8080/v1",
    path: "/v1",
    apiKey: key("LLAMA_API_KEY", "The key of a llama-server that was started with one"),
    needsKey: false,
    parts: ["llm"],
    maxTokensField: "max_tokens",
    asksForUsage: true,
    listsModels: false,
    note: "tools need `llama-server --jinja`; takes any name of a model",
  },
  vllm: {
    title: "vLLM",
    baseUrl: "http://127.0.0.1:8000/v1",
    path: "/v1",
    apiKey: key("VLLM_API_KEY", "The key of a vLLM that was started with one"),
    needsKey: false,
    parts: ["llm", "stt"],
    maxTokensField: "max_tokens",
    asksForUsage: true,
    listsModels: true,
    note: "tools need `--enable-auto-tool-choice` and `--tool-call-parser`; its port is Greenroom's own: one of the two takes another",
  },
  localai: {
    title: "LocalAI",
    baseUrl: "http://127.0.0.1:8080/v1",
    path: "/v1",
    apiKey: key("LOCALAI_API_KEY", "The key of a LocalAI that was started with one"),
    needsKey: false,
    parts: ["llm", "stt", "tts"],
    maxTokensField: "max_tokens",
    asksForUsage: true,
    listsModels: false,
    speechFields: { response_format: "wav" },
    note: "speaks in WAV",
  },
} as const satisfies Record<string, CompatibleService>;

/** The name of a service that is known. */
export type CompatibleServiceName = keyof typeof compatibleServices;

/** The key of a service that is known by its address alone. */
export const otherServiceKey = key(
  "OPENAI_COMPATIBLE_API_KEY",
  "The key of another service that speaks OpenAI's protocol, where it has one",
);

/** Returns the row that is assumed of a service that is known by its address alone. */
export function unnamedService(baseUrl: string): CompatibleService {
  return {
    title: new URL(baseUrl).host,
    baseUrl,
    path: "",
    apiKey: otherServiceKey,
    needsKey: false,
    parts: ["llm", "stt", "tts"],
    maxTokensField: "max_tokens",
    asksForUsage: true,
    listsModels: false,
    note: "",
  };
}

export const isServiceName = (name: string): name is CompatibleServiceName =>
  Object.hasOwn(compatibleServices, name);
