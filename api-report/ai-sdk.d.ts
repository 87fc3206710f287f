// Made by `npm run docs`: what greenroom/ai-sdk exports.

export declare class AiSdkError extends Error {
    readonly name = "AiSdkError";
    readonly status: number | undefined;
    readonly code: string;
    readonly retryDelayMs: number | undefined;
    readonly retryable: boolean;
    constructor(message: string, facts: {
        readonly status?: number | undefined;
        readonly code: string;
        readonly retryDelayMs?: number | undefined;
        readonly retryable?: boolean;
        readonly cause?: unknown;
    });
}

export interface AiSdkModel {
    readonly specificationVersion: string;
    readonly provider: string;
    readonly modelId: string;
}

export declare class BadAnswerError extends Error {
    readonly name = "BadAnswerError";
    readonly code: string;
    constructor(code: string, message: string);
}

export interface LLM extends BaseLLM {
    readonly provider: string;
    generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void>;
}
export declare const LLM: new (model: LanguageModel, options?: LLMOptions) => LLM;

export interface LLMOptions {
    readonly maxOutputTokens?: number;
    readonly temperature?: number;
    readonly topP?: number;
    readonly topK?: number;
    readonly reasoning?: ReasoningEffort;
    readonly stopSequences?: readonly string[];
    readonly seed?: number;
    readonly vendorTools?: readonly VendorTool[];
    readonly headers?: Readonly<Record<string, string>>;
    readonly providerOptions?: ProviderOptions;
    readonly refusal?: string | null;
    readonly maxRetries?: number;
    readonly maxRetryDelayMs?: number;
}

export interface LanguageModel extends AiSdkModel {
    doStream(options: never): PromiseLike<{
        readonly stream: ReadableStream<unknown>;
    }>;
}

export type ProviderOptions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export type ReasoningEffort = (typeof efforts)[number];

export declare class RefusalError extends Error {
    readonly name = "RefusalError";
    readonly code = "REFUSED";
    readonly reason: string;
    constructor(vendor: string, reason: string);
}

export interface STT extends AgentSTT {
    readonly provider: string;
}
export declare const STT: new (model: TranscriptionModel, options?: STTOptions) => STT;

export interface STTOptions extends CommonOptions, TurnDetectorOptions, EnergyGateOptions {
    readonly language?: string;
    readonly eagerMs?: number | null;
}

export interface SpeechModel extends AiSdkModel {
    doGenerate(options: never): PromiseLike<{
        readonly audio: string | Uint8Array;
    }>;
}

export interface TTS extends AgentTTS {
    readonly provider: string;
    speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void>;
}
export declare const TTS: new (model: SpeechModel, options?: TTSOptions) => TTS;

export interface TTSOptions extends CommonOptions {
    readonly voice?: string;
    readonly instructions?: string;
    readonly speed?: number;
    readonly language?: string;
    readonly outputFormat?: string;
    readonly sampleRate?: number;
}

export interface TranscriptionModel extends AiSdkModel {
    doGenerate(options: never): PromiseLike<{
        readonly text: string;
    }>;
}

export interface VendorTool {
    readonly id: `${string}.${string}`;
    readonly name?: string;
    readonly args?: Readonly<Record<string, unknown>>;
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

// src/providers/ai-sdk/options.ts
declare const efforts: readonly ["provider-default", "none", "minimal", "low", "medium", "high", "xhigh", "max"];

// src/providers/ai-sdk/voice-options.ts
interface CommonOptions {
    readonly headers?: Readonly<Record<string, string>>;
    readonly providerOptions?: ProviderOptions;
    readonly timeoutMs?: number;
    readonly maxRetries?: number;
}
