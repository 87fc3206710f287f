// Made by `npm run docs`: what greenroom/local exports.

export declare class Edge implements EdgeInterface {
    readonly provider = "local";
    readonly sound = false;
    readonly rejoins = true;
    createCall({ callType, callId }: CallRequest): Promise<Call>;
    join(): Promise<Connection>;
    close(): Promise<void>;
}

export type FliteVoice = (typeof fliteVoices)[number];

export declare class LLM extends BaseLLM {
    #private;
    readonly provider = "local";
    readonly model = "rules";
    constructor(options?: LocalLLMOptions);
    generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void>;
}

export interface LocalLLMOptions {
    readonly wordDelayMs?: number;
}

export interface LocalSTTOptions extends TurnDetectorOptions, EnergyGateOptions {
    readonly eagerMs?: number;
    readonly captionMs?: number;
    readonly keyterms?: readonly string[];
}

export interface LocalTTSOptions {
    readonly voice?: FliteVoice;
    readonly pace?: number;
}

export declare class STT implements STTInterface {
    #private;
    readonly provider = "local";
    constructor(options?: LocalSTTOptions);
    get model(): string;
    get words(): boolean;
    get language(): string | undefined;
    listen({ signal }: Pick<ListenOptions, "signal">): Promise<SpeechStream>;
    close(): Promise<void>;
}

export declare class TTS implements TTSInterface {
    #private;
    readonly provider = "local";
    readonly model: string;
    constructor(options?: LocalTTSOptions);
    warm(): Promise<void>;
    speak(text: string, { signal }: SpeakOptions): AsyncGenerator<SpeechChunk, void, void>;
    close(): Promise<void>;
}

export type Weather = {
    readonly found: true;
    readonly location: string;
    readonly temperatureCelsius: number;
    readonly conditions: string;
    readonly source: string;
} | {
    readonly found: false;
    readonly location: string;
    readonly reason: string;
    readonly source: string;
};

export interface WeatherOptions {
    readonly url?: string;
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
}

export declare function getWeatherByLocation(location: string, options?: WeatherOptions): Promise<Weather>;

export declare function preload(): Promise<void>;

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

// src/providers/local/flite.ts
export declare const fliteVoices: readonly ["slt", "rms", "awb", "kal16", "kal"];
