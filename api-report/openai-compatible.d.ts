// Made by `npm run docs`: what greenroom/openai-compatible exports.

export declare class BadAnswerError extends Error {
    readonly name = "BadAnswerError";
    readonly code: string;
    constructor(code: string, message: string);
}

export type CompatibleServiceName = keyof typeof compatibleServices;

export interface EndpointOptions {
    readonly service?: CompatibleServiceName;
    readonly baseUrl?: string;
    readonly apiKey?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly query?: Readonly<Record<string, string>>;
}

export interface LLM extends BaseLLM {
    readonly provider: string;
    warm(signal: AbortSignal): Promise<void>;
    generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void>;
}
export declare const LLM: new (model: string, options?: LLMOptions) => LLM;

export interface LLMOptions extends EndpointOptions {
    readonly temperature?: number;
    readonly topP?: number;
    readonly maxOutputTokens?: number;
    readonly maxTokensField?: "max_tokens" | "max_completion_tokens";
    readonly instructionsRole?: "system" | "developer";
    readonly body?: Readonly<Record<string, unknown>>;
    readonly usage?: boolean;
    readonly beginsWithThought?: boolean;
    readonly refusal?: string | null;
    readonly firstByteTimeoutMs?: number;
    readonly idleTimeoutMs?: number;
    readonly maxRetries?: number;
    readonly maxRetryDelayMs?: number;
}

export declare class OpenAICompatibleError extends Error {
    readonly name = "OpenAICompatibleError";
    readonly kind: OpenAICompatibleErrorKind;
    readonly status: number | undefined;
    readonly code: string;
    readonly retryAfterMs: number | undefined;
    constructor(message: string, facts: {
        readonly kind: OpenAICompatibleErrorKind;
        readonly status?: number | undefined;
        readonly code: string;
        readonly retryAfterMs?: number | undefined;
        readonly cause?: unknown;
    });
    get retryable(): boolean;
}

export type OpenAICompatibleErrorKind = 
"unauthorized"
 | "quota"
 | "busy"
 | "model"
 | "too_long"
 | "invalid"
 | "server"
 | "network";

export interface RealtimeSTT extends AgentSTT {
    readonly provider: string;
    warm(signal: AbortSignal): Promise<void>;
    listen(options: ListenOptions): Promise<SpeechStream>;
}
export declare const RealtimeSTT: new (model: string, options?: RealtimeSTTOptions) => RealtimeSTT;

export interface RealtimeSTTOptions extends EndpointOptions, TurnDetectorOptions, EnergyGateOptions {
    readonly language?: string;
    readonly prompt?: string;
    readonly keyterms?: readonly string[];
    readonly noiseReduction?: "near_field" | "far_field";
    readonly delay?: "minimal" | "low" | "medium" | "high" | "xhigh";
    readonly turnDetection?: RealtimeTurnDetection;
    readonly threshold?: number;
    readonly prefixPaddingMs?: number;
    readonly silenceMs?: number;
    readonly eagerness?: "low" | "medium" | "high" | "auto";
    readonly connectTimeoutMs?: number;
    readonly connectAttempts?: number;
    readonly retryDelayMs?: number;
    readonly timeoutMs?: number;
    readonly maxUnheardMs?: number;
    readonly keepAliveIntervalMs?: number;
    readonly closeTimeoutMs?: number;
}

export type RealtimeTurnDetection = "server" | "semantic" | "local";

export declare class RefusalError extends Error {
    readonly name = "RefusalError";
    readonly code = "REFUSED";
    readonly reason: string;
    readonly refused: "prompt" | "answer";
    constructor(title: string, refused: "prompt" | "answer", reason: string);
}

export interface STT extends AgentSTT {
    readonly provider: string;
    warm(signal: AbortSignal): Promise<void>;
}
export declare const STT: new (model: string, options?: STTOptions) => STT;

export interface STTOptions extends EndpointOptions, TurnDetectorOptions, EnergyGateOptions {
    readonly language?: string;
    readonly prompt?: string;
    readonly eagerMs?: number | null;
    readonly body?: Readonly<Record<string, unknown>>;
    readonly timeoutMs?: number;
    readonly maxRetries?: number;
}

export interface TTS extends AgentTTS {
    readonly provider: string;
    warm(signal: AbortSignal): Promise<void>;
    speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void>;
}
export declare const TTS: new (model: string, options?: TTSOptions) => TTS;

export interface TTSOptions extends EndpointOptions {
    readonly voice?: string;
    readonly instructions?: string;
    readonly speed?: number;
    readonly format?: "pcm" | "wav";
    readonly sampleRate?: number;
    readonly body?: Readonly<Record<string, unknown>>;
    readonly firstByteTimeoutMs?: number;
    readonly idleTimeoutMs?: number;
    readonly maxRetries?: number;
}

// What these name, and nobody can import:

// src/agent/model/message.ts
interface Said {
    readonly text: string;
    readonly parts?: readonly MessagePart[];
}

// src/agent/model/model.ts
export declare abstract class Model {
    abstract readonly provider: string;
    abstract readonly model: string;
    readonly tools: Tools;
    registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema>): void;
    registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments>): void;
    get functions(): ReadonlyMap<string, RegisteredFunction>;
    checkFunctions(_functions: readonly FunctionDeclaration[]): void;
    warm(_signal: AbortSignal): Promise<void>;
    close(): Promise<void>;
}

// src/audio/detection/energy-gate.ts
export interface EnergyGateOptions {
    readonly overBackground?: number;
    readonly minLevel?: number;
}

// src/audio/detection/turn-detector.ts
export interface TurnDetectorOptions {
    readonly startMs?: number;
    readonly endMs?: number;
    readonly maxTurnMs?: number;
}

// src/shared/providers/compatible-services.ts
export declare const compatibleServices: {
    readonly openai: {
        readonly title: "OpenAI";
        readonly baseUrl: "https://api.openai.com/v1";
        readonly path: "/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: true;
        readonly parts: readonly ["llm", "stt", "tts"];
        readonly maxTokensField: "max_completion_tokens";
        readonly asksForUsage: true;
        readonly listsModels: true;
        readonly note: 'models that reason take no `temperature`; `body: { reasoning_effort: "minimal" }` makes them answer sooner';
    };
    readonly azure: {
        readonly title: "Azure OpenAI";
        readonly baseUrl: null;
        readonly path: "/openai/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: true;
        readonly keyHeader: "api-key";
        readonly parts: readonly ["llm", "stt", "tts"];
        readonly maxTokensField: "max_completion_tokens";
        readonly asksForUsage: true;
        readonly listsModels: false;
        readonly note: '`baseUrl: "https://NAME.openai.azure.com"`, the model is the deployment; with a dated version, `baseUrl: "…/openai/deployments/NAME"` and `query: { "api-version": "…" }`';
    };
    readonly groq: {
        readonly title: "Groq";
        readonly baseUrl: "https://api.groq.com/openai/v1";
        readonly path: "/openai/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: true;
        readonly parts: readonly ["llm", "stt", "tts"];
        readonly maxTokensField: "max_completion_tokens";
        readonly asksForUsage: true;
        readonly listsModels: true;
        readonly speechFields: {
            readonly response_format: "wav";
        };
        readonly voice: "autumn";
        readonly note: "speaks in WAV alone";
    };
    readonly cerebras: {
        readonly title: "Cerebras";
        readonly baseUrl: "https://api.cerebras.ai/v1";
        readonly path: "/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: true;
        readonly parts: readonly ["llm"];
        readonly maxTokensField: "max_completion_tokens";
        readonly asksForUsage: true;
        readonly listsModels: true;
        readonly note: "refuses `frequency_penalty`, `presence_penalty` and `logit_bias`";
    };
    readonly mistral: {
        readonly title: "Mistral";
        readonly baseUrl: "https://api.mistral.ai/v1";
        readonly path: "/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: true;
        readonly parts: readonly ["llm", "stt"];
        readonly maxTokensField: "max_tokens";
        readonly asksForUsage: false;
        readonly listsModels: true;
        readonly isMistral: true;
        readonly note: "ids of calls have nine characters, which is taken care of; its voices are not of this protocol";
    };
    readonly together: {
        readonly title: "Together";
        readonly baseUrl: "https://api.together.xyz/v1";
        readonly path: "/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: true;
        readonly parts: readonly ["llm", "stt", "tts"];
        readonly maxTokensField: "max_tokens";
        readonly asksForUsage: true;
        readonly listsModels: false;
        readonly speechFields: {
            readonly response_format: "wav";
            readonly response_encoding: "pcm_s16le";
        };
        readonly voice: "tara";
        readonly note: "speaks in WAV, since its raw samples come in events";
    };
    readonly ollama: {
        readonly title: "Ollama";
        readonly baseUrl: "http://127.0.0.1:11434/v1";
        readonly path: "/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: false;
        readonly parts: readonly ["llm", "stt", "tts"];
        readonly maxTokensField: "max_tokens";
        readonly asksForUsage: true;
        readonly listsModels: true;
        readonly speechFields: {
            readonly response_format: "wav";
        };
        readonly note: "loads a model with its first request, which may take longer than a turn: `OLLAMA_KEEP_ALIVE=-1` keeps it";
    };
    readonly "llama.cpp": {
        readonly title: "llama.cpp";
        readonly baseUrl: "http://127.0.0.1:8080/v1";
        readonly path: "/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: false;
        readonly parts: readonly ["llm"];
        readonly maxTokensField: "max_tokens";
        readonly asksForUsage: true;
        readonly listsModels: false;
        readonly note: "tools need `llama-server --jinja`; takes any name of a model";
    };
    readonly vllm: {
        readonly title: "vLLM";
        readonly baseUrl: "http://127.0.0.1:8000/v1";
        readonly path: "/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: false;
        readonly parts: readonly ["llm", "stt"];
        readonly maxTokensField: "max_tokens";
        readonly asksForUsage: true;
        readonly listsModels: true;
        readonly note: "tools need `--enable-auto-tool-choice` and `--tool-call-parser`; its port is Greenroom's own: one of the two takes another";
    };
    readonly localai: {
        readonly title: "LocalAI";
        readonly baseUrl: "http://127.0.0.1:8080/v1";
        readonly path: "/v1";
        readonly apiKey: ProviderVariable;
        readonly needsKey: false;
        readonly parts: readonly ["llm", "stt", "tts"];
        readonly maxTokensField: "max_tokens";
        readonly asksForUsage: true;
        readonly listsModels: false;
        readonly speechFields: {
            readonly response_format: "wav";
        };
        readonly note: "speaks in WAV";
    };
};

// src/shared/providers/provider-row.ts
export interface ProviderVariable {
    readonly name: string;
    readonly help: string;
    readonly example: string;
    readonly isKey?: true;
}
