// Made by `npm run docs`: what greenroom/testing exports.

export declare class DialedCall implements TestCall, Disposable {
    #private;
    readonly recording: Recording;
    readonly joined: Promise<void>;
    readonly left: Promise<void>;
    constructor({ sampleRate, speed, joined, frames }: Extract<FromEdge, {
        readonly type: "here";
    }>, send: (message: ToEdge) => void, closeChannel: () => void);
    addParticipant(id: string, { name }?: {
        readonly name?: string;
    }): TestParticipant;
    hangUp(): void;
    close(): void;
    [Symbol.dispose](): void;
    handle(message: FromEdge): void;
}

export declare class Edge implements EdgeInterface, TestCall {
    #private;
    readonly provider: string;
    readonly recording: Recording;
    readonly events: JsonObject[];
    readonly joined: Promise<void>;
    readonly left: Promise<void>;
    constructor(options?: EdgeOptions);
    get participants(): ReadonlyMap<string, EdgeParticipant>;
    addParticipant(id: string, { name }?: {
        readonly name?: string;
    }): InMemoryParticipant;
    hangUp(): void;
    createCall({ callType, callId }: CallRequest): Promise<Call>;
    join(_call: Call, request: JoinRequest): Promise<Connection>;
    close(): Promise<void>;
}

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

export declare class HeldReply {
    #private;
    get request(): Promise<LlmRequest>;
    get aborted(): Promise<void>;
    text(delta: string): void;
    call(name: string, args?: JsonValue): void;
    fail(error: Error): void;
    end(): void;
    answer(request: LlmRequest): AsyncGenerator<LlmEvent, void, void>;
}

export declare class LLM extends BaseLLM {
    #private;
    readonly provider = "testing";
    readonly model = "script";
    readonly requests: LlmRequest[];
    constructor(options?: LlmOptions);
    get aborted(): number;
    reply(...replies: readonly LlmReply[]): void;
    hold(): HeldReply;
    generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void>;
}

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

export declare class RealtimeModel extends BaseModel {
    #private;
    readonly provider = "testing";
    readonly model = "realtime";
    readonly capabilities: RealtimeCapabilities;
    readonly sessions: RealtimeSession[];
    constructor(options?: RealtimeModelOptions);
    reply(...replies: readonly RealtimeReply[]): void;
    session(count?: number): Promise<RealtimeSession>;
    open(request: RealtimeOpenRequest): Promise<RealtimeSession>;
    close(): Promise<void>;
}

export interface RealtimeModelOptions {
    readonly replies?: readonly RealtimeReply[];
    readonly transcripts?: readonly string[];
    readonly transcribes?: "in_time" | "late" | "never";
    readonly endMs?: number;
    readonly characterMs?: number;
    readonly correlates?: boolean;
    readonly truncates?: boolean;
    readonly capabilities?: Partial<RealtimeCapabilities>;
    readonly failures?: readonly Error[];
}

export type RealtimeReply = string | readonly RealtimeStep[] | ((session: RealtimeSession) => string | readonly RealtimeStep[]);

export declare class RealtimeSession implements SessionInterface {
    #private;
    readonly opened: RealtimeOpenRequest;
    readonly requests: RealtimeRequest[];
    readonly results: ToolResult[];
    readonly stopped: {
        readonly answerId: string;
        readonly heard: Heard;
    }[];
    constructor(opened: RealtimeOpenRequest, script: Script);
    get open(): boolean;
    get heardMs(): number;
    get history(): readonly Remembered[];
    tell(event: RealtimeEvent): void;
    lose(error: Error): void;
    write(frame: PcmFrame): void;
    speechStarted(): void;
    speechEnded(text: string, speechEndedAt?: number | null): void;
    speak(reply: RealtimeReply): void;
    request(request: RealtimeRequest): void;
    append(messages: readonly Message[]): void;
    toolResult(result: ToolResult): void;
    stop(answerId: string, heard: Heard): void;
    close(): Promise<void>;
    [Symbol.asyncIterator](): AsyncGenerator<RealtimeEvent, void, void>;
    static frequencyOf(place: number): number;
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

export declare class Recording {
    #private;
    readonly sampleRate: number;
    readonly speed: number;
    readonly frames: RecordedFrame[];
    constructor(sampleRate: number, speed?: number);
    get durationMs(): number;
    get mostAheadMs(): number;
    get sound(): PcmFrame;
    timeline(from?: number): PcmFrame;
    gaps(atLeastMs?: number): Gap[];
    add(samples: Int16Array, at?: number): void;
    subscribe(listener: (frame: RecordedFrame) => void): () => void;
    reached(ms: number, timeoutMs?: number): Promise<void>;
    quiet(ms: number, timeoutMs?: number): Promise<void>;
}

export interface Remembered {
    readonly role: "user" | "model";
    readonly text: string;
}

export declare class STT implements STTInterface {
    #private;
    readonly provider = "testing";
    readonly model = "script";
    readonly streams: SpeechStream[];
    constructor(options?: SttOptions);
    stream(participantId: string): Promise<SpeechStream>;
    listen(options: {
        readonly participantId: string;
        readonly signal: AbortSignal;
    }): Promise<SpeechStream>;
    close(): Promise<void>;
}

export declare class SpeechStream implements SpeechStreamInterface {
    #private;
    readonly participantId: string;
    readonly written: PcmFrame[];
    constructor(participantId: string, signal: AbortSignal, detector: TurnDetector | null, nextTranscript: () => string | undefined);
    get open(): boolean;
    get audioDurationMs(): number;
    started(): void;
    partial(text: string): void;
    eagerEnd(text: string, speechEndedAt?: number | null): void;
    resumed(): void;
    ended(text: string, speechEndedAt?: number | null): void;
    say(text: string): void;
    error(error: Error, { fatal }?: {
        fatal?: boolean | undefined;
    }): void;
    write(frame: PcmFrame): void;
    close(): Promise<void>;
    [Symbol.asyncIterator](): AsyncIterator<SpeechEvent>;
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

export declare class TTS implements TTSInterface {
    #private;
    readonly provider = "testing";
    readonly model = "tones";
    constructor(options?: TtsOptions);
    get spoken(): readonly Spoken[];
    static frequencyOf(index: number): number;
    hold(): () => void;
    asked(count: number): Promise<Spoken>;
    speak(text: string, options: SpeakOptions): AsyncGenerator<SpeechChunk, void, void>;
    close(): Promise<void>;
}

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

export declare class WebSocketEdge implements Edge {
    #private;
    readonly provider = "websocket";
    readonly offer?: (call: Call, request: OfferRequest) => Promise<JsonObject>;
    readonly sound: boolean;
    constructor({ sampleRate, sound, offer }?: WebSocketEdgeOptions);
    socketOf(participantId: string): WebSocket | undefined;
    createCall({ callType, callId }: CallRequest): Promise<Call>;
    join(_call: Call, { signal }: JoinRequest): Promise<Connection>;
    accept(_call: Call, request: SocketRequest): Promise<AcceptedSocket>;
    close(): Promise<void>;
}

export interface WebSocketEdgeOptions {
    readonly sampleRate?: number;
    readonly sound?: boolean;
    readonly offer?: (request: OfferRequest) => JsonObject | Promise<JsonObject>;
}

export declare function callAsRecording(call: TestCall, options: RecordedCallerOptions): Promise<void>;

export declare function decodeWav(bytes: Uint8Array, name?: string): PcmFrame;

export declare function dial(name: string, { timeoutMs }?: {
    timeoutMs?: number | undefined;
}): Promise<DialedCall>;

export declare function encodeWav(...channels: readonly PcmFrame[]): Uint8Array;

export declare const pcmProtocol = "greenroom.pcm16";

export declare function readWav(path: string | URL): Promise<PcmFrame>;

export declare function shareOf(frequency: number, { samples, sampleRate }: PcmFrame): number;

export declare function silence(ms: number, sampleRate: number): PcmFrame;

export declare function tone(frequency: number, ms: number, options?: ToneOptions): PcmFrame;

export declare function writeWav(path: string | URL, ...channels: readonly PcmFrame[]): Promise<void>;

// What these name, and nobody can import:

// src/agent/model/message.ts
interface Said {
    readonly text: string;
    readonly parts?: readonly MessagePart[];
}

// src/agent/model/model.ts
export declare abstract class Model {
    #private;
    abstract readonly provider: string;
    abstract readonly model: string;
    registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema>): void;
    registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments>): void;
    get functions(): ReadonlyMap<string, RegisteredFunction>;
    get tools(): Tools;
    checkFunctions(_functions: readonly FunctionDeclaration[]): void;
    warm(_signal: AbortSignal): Promise<void>;
    close(): Promise<void>;
}

// src/agent/tools/functions.ts
export declare class RegisteredFunction {
    #private;
    readonly declaration: FunctionDeclaration;
    constructor(definition: SchemaFunction<StandardSchema> | JsonSchemaFunction);
    call(args: unknown, context: FunctionContext): Promise<unknown>;
}

// src/audio/detection/turn-detector.ts
export type DetectedEvent = {
    readonly type: "started";
} | {
    readonly type: "ended";
    readonly speechMs: number;
    readonly speechEndedAt: number;
};

// src/audio/detection/turn-detector.ts
export declare class TurnDetector {
    #private;
    constructor(isVoice: (frame: Int16Array) => boolean, options?: TurnDetectorOptions);
    get speaking(): boolean;
    push({ samples, sampleRate }: PcmFrame, at: number): DetectedEvent[];
}

// src/audio/detection/turn-detector.ts
export interface TurnDetectorOptions {
    readonly startMs?: number;
    readonly endMs?: number;
    readonly maxTurnMs?: number;
}

// src/providers/memory/edge-channel.ts
export type FromEdge = 
{
    readonly type: "here";
    readonly sampleRate: number;
    readonly speed: number;
    readonly joined: boolean;
    readonly frames: readonly RecordedFrame[];
} | {
    readonly type: "joined";
} | {
    readonly type: "said";
    readonly frame: RecordedFrame;
} | {
    readonly type: "played";
    readonly playback: number;
    readonly result: Playback;
} | {
    readonly type: "left";
};

// src/providers/memory/edge-channel.ts
export type ToEdge = {
    readonly type: "hello";
} | {
    readonly type: "add";
    readonly id: string;
    readonly name: string;
} | {
    readonly type: "play";
    readonly id: string;
    readonly sound: PcmFrame;
    readonly playback: number;
} | {
    readonly type: "mute";
    readonly id: string;
    readonly muted: boolean;
} | {
    readonly type: "stop";
    readonly id: string;
} | {
    readonly type: "leave";
    readonly id: string;
} | {
    readonly type: "hang_up";
};

// src/providers/memory/participant.ts
export declare class InMemoryParticipant implements TestParticipant {
    #private;
    readonly id: string;
    readonly name: string;
    constructor(id: string, name: string, host: ParticipantHost);
    get muted(): boolean;
    set muted(muted: boolean);
    get playing(): boolean;
    play(sound: PcmFrame | string | URL): Promise<Playback>;
    pause(ms: number): Promise<Playback>;
    stop(): void;
    leave(): void;
    frame(): Int16Array | null;
}

// src/providers/memory/participant.ts
interface ParticipantHost {
    readonly sampleRate: number;
    play(): void;
    leave(): void;
}

// src/testing/realtime-session.ts
interface Script {
    readonly characterMs: number;
    readonly endMs: number;
    readonly correlates: boolean;
    readonly truncates: boolean;
    readonly transcribes: "in_time" | "late" | "never";
    readonly asyncTools: boolean;
    readonly endsAnswers: boolean;
    readonly nextTranscript: () => string;
    readonly nextReply: (heard: string) => RealtimeReply;
    readonly nextAnswer: () => number;
}
