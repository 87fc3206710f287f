// Made by `npm run docs`: what greenroom/testing exports.

export interface DialOptions {
    readonly timeoutMs?: number;
}

export interface DialedCall extends TestCall, Disposable {
    close(): void;
}

export interface Edge extends EdgeInterface, TestCall {
    readonly events: JsonObject[];
    readonly participants: ReadonlyMap<string, EdgeParticipant>;
}
export declare const Edge: new (options?: EdgeOptions) => Edge;

export interface EdgeOptions {
    readonly sampleRate?: number;
    readonly leadMs?: number;
    readonly speed?: number;
    readonly sound?: boolean;
    readonly name?: string;
    readonly beforeJoin?: (request: JoinRequest) => Promise<void>;
}

export interface Gap {
    readonly at: number;
    readonly ms: number;
}

export interface HeldReply {
    readonly request: Promise<LlmRequest>;
    readonly aborted: Promise<void>;
    text(delta: string): void;
    call(name: string, args?: JsonValue): void;
    fail(error: Error): void;
    end(): void;
}

export interface LLM extends BaseLLM {
    readonly provider: "testing";
    readonly model: "script";
    readonly requests: LlmRequest[];
    readonly aborted: number;
    reply(...replies: readonly LlmReply[]): void;
    hold(): HeldReply;
}
export declare const LLM: new (options?: LlmOptions) => LLM;

export interface LlmOptions {
    readonly replies?: readonly LlmReply[];
    readonly otherwise?: LlmReply;
    readonly firstTokenMs?: number;
    readonly wordMs?: number;
}

export type LlmReply = string | readonly LlmStep[] | ((request: LlmRequest) => string | readonly LlmStep[]);

export type LlmStep = {
    readonly text: string;
}
 | {
    readonly call: string;
    readonly arguments?: JsonValue;
    readonly providerData?: JsonValue;
}
 | {
    readonly delayMs: number;
}
 | {
    readonly hang: true;
    readonly deaf?: boolean;
}
 | {
    readonly fail: string;
    readonly status?: number;
};

export interface Playback {
    readonly startedAt: number | null;
    readonly endedAt: number | null;
    readonly complete: boolean;
}

export interface RealtimeModel extends BaseModel {
    readonly provider: "testing";
    readonly model: "realtime";
    readonly sessions: RealtimeSession[];
    reply(...replies: readonly RealtimeReply[]): void;
    session(count?: number): Promise<RealtimeSession>;
    open(request: RealtimeOpenRequest): Promise<RealtimeSession>;
}
export declare const RealtimeModel: {
    new (options?: RealtimeModelOptions): RealtimeModel;
    frequencyOf(index: number): number;
};

export interface RealtimeModelOptions {
    readonly replies?: readonly RealtimeReply[];
    readonly transcripts?: readonly string[];
    readonly transcribes?: "in_time" | "late" | "never";
    readonly endMs?: number;
    readonly characterMs?: number;
    readonly correlates?: boolean;
    readonly truncates?: boolean;
    readonly capabilities?: Partial<RealtimeCapabilities>;
    readonly handles?: boolean;
    readonly changes?: boolean;
    readonly failures?: readonly Error[];
}

export type RealtimeReply = string | readonly RealtimeStep[] | ((session: RealtimeSession) => string | readonly RealtimeStep[]);

export interface RealtimeSession extends SessionInterface {
    readonly opened: RealtimeOpenRequest;
    readonly requests: RealtimeRequest[];
    readonly changed: readonly RealtimeChange[];
    readonly results: ToolResult[];
    readonly stopped: {
        readonly answerId: string;
        readonly heard: Heard;
    }[];
    readonly open: boolean;
    readonly heardMs: number;
    readonly history: readonly Remembered[];
    tell(event: RealtimeEvent): void;
    lose(error: Error): void;
    speechStarted(): void;
    speechEnded(text: string, speechEndedAt?: number | null): void;
    speak(reply: RealtimeReply): void;
}

export type RealtimeStep = {
    readonly say: string;
}
 | {
    readonly write: string;
}
 | {
    readonly call: string;
    readonly arguments?: JsonValue;
}
 | {
    readonly hang: true;
} | {
    readonly fail: string;
};

export interface RecordedCallerOptions {
    readonly wav: PcmFrame | string | URL;
    readonly out?: string | URL;
    readonly participantId?: string;
    readonly waitForGreeting?: boolean;
    readonly quietMs?: number;
}

export interface RecordedFrame {
    readonly at: number;
    readonly samples: Int16Array;
}

export interface Recording {
    readonly sampleRate: number;
    readonly speed: number;
    readonly frames: readonly RecordedFrame[];
    readonly durationMs: number;
    readonly mostAheadMs: number;
    readonly sound: PcmFrame;
    timeline(from?: number): PcmFrame;
    gaps(atLeastMs?: number): Gap[];
    subscribe(listener: (frame: RecordedFrame) => void): () => void;
    reached(ms: number, timeoutMs?: number): Promise<void>;
    quiet(ms: number, timeoutMs?: number): Promise<void>;
}

export interface Remembered {
    readonly role: "user" | "model";
    readonly text: string;
}

export interface STT extends STTInterface {
    readonly provider: "testing";
    readonly model: "script";
    readonly streams: SpeechStream[];
    stream(participantId: string): Promise<SpeechStream>;
    listen(options: ListenOptions): Promise<SpeechStream>;
}
export declare const STT: new (options?: SttOptions) => STT;

export interface SpeechStream extends SpeechStreamInterface {
    readonly participantId: string;
    readonly written: PcmFrame[];
    readonly open: boolean;
    started(): void;
    partial(text: string): void;
    eagerEnd(text: string, speechEndedAt?: number | null): void;
    resumed(): void;
    ended(text: string, speechEndedAt?: number | null): void;
    say(text: string): void;
    error(error: Error, options?: {
        readonly fatal?: boolean;
    }): void;
}

export interface Spoken {
    readonly text: string;
    readonly previousText: string | null;
    readonly nextText: string | null;
    readonly state: "speaking" | "done" | "cancelled" | "failed";
    readonly made: number;
}

export interface SttOptions {
    readonly transcripts?: readonly string[];
    readonly endMs?: number;
    readonly failures?: readonly Error[];
}

export interface TTS extends TTSInterface {
    readonly provider: "testing";
    readonly model: "tones";
    readonly spoken: readonly Spoken[];
    hold(): () => void;
    asked(count: number): Promise<Spoken>;
}
export declare const TTS: {
    new (options?: TtsOptions): TTS;
    frequencyOf(index: number): number;
};

export interface TestCall {
    readonly recording: Recording;
    readonly joined: Promise<void>;
    readonly left: Promise<void>;
    addParticipant(id: string, options?: {
        readonly name?: string;
    }): TestParticipant;
    hangUp(): void;
}

export interface TestParticipant {
    readonly id: string;
    readonly name: string;
    muted: boolean;
    play(sound: PcmFrame | string | URL): Promise<Playback>;
    pause(ms: number): Promise<Playback>;
    stop(): void;
    leave(): void;
}

export interface ToneOptions {
    readonly sampleRate?: number;
    readonly amplitude?: number;
    readonly fromMs?: number;
}

export interface TtsFailure {
    readonly error: Error;
    readonly afterChunks?: number;
}

export interface TtsOptions {
    readonly sampleRate?: number;
    readonly characterMs?: number;
    readonly chunkCharacters?: number;
    readonly firstChunkMs?: number;
    readonly chunkMs?: number;
    readonly alignment?: boolean;
    readonly failures?: readonly (TtsFailure | null)[];
}

export declare class WavError extends Error {
    readonly name = "WavError";
}

export interface WebSocketEdge extends Edge {
    readonly provider: "websocket";
    socketOf(participantId: string): WebSocket | undefined;
    accept(call: Call, request: SocketRequest): Promise<AcceptedSocket>;
}
export declare const WebSocketEdge: new (options?: WebSocketEdgeOptions) => WebSocketEdge;

export interface WebSocketEdgeOptions {
    readonly sampleRate?: number;
    readonly sound?: boolean;
    readonly offer?: (request: OfferRequest) => JsonObject | Promise<JsonObject>;
}

export declare function callAsRecording(call: TestCall, options: RecordedCallerOptions): Promise<void>;

export declare function decodeWav(bytes: Uint8Array, name?: string): PcmFrame;

export declare function dial(name: string, { timeoutMs }?: DialOptions): Promise<DialedCall>;

export declare function encodeWav(...channels: readonly PcmFrame[]): Uint8Array;

export declare const pcmProtocol = "greenroom.pcm16";

export declare function readWav(path: string | URL): Promise<PcmFrame>;

export declare function shareOf(frequency: number, { samples, sampleRate }: PcmFrame): number;

export declare function silence(ms: number, sampleRate: number): PcmFrame;

export declare function tone(frequency: number, ms: number, options?: ToneOptions): PcmFrame;

export declare function writeWav(path: string | URL, ...channels: readonly PcmFrame[]): Promise<void>;

// What these name, and nobody can import:

// src/agent/edge.ts
export interface LeaveOptions {
    readonly moved?: boolean;
}

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
