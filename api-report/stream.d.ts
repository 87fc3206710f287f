// Made by `npm run docs`: what greenroom/stream exports.

export interface Edge extends EdgeInterface {
    readonly provider: "stream";
    warm(signal: AbortSignal): Promise<void>;
    createCall(request: CallRequest): Promise<Call>;
    join(call: Call, request: JoinRequest): Promise<Connection>;
    joinToken(call: Call, request: JoinTokenRequest): Promise<JsonObject & {
        readonly token: string;
    }>;
    readonly demoLink?: (call: Call, request: InviteRequest) => Promise<string>;
    close(): Promise<void>;
}
export declare const Edge: new (options?: StreamOptions) => Edge;

export declare class StreamError extends Error {
    readonly name = "StreamError";
    readonly status: number | undefined;
    readonly code: string | undefined;
    readonly number: number | undefined;
    readonly retryable: boolean;
    readonly retryAfterMs: number | null;
    readonly strategy: number | undefined;
    constructor(message: string, failure: StreamFailure);
}

export interface StreamOptions {
    readonly apiKey?: string;
    readonly apiSecret?: string;
    readonly baseUrl?: string;
    readonly requestTimeoutMs?: number;
    readonly attempts?: number;
    readonly tokenLifetimeSeconds?: number;
    readonly demoUrl?: string;
}

export declare function preload(): Promise<void>;

// What these name, and nobody can import:

// src/agent/edge.ts
export interface LeaveOptions {
    readonly moved?: boolean;
}

// src/providers/stream/error.ts
export interface StreamFailure {
    readonly status?: number | undefined;
    readonly code?: string | undefined;
    readonly number?: number | undefined;
    readonly retryable: boolean;
    readonly retryAfterMs?: number | null;
    readonly strategy?: number | undefined;
    readonly cause?: unknown;
}
