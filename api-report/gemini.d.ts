// Made by `npm run docs`: what greenroom/gemini exports.

export declare class BadAnswerError extends Error {
    readonly name = "BadAnswerError";
    readonly code: string;
    constructor(code: string, message: string);
}

export declare class GeminiError extends Error {
    readonly name = "GeminiError";
    readonly status: number | undefined;
    readonly code: string;
    readonly reason: string | undefined;
    readonly retryDelayMs: number | undefined;
    readonly lasting: boolean;
    constructor(message: string, facts: {
        readonly status?: number | undefined;
        readonly code: string;
        readonly reason?: string | undefined;
        readonly retryDelayMs?: number | undefined;
        readonly lasting?: boolean;
        readonly cause?: unknown;
    });
}

export type Harm = "harassment" | "hate_speech" | "sexually_explicit" | "dangerous_content";

export type HarmThreshold = (typeof thresholds)[number];

export interface LLM extends BaseLLM {
    readonly provider: "gemini";
    warm(signal: AbortSignal): Promise<void>;
    generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void>;
}
export declare const LLM: new (model?: string, options?: LLMOptions) => LLM;

export interface LLMOptions {
    readonly apiKey?: string;
    readonly baseUrl?: string;
    readonly apiVersion?: string;
    readonly temperature?: number;
    readonly topP?: number;
    readonly maxOutputTokens?: number;
    readonly thinkingBudget?: number;
    readonly thinkingLevel?: ThinkingEffort;
    readonly safetySettings?: Readonly<Partial<Record<Harm, HarmThreshold>>>;
    readonly refusal?: string | null;
    readonly maxRetries?: number;
    readonly maxRetryDelayMs?: number;
}

export declare class RefusalError extends Error {
    readonly name = "RefusalError";
    readonly code = "REFUSED";
    readonly reason: string;
    readonly refused: "prompt" | "answer";
    constructor(refused: "prompt" | "answer", reason: string);
}

export type ThinkingEffort = "minimal" | "low" | "medium" | "high";

export declare function preload(): Promise<void>;

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

// src/providers/gemini/options.ts
declare const thresholds: readonly ["block_low_and_above", "block_medium_and_above", "block_only_high", "block_none", "off"];
