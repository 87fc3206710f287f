// Made by `npm run docs`: what greenroom/deepgram exports.

export declare class DeepgramError extends Error {
    readonly name = "DeepgramError";
    readonly status: number | undefined;
    readonly code: string | undefined;
    readonly requestId: string | undefined;
    readonly retryable: boolean;
    readonly retryAfterMs: number | null;
    constructor(message: string, failure: DeepgramFailure);
}

export interface DeepgramOptions {
    readonly apiKey?: string;
    readonly baseUrl?: string;
    readonly model?: string;
    readonly keyterms?: readonly string[];
    readonly mipOptOut?: boolean;
    readonly tag?: string | readonly string[];
    readonly eagerTurnDetection?: boolean;
    readonly eagerEotThreshold?: number;
    readonly eotThreshold?: number;
    readonly eotTimeoutMs?: number;
    readonly languageHints?: readonly string[];
    readonly language?: string;
    readonly endpointingMs?: number;
    readonly utteranceEndMs?: number;
    readonly sampleRate?: number;
    readonly connectTimeoutMs?: number;
    readonly connectAttempts?: number;
    readonly retryDelayMs?: number;
    readonly stallTimeoutMs?: number;
    readonly maxUnheardMs?: number;
    readonly keepAliveIntervalMs?: number;
    readonly closeTimeoutMs?: number;
}

export interface STT extends SttInterface {
    readonly provider: "deepgram";
    readonly language: string | undefined;
    warm(signal: AbortSignal): Promise<void>;
    listen(options: ListenOptions): Promise<SpeechStream>;
    close(): Promise<void>;
}
export declare const STT: new (options?: DeepgramOptions) => STT;

export declare function preload(): Promise<void>;

// What these name, and nobody can import:

// src/providers/deepgram/error.ts
export interface DeepgramFailure {
    readonly status?: number;
    readonly code?: string;
    readonly requestId?: string;
    readonly retryable: boolean;
    readonly retryAfterMs?: number | null;
}
