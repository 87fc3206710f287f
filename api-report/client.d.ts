// Made by `npm run docs`: what greenroom/client exports.

export type AgentState = "listening" | "thinking" | "speaking";

export declare class Call extends Emitter<CallEvents> {
    #private;
    constructor(options?: CallOptions);
    get state(): CallState;
    get agentState(): AgentState;
    get transcript(): readonly TranscriptEntry[];
    get participants(): readonly Person[];
    get me(): Person | null;
    get agent(): Person | null;
    get session(): SessionReference | null;
    get transport(): "webrtc" | "websocket" | null;
    get ended(): CallEnd | null;
    get muted(): boolean;
    mute(muted?: boolean): void;
    levels(): {
        readonly microphone: number;
        readonly agent: number;
    };
    start(): Promise<void>;
    sendText(text: string): boolean;
    end(): Promise<void>;
}

export interface CallEnd {
    readonly reason: string;
    readonly error: CallError | null;
}

export declare class CallError extends Error {
    readonly name = "CallError";
    readonly code: CallErrorCode;
    readonly status: number | null;
    readonly endReason: string | null;
    readonly passes: boolean;
    constructor(code: CallErrorCode, message: string, details?: CallErrorDetails);
}

export type CallErrorCode = 
"insecure_page"
 | "no_microphone"
 | "microphone_denied"
 | "microphone_failed"
 | "unreachable"
 | "full"
 | "not_ready"
 | "forbidden"
 | "not_found"
 | "connection_failed"
 | "not_offered"
 | "refused";

export interface CallOptions {
    readonly url?: string;
    readonly session?: SessionReference;
    readonly start?: StartOptions;
    readonly headers?: Readonly<Record<string, string>>;
    readonly userName?: string;
    readonly microphone?: boolean | MediaTrackConstraints | MediaStream;
    readonly transport?: "auto" | "webrtc" | "websocket";
    readonly iceServers?: readonly RTCIceServer[];
    readonly audio?: HTMLAudioElement;
    readonly connectTimeoutMs?: number;
    readonly reconnectTimeoutMs?: number;
    readonly workletUrl?: string;
}

export type CallState = "idle" | "connecting" | "connected" | "reconnecting" | "ended";

export interface Person {
    readonly id: string;
    readonly name: string;
}

export interface SessionReference {
    readonly id: string;
    readonly token?: string | null;
}

export interface StartOptions {
    readonly callId?: string;
    readonly callType?: string;
    readonly config?: Readonly<Record<string, unknown>>;
}

export interface TranscriptEntry {
    readonly id: string;
    readonly role: "user" | "agent";
    readonly participantId: string;
    readonly text: string;
    readonly final: boolean;
}

export interface TurnReport {
    readonly turnId: string;
    readonly outcome: string;
    readonly latency: Readonly<Record<string, number>> | null;
}

export declare const workletSource: () => string;

// What these name, and nobody can import:

// src/client/call-error.ts
interface CallErrorDetails {
    readonly status?: number;
    readonly endReason?: string | null;
    readonly passes?: boolean;
    readonly cause?: unknown;
}

// src/client/call-events.ts
export interface CallEvents {
    state: CallState;
    agentState: AgentState;
    transcript: readonly TranscriptEntry[];
    participants: readonly Person[];
    turn: TurnReport;
    event: unknown;
    ended: CallEnd;
}

// src/client/events.ts
export declare class Emitter<Events extends object> {
    #private;
    on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void;
    protected emit<Name extends keyof Events>(name: Name, value: Events[Name]): void;
}
