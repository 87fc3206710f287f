// Made by `npm run docs`: what greenroom/cartesia exports.

export interface AccessOptions {
    readonly apiKey?: string;
    readonly baseUrl?: string;
}

export declare class CartesiaError extends Error {
    readonly name = "CartesiaError";
    readonly kind: CartesiaErrorKind;
    readonly status: number | undefined;
    readonly code: string | undefined;
    readonly requestId: string | undefined;
    readonly retryAfterMs: number | null;
    readonly stale: boolean;
    constructor(message: string, fields: CartesiaErrorFields);
    get retryable(): boolean;
}

export type CartesiaErrorKind = 
"unauthorized"
 | "quota"
 | "concurrency"
 | "busy"
 | "invalid"
 | "server"
 | "network";

export interface STT extends AgentSTT {
    readonly provider: "cartesia";
    readonly language: "en";
    warm(signal: AbortSignal): Promise<void>;
    listen(options: ListenOptions): Promise<SpeechStream>;
    close(): Promise<void>;
}
export declare const STT: new (options?: STTOptions) => STT;

export interface STTOptions extends AccessOptions {
    readonly model?: string;
    readonly keyterms?: readonly string[];
    readonly eagerTurnDetection?: boolean;
    readonly startThreshold?: number;
    readonly eagerEndThreshold?: number;
    readonly endThreshold?: number;
    readonly endTimeoutMs?: number;
    readonly connectTimeoutMs?: number;
    readonly connectAttempts?: number;
    readonly retryDelayMs?: number;
    readonly maxUnheardMs?: number;
    readonly keepAliveIntervalMs?: number;
    readonly closeTimeoutMs?: number;
}

export type SampleRate = (typeof sampleRates)[number];

export interface TTS extends AgentTTS {
    readonly provider: "cartesia";
    readonly markup: SpeechMarkup;
    warm(signal: AbortSignal): Promise<void>;
    speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void>;
    close(): Promise<void>;
}
export declare const TTS: new (options?: TTSOptions) => TTS;

export interface TTSOptions extends AccessOptions {
    readonly voiceId?: string;
    readonly modelId?: string;
    readonly language?: string;
    readonly sampleRate?: SampleRate;
    readonly speed?: number;
    readonly volume?: number;
    readonly emotion?: string;
    readonly pronunciationDictId?: string;
    readonly alignment?: boolean;
    readonly connectTimeoutMs?: number;
    readonly firstByteTimeoutMs?: number;
    readonly idleTimeoutMs?: number;
    readonly maxRetries?: number;
}

export declare function preload(): Promise<void>;

// What these name, and nobody can import:

// src/providers/cartesia/error.ts
export interface CartesiaErrorFields {
    readonly kind: CartesiaErrorKind;
    readonly status?: number | undefined;
    readonly code?: string | undefined;
    readonly requestId?: string | undefined;
    readonly retryAfterMs?: number | null;
    readonly stale?: boolean;
    readonly cause?: unknown;
}

// src/providers/cartesia/options.ts
declare const sampleRates: readonly [8000, 16000, 22050, 24000, 44100, 48000];
