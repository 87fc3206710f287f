// Made by `npm run docs`: what greenroom/elevenlabs exports.

export declare class ElevenlabsError extends Error {
    readonly name = "ElevenlabsError";
    readonly kind: ElevenlabsErrorKind;
    readonly status: number | undefined;
    readonly code: string | undefined;
    readonly requestId: string | undefined;
    readonly retryAfterMs: number | undefined;
    readonly stale: boolean;
    constructor(message: string, fields: ElevenlabsErrorFields);
    get retryable(): boolean;
}

export type ElevenlabsErrorKind = 
"unauthorized"
 | "quota"
 | "concurrency"
 | "busy"
 | "invalid"
 | "server"
 | "network";

export type SampleRate = (typeof sampleRates)[number];

export interface TTS extends AgentTTS {
    readonly provider: "elevenlabs";
    readonly markup: SpeechMarkup;
    warm(signal: AbortSignal): Promise<void>;
    speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void>;
    close(): Promise<void>;
}
export declare const TTS: new (options?: TTSOptions) => TTS;

export interface TTSOptions {
    readonly apiKey?: string;
    readonly baseUrl?: string;
    readonly voiceId?: string;
    readonly modelId?: string;
    readonly languageCode?: string;
    readonly voiceSettings?: VoiceSettings;
    readonly sampleRate?: SampleRate;
    readonly alignment?: boolean;
    readonly enableLogging?: boolean;
    readonly optimizeStreamingLatency?: number;
    readonly applyTextNormalization?: TextNormalization;
    readonly firstByteTimeoutMs?: number;
    readonly idleTimeoutMs?: number;
    readonly maxRetries?: number;
}

export type TextNormalization = (typeof normalizations)[number];

export interface VoiceSettings {
    readonly stability?: number;
    readonly similarityBoost?: number;
    readonly style?: number;
    readonly useSpeakerBoost?: boolean;
    readonly speed?: number;
}

export declare function preload(): Promise<void>;

// What these name, and nobody can import:

// src/providers/elevenlabs/error.ts
export interface ElevenlabsErrorFields {
    readonly kind: ElevenlabsErrorKind;
    readonly status?: number;
    readonly code?: string;
    readonly requestId?: string;
    readonly retryAfterMs?: number;
    readonly stale?: boolean;
    readonly cause?: unknown;
}

// src/providers/elevenlabs/options.ts
declare const normalizations: readonly ["auto", "on", "off"];

// src/providers/elevenlabs/options.ts
declare const sampleRates: readonly [16000, 22050, 24000];
