// Made by `npm run docs`: what greenroom exports.

export interface AcceptedSocket {
    readonly protocol?: string;
}

export type Adoption = "taken" | "later" | "never";

export interface Agent<Values extends AgentValues = AgentValues> extends AgentInCall<Values> {
    readonly instructions: string;
    readonly llm: LLM | RealtimeModel;
    createCall(callType: string, callId: string): Promise<Call>;
    join(call: Call, options?: JoinOptions): Promise<Joined>;
    finish(): Promise<void>;
    idleFor(): number;
    onCallFor(): number;
    subscribe(listener: (event: AgentEvent) => unknown): () => void;
}
export declare const Agent: {
    new <Values extends AgentValues>(options: AgentOptions<Values> & {
        readonly data: Values;
    }): Agent<Values>;
    new (options: AgentOptions): Agent;
};

export interface AgentData<Values extends AgentValues = AgentValues> {
    get<Name extends keyof Values & string>(name: Name): Values[Name];
    set<Name extends keyof Values & string>(name: Name, value: Values[Name]): void;
}

export type AgentDefinition<A extends Agent = Agent> = AgentModule<A>;

export type AgentEvent = TranscriptEvent | TurnEvent | ToolEvent | UserSilentEvent | ParticipantUnheardEvent | ParticipantHeardEvent | RoleEvent | BlockedEvent;

export interface AgentInCall<Values extends AgentValues = AgentValues> {
    readonly agentUser: AgentUser;
    readonly data: AgentData<Values>;
    readonly conversation: CallConversation;
    readonly role: string | null;
    become(role: string | null): void;
    instruct(instructions: string): void;
    simpleResponse(instruction: string): Promise<TurnOutcome>;
    say(text: string, options?: SayOptions): Promise<TurnOutcome>;
    interrupt(): boolean;
    sendEvent(data: JsonObject): Promise<void>;
    close(): Promise<void>;
}

export interface AgentLauncher {
    readonly options: AgentLauncherOptions;
    override(options: Partial<AgentLauncherOptions>): void;
    start(): Promise<void>;
    stop(): Promise<void>;
    startSession(request: StartRequest): Promise<Session>;
    closeSession(id: string, options?: {
        by?: string;
        wait?: boolean;
    }): Promise<boolean>;
    getSession(id: string): Session | undefined;
    listSessions(): Session[];
}
export declare const AgentLauncher: new (options: AgentLauncherOptions) => AgentLauncher;

export interface AgentLauncherOptions {
    readonly agent: string | URL;
    readonly maxConcurrentSessions?: number;
    readonly maxSessionsPerCall?: number | null;
    readonly warmSessions?: number;
    readonly maxSessionDurationMs?: number | null;
    readonly agentIdleTimeoutMs?: number;
    readonly maintenanceIntervalMs?: number;
    readonly threadWaitTimeoutMs?: number;
    readonly threadStartTimeoutMs?: number;
    readonly createTimeoutMs?: number;
    readonly closeGraceMs?: number;
    readonly unresponsiveAfterMs?: number;
    readonly heapSoftLimitMb?: number;
    readonly heapLimitMb?: number;
    readonly memoryLimitMb?: number | null;
    readonly localStt?: boolean;
    readonly ignoreLoad?: boolean;
    readonly crashStormLimit?: number;
    readonly maxResumes?: number;
    readonly messagesPerSecond?: number;
    readonly providerConcurrency?: Readonly<Record<string, number>>;
    readonly mediaPort?: number | null;
    readonly onSessionEnd?: (summary: SessionSummary) => void | Promise<void>;
    readonly webhook?: WebhookOptions;
    readonly includeTranscript?: boolean;
    readonly logLevel?: LogLevel;
    readonly agentsLogLevel?: LogLevel;
    readonly agentsLogFormat?: LogFormat;
    readonly logLevels?: "numbers" | "words";
    readonly logTranscripts?: boolean;
    readonly logFd?: 1 | 2;
    readonly logger?: Logger;
    readonly stateDir?: string;
    readonly registry?: RedisRegistryOptions | SessionRegistry;
    readonly nodeId?: string;
    readonly revision?: string;
    readonly advertisedAddress?: string | URL | null;
    readonly agentEnvironment?: Readonly<Record<string, string>>;
    readonly leaveModules?: Readonly<Record<string, string | URL>>;
}

export interface AgentLimits {
    readonly joinTimeoutMs: number;
    readonly firstTokenTimeoutMs: number;
    readonly responseTimeoutMs: number;
    readonly permitTimeoutMs: number;
    readonly maxReplyLength: number;
    readonly maxToolRounds: number;
    readonly maxParallelTools: number;
    readonly maxToolCallsPerRound: number;
    readonly toolTimeoutMs: number;
    readonly taskTimeoutMs: number;
    readonly maxToolOutputLength: number;
    readonly maxHistoryMessages: number;
    readonly maxHistoryLength: number;
    readonly maxWaitingTurns: number;
    readonly stalledTurnMs: number;
    readonly hearingRetryMs: number;
    readonly closeStepTimeoutMs: number;
}

export interface AgentModule<A extends Agent = Agent> {
    readonly about?: string;
    createAgent(context: AgentSession): A | Promise<A>;
    joinCall(agent: A, context: AgentSession): void | Promise<void>;
}

export interface AgentOptions<Values extends AgentValues = AgentValues> extends Partial<BroadcastOptions> {
    readonly edge: Edge;
    readonly agentUser: AgentUser;
    readonly instructions: string;
    readonly llm: LLM | RealtimeModel;
    readonly stt?: STT;
    readonly tts?: TTS;
    readonly ttsTextTransforms?: readonly TextTransform[];
    readonly pronunciations?: Pronunciations;
    readonly apology?: string | null;
    readonly unheardApology?: string | null;
    readonly restore?: boolean | RestoreOptions;
    readonly resumeLine?: string | null;
    readonly limits?: Partial<AgentLimits>;
    readonly bargeIn?: Partial<BargeInOptions>;
    readonly userSilentAfterMs?: number | null;
    readonly budget?: Partial<BudgetOptions>;
    readonly tools?: Toolset | readonly Toolset[];
    readonly allowedTools?: readonly string[];
    readonly roles?: Readonly<Record<string, AgentRole<Values>>>;
    readonly data?: Values;
    readonly guards?: readonly Guard[];
}

export interface AgentRole<Values extends AgentValues = AgentValues> {
    readonly instructions?: string;
    readonly llm?: LLM | RealtimeModel;
    readonly tts?: TTS;
    readonly tools?: Toolset | readonly Toolset[];
    readonly allowedTools?: readonly string[];
    readonly onEnter?: (change: RoleChange<Values>) => unknown;
    readonly onExit?: (change: RoleChange<Values>) => unknown;
}

export interface AgentSession {
    readonly config: JsonObject;
    readonly callType: string;
    readonly callId: string;
    readonly sessionId: string;
    readonly resumed: Resumed | null;
    readonly signal: AbortSignal;
}

export interface AgentUser {
    readonly id: string;
    readonly name: string;
}

export type AgentValues = Readonly<Record<string, JsonValue | undefined>>;

export interface Alignment {
    readonly characters: readonly string[];
    readonly startMs: readonly number[];
}

export declare class AllFailedError extends AggregateError {
    readonly name = "AllFailedError";
    readonly code = "ALL_FAILED";
    readonly services: readonly Service[];
    constructor(failures: readonly {
        readonly service: Service;
        readonly error: unknown;
    }[]);
}

export interface ApiKeyOptions {
    readonly keys?: readonly string[];
    readonly file?: string;
    readonly header?: string;
}

export type AskPermit = (provider: string, signal: AbortSignal) => Promise<Disposable>;

export declare class BadAnswerError extends Error {
    readonly name = "BadAnswerError";
    readonly code: string;
    constructor(code: string, message: string);
}

export interface BargeInOptions {
    readonly minWords: number;
    readonly backchannels?: readonly string[];
    readonly duckingDb: number;
    readonly falseInterruptionMs: number;
}

export interface Block {
    readonly reason: string;
    readonly say?: string;
}

export interface BlockedEvent {
    readonly type: "blocked";
    readonly at: number;
    readonly turnId: string;
    readonly guard: string;
    readonly stage: "heard" | "say";
    readonly reason: string;
}

export interface BroadcastOptions {
    readonly broadcastMetrics: boolean;
    readonly broadcastMetricsIntervalMs: number;
    readonly broadcastTranscripts: boolean;
}

export interface BudgetOptions {
    readonly maxTokens: number | null;
    readonly maxSpokenCharacters: number | null;
}

export interface BuiltInTransform {
    readonly name: string;
}

export interface Call {
    readonly callType: string;
    readonly callId: string;
}

export interface CallConversation {
    readonly messages: readonly Message[];
    append(...messages: readonly Message[]): void;
}

export interface CallRequest extends Call {
    readonly agentUser: AgentUser;
    readonly signal: AbortSignal;
}

export type ChangedBy = "code" | "tool" | "api";

export interface CloseOptions {
    readonly announceMs?: number;
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
}

export interface Connection {
    readonly audio: ConnectionAudio | null;
    readonly participants: ReadonlyMap<string, Participant>;
    subscribe(listener: (event: ConnectionEvent) => void): () => void;
    sendEvent?(data: JsonObject): Promise<void>;
    happened?(event: AgentEvent): void;
    hints?(): JsonValue;
    prepareMove?(to: string): Promise<void>;
    takeUp?(hints: JsonValue): void;
    readonly maxEventBytes?: number;
    leave(options?: LeaveOptions): Promise<void>;
}

export interface ConnectionAudio {
    readonly sampleRate: number;
    readonly leadMs: number;
    readonly aheadFrames?: number;
    readonly heard?: boolean;
    readonly speed?: number;
    send(frame: PcmFrame): void;
    listen(listener: (participantId: string, frame: PcmFrame) => void): () => void;
}

export type ConnectionEvent = {
    readonly type: "participant_joined";
    readonly participant: Participant;
} | {
    readonly type: "participant_left";
    readonly participant: Participant;
}
 | {
    readonly type: "message";
    readonly participantId: string;
    readonly text: string;
}
 | {
    readonly type: "ended";
};

export interface ConsoleOptions {
    readonly callType?: string;
    readonly callId?: string;
    readonly join?: boolean;
    readonly hints?: boolean;
    readonly splash?: boolean;
    readonly wav?: string;
    readonly out?: string;
    readonly speed?: number;
    readonly logLevel?: LogLevel;
}

export type Dependency<T> = (scope: Scope) => T | Promise<T>;

export interface Edge {
    readonly provider: string;
    readonly sound?: boolean;
    readonly rejoins?: boolean;
    warm?(signal: AbortSignal): Promise<void>;
    createCall(request: CallRequest): Promise<Call>;
    join(call: Call, request: JoinRequest): Promise<Connection>;
    joinToken?(call: Call, request: JoinTokenRequest): Promise<JsonObject & {
        readonly token: string;
    }>;
    demoLink?(call: Call, request: InviteRequest): Promise<string>;
    offer?(call: Call, request: OfferRequest): Promise<JsonObject>;
    accept?(call: Call, request: SocketRequest): Promise<AcceptedSocket>;
    close(): Promise<void>;
}

export declare class EdgeRefusal extends Error {
    readonly name = "EdgeRefusal";
}

export interface EndMessage {
    readonly sessionId: string;
    readonly since: number;
    readonly body: string;
}

export type EndOutcome = "final" | "superseded" | "left" | "alone";

export type EndReason = keyof typeof endReasons;

export interface EntrustedSession {
    readonly claim: SessionClaim;
    readonly owner: NodeInfo & {
        readonly epoch: number;
    };
    readonly end: SessionEnd | "withdrawn" | null;
    readonly body: string | null;
}

export type ErrorCode = keyof typeof errors;

export interface EventLog {
    readonly lastId: number;
    readonly ended: boolean;
    subscribe(afterId: number, listener: (entry: LoggedEvent) => void): {
        readonly gap: boolean;
        unsubscribe(): void;
    };
}

export interface FallbackOptions {
    readonly timeoutMs?: number;
    readonly retryAfterMs?: number;
    readonly longestRetryAfterMs?: number;
}

export interface Filler {
    readonly afterMs?: number;
    readonly say: string | ((args: unknown) => string | Promise<string>);
}

export interface FoundSession extends SessionRecord {
    readonly owner: PeerNode | null;
}

export interface FunctionBase<Arguments, Values extends AgentValues = AgentValues> {
    readonly name: string;
    readonly description: string;
    execute(args: Arguments, context: FunctionContext<Values>): unknown;
    readonly filler?: Filler;
    readonly timeoutMs?: number;
    readonly runOnAfterMs?: number;
}

export interface FunctionContext<Values extends AgentValues = AgentValues> extends ToolContext<Values> {
    readonly signal: AbortSignal;
    progress(words: string): void;
}

export interface FunctionDeclaration {
    readonly name: string;
    readonly description: string;
    readonly parameters: JsonSchema;
}

export declare class GreenroomError extends Error {
    readonly name = "GreenroomError";
    readonly code: ErrorCode;
    readonly status: number;
    readonly retryable: boolean;
    readonly retryAfterSeconds: number | undefined;
    constructor(code: ErrorCode, fill?: string, options?: {
        readonly cause?: unknown;
        readonly retryAfterSeconds?: number;
    });
    static is(error: unknown): error is GreenroomError;
}

export interface Guard {
    readonly name: string;
    readonly heard?: (words: HeardWords, signal: AbortSignal) => Verdict | Promise<Verdict>;
    readonly say?: (words: WordsToSay, signal: AbortSignal) => Verdict | Promise<Verdict>;
    readonly line?: string;
    readonly timeoutMs?: number;
    readonly otherwise?: "block" | "allow";
}

export interface Guest {
    readonly id: string;
    readonly name: string;
    readonly madeUp: boolean;
}

export interface Handoff extends Required<HandoffOptions> {
    readonly role: string | null;
}

export interface HandoffOptions {
    readonly history?: "all" | "none";
    readonly respond?: boolean;
}

export interface Heard {
    readonly ms: number;
    readonly characters: number;
}

export interface HeardWords {
    readonly text: string;
    readonly participantId: string;
}

export declare class HttpError extends Error {
    readonly name = "HttpError";
    readonly status: number;
    readonly detail: JsonValue;
    readonly code: string;
    readonly headers: Readonly<Record<string, string>>;
    constructor(status: number, detail: JsonValue, options?: HttpErrorOptions);
    static is(error: unknown): error is HttpError;
}

export interface HttpErrorOptions {
    readonly code?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly cause?: unknown;
}

export interface ImagePart {
    readonly type: "image";
    readonly data: Uint8Array;
    readonly mimeType: string;
}

export interface InMemoryCall {
    readonly speed?: number;
    readonly sound?: boolean;
}

export interface InviteRequest {
    readonly guest: Guest;
    readonly signal: AbortSignal;
}

export interface JoinOptions {
    readonly participantWaitTimeoutMs?: number | null;
}

export interface JoinRequest {
    readonly agentUser: AgentUser;
    readonly signal: AbortSignal;
    readonly log?: Log;
    readonly measure?: (measurement: Measurement) => void;
    readonly leaveData?: (data: JsonObject | null) => void;
    readonly hints?: JsonValue;
    readonly besideAnother?: boolean;
}

export interface JoinTokenRequest extends InviteRequest {
    readonly expiresInSeconds: number;
}

export interface Joined extends AsyncDisposable {
    readonly accompanied: boolean;
}

export type JsonObject = {
    [key: string]: JsonValue;
};

export interface JsonSchema {
    readonly type: "object";
    readonly [keyword: string]: unknown;
}

export interface JsonSchemaFunction<Arguments extends object = JsonObject, Values extends AgentValues = AgentValues> extends FunctionBase<Arguments, Values> {
    readonly parameters?: JsonSchema;
}

export type JsonValue = string | number | boolean | null | JsonValue[] | {
    [key: string]: JsonValue;
};

export interface JwtOptions {
    readonly secret?: string | (() => string | undefined) | undefined;
    readonly publicKey?: string | (() => string | undefined) | undefined;
    readonly jwksUrl?: string | URL | undefined;
    readonly issuer?: string | readonly string[] | undefined;
    readonly audience?: string | readonly string[] | undefined;
    readonly algorithms?: readonly string[] | undefined;
}

export declare abstract class LLM extends Model {
    abstract generate(request: LlmRequest): AsyncIterable<LlmEvent>;
}

export interface LeaveData {
    readonly provider: string;
    readonly data: JsonObject;
}

export interface LeaveModule {
    leave(data: JsonObject, options: {
        readonly signal: AbortSignal;
    }): Promise<void>;
}

export interface ListenOptions {
    readonly participantId: string;
    readonly signal: AbortSignal;
    readonly watch?: ServiceWatch;
}

export type Liveness = "alive" | "gone" | "silent" | "unasked";

export type LlmEvent = 
{
    readonly type: "text";
    readonly delta: string;
}
 | {
    readonly type: "tool_call";
    readonly call: ToolCall;
}
 | {
    readonly type: "broken_call";
    readonly reason: string;
}
 | {
    readonly type: "usage";
    readonly inputTokens: number;
    readonly outputTokens: number;
};

export interface LlmRequest {
    readonly instructions: string;
    readonly messages: readonly Message[];
    readonly functions: readonly FunctionDeclaration[];
    readonly toolChoice: "auto" | "none";
    readonly signal: AbortSignal;
    readonly watch?: ServiceWatch;
}

export interface Log {
    debug(fields: object, message: string): void;
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
}

export type LogFormat = "json" | "words";

export type LogLevel = (typeof logLevels)[number];

export interface LoggedEvent {
    readonly id: number;
    readonly event: SessionEvent;
}

export type Measurement = {
    readonly kind: "llm";
    readonly provider: string;
    readonly model: string;
    readonly outcome: "done" | "cancelled" | "failed";
    readonly latencyMs: number;
    readonly firstTokenMs: number | null;
    readonly inputTokens: number;
    readonly outputTokens: number;
} | {
    readonly kind: "tool";
    readonly provider: string;
    readonly model: string;
    readonly outcome: "done" | "cancelled" | "failed";
    readonly latencyMs: number;
} | {
    readonly kind: "stt";
    readonly provider: string;
    readonly model: string;
    readonly latencyMs: number | null;
    readonly audioDurationMs: number;
} | {
    readonly kind: "tts";
    readonly provider: string;
    readonly model: string;
    readonly latencyMs: number | null;
    readonly audioDurationMs: number;
    readonly characters: number;
} | {
    readonly kind: "turn";
    readonly outcome: TurnOutcome;
    readonly durationMs: number;
    readonly trailingSilenceMs: number | null;
} | (ResponseLatency & {
    readonly kind: "response";
    readonly outcome: TurnOutcome;
    readonly eager: boolean;
}) | {
    readonly kind: "pacing";
    readonly worstMs: number;
    readonly p99Ms: number;
    readonly frames: number;
} | {
    readonly kind: "realtime";
    readonly provider: string;
    readonly model: string;
    readonly audioInputDurationMs: number;
    readonly audioOutputDurationMs: number;
} | {
    readonly kind: "bad_answer";
    readonly provider: string;
    readonly model: string;
    readonly reason: string;
} | {
    readonly kind: "error";
    readonly component: "llm" | "stt" | "tts" | "edge" | "tool";
    readonly provider: string;
    readonly error: string;
};

export type Message = ({
    readonly role: "participant";
    readonly participantId: string;
} & Said)
 | ({
    readonly role: "instruction";
} & Said)
 | {
    readonly role: "agent";
    readonly text: string;
    readonly toolCalls: readonly ToolCall[];
}
 | {
    readonly role: "tools";
    readonly results: readonly ToolResult[];
};

export type MessagePart = {
    readonly type: "text";
    readonly text: string;
} | ImagePart
 | {
    readonly type: "audio";
    readonly durationMs: number | null;
};

export interface ModelUsage {
    readonly component: "llm" | "stt" | "tts" | "realtime";
    readonly provider: string;
    readonly model: string;
    readonly input_tokens?: number;
    readonly output_tokens?: number;
    readonly audio_duration_ms?: number;
    readonly characters?: number;
    readonly audio_input_duration_ms?: number;
    readonly audio_output_duration_ms?: number;
}

export interface NodeInfo {
    readonly nodeId: string;
    readonly address: string | null;
    readonly revision?: string | null;
}

export interface NodeState {
    readonly capacity: number;
    readonly free: number;
    readonly accepting: boolean;
}

export interface OfferRequest extends InviteRequest {
    readonly offer: JsonObject;
}

export interface OnceKey {
    readonly name: string;
    readonly caller: string;
    readonly bodyHash: string;
}

export interface OnceResult<T> {
    readonly answer: T;
    readonly replayed: boolean;
}

export interface Participant {
    readonly id: string;
    readonly name: string;
}

export interface ParticipantHeardEvent {
    readonly type: "participant_heard";
    readonly at: number;
    readonly participantId: string;
}

export interface ParticipantUnheardEvent {
    readonly type: "participant_unheard";
    readonly at: number;
    readonly participantId: string;
    readonly error: PlainError;
}

export interface PatternTransform {
    readonly start: string;
    readonly end: string;
    replace?(content: string): string;
}

export interface PcmFrame {
    readonly samples: Int16Array;
    readonly sampleRate: number;
}

export interface PeerNode extends NodeInfo, NodeState {
    readonly epoch: number;
}

export type Permission = Dependency<unknown>;

export interface PlainError {
    readonly name: string;
    readonly message: string;
    readonly stack?: string;
    readonly code?: string;
    readonly cause?: PlainError;
    readonly errors?: readonly PlainError[];
}

export type Pronunciations = Readonly<Record<string, string>>;

export interface ProviderAnswer {
    readonly status?: number;
    readonly contentType?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
}

export interface ProviderCalls {
    start(start: ProviderStart): Promise<ProviderStarted>;
    close(sessionId: string): Promise<boolean>;
}

export interface ProviderClient {
    readonly participant: {
        readonly id: string;
        readonly name: string;
    };
    readonly data?: JsonObject;
}

export interface ProviderHttpRoute {
    readonly method: "get" | "post";
    readonly path: string;
    handle(request: ProviderRequest, calls: ProviderCalls): ProviderAnswer | Promise<ProviderAnswer>;
}

export interface ProviderRequest {
    readonly method: string;
    readonly target: string;
    readonly params: Readonly<Record<string, string>>;
    readonly query: URLSearchParams;
    readonly headers: Headers;
    readonly body: Buffer;
    readonly ip: string;
}

export type ProviderRoute = ProviderHttpRoute | ProviderSocketRoute;

export interface ProviderSocketRoute {
    readonly method: "websocket";
    readonly path: string;
    admit(request: ProviderRequest): ProviderClient | Promise<ProviderClient>;
}

export interface ProviderStart {
    readonly callId: string;
    readonly callType?: string;
    readonly config?: JsonObject;
    readonly onceKey?: string;
    readonly createdBy?: JsonValue;
}

export interface ProviderStarted {
    readonly sessionId: string;
    readonly sessionToken: string | null;
    readonly repeated: boolean;
}

export interface RealtimeCapabilities {
    readonly inputSampleRate: number;
    readonly endsAnswers: boolean;
    readonly asyncTools: boolean;
    readonly says: boolean;
}

export type RealtimeChange = Pick<RealtimeOpenRequest, "instructions" | "functions">;

export type RealtimeEvent = 
{
    readonly type: "speech_started";
    readonly turnId: string;
}
 | {
    readonly type: "speech_ended";
    readonly turnId: string;
    readonly speechEndedAt: number | null;
}
 | {
    readonly type: "transcript";
    readonly turnId: string;
    readonly text: string;
    readonly final: boolean;
}
 | {
    readonly type: "answer_started";
    readonly answerId: string;
    readonly answers: string | null;
} | {
    readonly type: "sound";
    readonly answerId: string;
    readonly frame: PcmFrame;
}
 | {
    readonly type: "words";
    readonly answerId: string;
    readonly delta: string;
}
 | {
    readonly type: "text";
    readonly answerId: string;
    readonly delta: string;
} | {
    readonly type: "tool_call";
    readonly answerId: string;
    readonly call: ToolCall;
}
 | {
    readonly type: "tool_calls_withdrawn";
    readonly callIds: readonly string[];
}
 | {
    readonly type: "usage";
    readonly answerId: string;
    readonly inputTokens: number;
    readonly outputTokens: number;
}
 | {
    readonly type: "answer_ended";
    readonly answerId: string;
    readonly outcome: "done" | "interrupted";
} | {
    readonly type: "answer_ended";
    readonly answerId: string;
    readonly outcome: "failed";
    readonly error: Error;
}
 | {
    readonly type: "error";
    readonly error: Error;
};

export declare abstract class RealtimeModel extends Model {
    abstract readonly capabilities: RealtimeCapabilities;
    abstract open(request: RealtimeOpenRequest): Promise<RealtimeSession>;
}

export interface RealtimeOpenRequest {
    readonly instructions: string;
    readonly functions: readonly FunctionDeclaration[];
    readonly messages: readonly Message[];
    readonly handle?: string;
    readonly signal: AbortSignal;
}

export type RealtimeRequest = 
{
    readonly type: "answer";
    readonly id: string;
    readonly message: Message;
}
 | {
    readonly type: "say";
    readonly id: string;
    readonly text: string;
};

export interface RealtimeSession extends AsyncIterable<RealtimeEvent> {
    readonly handle?: string | null;
    write(frame: PcmFrame): void;
    request(request: RealtimeRequest): void;
    change?(change: RealtimeChange): void;
    append(messages: readonly Message[]): void;
    toolResult(result: ToolResult): void;
    stop(answerId: string, heard: Heard): void;
    close(): Promise<void>;
}

export interface RedisClient {
    readonly isReady: boolean;
    readonly options?: {
        readonly socket?: object;
    };
    connect(): Promise<unknown>;
    destroy(): void;
    sendCommand(args: string[]): Promise<unknown>;
    on(event: "error", listener: (error: Error) => void): unknown;
    on(event: "ready", listener: () => void): unknown;
    duplicate(overrides?: object): RedisClient;
}

export interface RedisRegistryOptions {
    readonly url?: string;
    readonly client?: RedisClient;
    readonly keyPrefix?: string;
    readonly leaseMs?: number;
    readonly commandTimeoutMs?: number;
    readonly whileAway?: "allow" | "refuse";
    readonly contactTimeoutMs?: number | null;
    readonly stateKey?: string;
    readonly maxConcurrentSessions?: number | null;
}

export interface RegisteredFunction extends Pick<FunctionBase<never>, "filler" | "timeoutMs" | "runOnAfterMs"> {
    readonly declaration: FunctionDeclaration;
    call(args: unknown, context: FunctionContext): Promise<unknown>;
}

export interface RegistryHooks {
    state(): NodeState;
    lost(record: SessionRecord): string | null;
    fenced(sessionIds: readonly string[]): void;
    deliver(message: EndMessage): void;
    carried(sessionId: string): string | null;
    adoptable(): number;
    adopted(record: SessionRecord, carried: string | Error): Adoption;
    room(): number;
    liveness(peer: PeerNode): Promise<Liveness>;
    declaredDead(peer: PeerNode, epoch: number): Promise<boolean | null>;
    entrust(session: EntrustedSession): Promise<boolean>;
    mayShow(sessionId: string): void;
    unreached(nodeIds: readonly string[]): void;
    away(cause: Error): void;
    back(awayMs: number): void;
    commandFailed(): void;
    namesake(epoch: number): void;
}

export interface RegistryLimits {
    readonly maxSessionsPerCall: number | null;
}

export interface RemoteToolset extends Toolset {
    readonly provider: string;
    readonly model: string;
    warm(signal: AbortSignal): Promise<void>;
    close(): Promise<void>;
}

export interface ResponseLatency {
    readonly responseMs: number;
    readonly endOfTurnMs?: number;
    readonly firstTokenMs?: number;
    readonly firstSentenceMs?: number;
    readonly firstByteMs?: number;
    readonly outputMs?: number;
}

export interface RoleChange<Values extends AgentValues = AgentValues> {
    readonly agent: AgentInCall<Values>;
    readonly from: string | null;
    readonly to: string | null;
}

export interface RoleEvent {
    readonly type: "role";
    readonly at: number;
    readonly role: string | null;
    readonly by: ChangedBy;
}

export interface Routes extends Koa.Middleware {
    ready(): Promise<void>;
}

export interface Runner {
    cli(argv?: readonly string[]): Promise<never>;
    serve(options?: RunnerOptions): Promise<ServerHandle>;
    run(options?: ConsoleOptions): Promise<EndReason>;
}
export declare const Runner: new (launcher: AgentLauncher, options?: RunnerOptions) => Runner;

export interface RunnerOptions extends ServeOptions {
    readonly drainAnnounceMs?: number;
    readonly drainTimeoutMs?: number;
}

export interface STT {
    readonly provider: string;
    readonly model: string;
    readonly language?: string | undefined;
    readonly words?: boolean;
    warm?(signal: AbortSignal): Promise<void>;
    listen(options: ListenOptions): Promise<SpeechStream>;
    close(): Promise<void>;
}

export interface SayOptions {
    readonly interrupt?: boolean;
    readonly interruptible?: boolean;
}

export interface SchemaFunction<Schema extends StandardSchema, Values extends AgentValues = AgentValues> extends FunctionBase<SchemaOutput<Schema>, Values> {
    readonly parameters: Schema;
    readonly jsonSchema?: JsonSchema;
}

export interface SchemaIssue {
    readonly message: string;
    readonly path?: readonly (PropertyKey | {
        readonly key: PropertyKey;
    })[] | undefined;
}

export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];

export type SchemaResult<Output> = {
    readonly value: Output;
    readonly issues?: undefined;
} | {
    readonly issues: readonly SchemaIssue[];
};

export interface Scope {
    readonly method: string;
    readonly path: string;
    readonly headers: Headers;
    readonly query: URLSearchParams;
    readonly cookies: ReadonlyMap<string, string>;
    readonly params: Readonly<Record<string, string>>;
    readonly body: JsonValue | undefined;
    readonly ip: string;
    session(): ScopedSession;
    resolve<T>(dependency: Dependency<T>): Promise<T>;
    defer(release: () => unknown): void;
}

export interface ScopedSession {
    readonly id: string;
    readonly callId: string;
    readonly callType: string;
    readonly config: JsonObject;
    readonly createdBy: JsonValue;
    readonly startedAt: number;
    readonly state: SessionState;
    readonly endReason: EndReason | null;
    readonly endedAt: number | null;
}

export type SentenceTransform = (sentence: string) => string;

export interface ServeOptions {
    readonly app?: Koa;
    readonly configureApp?: (app: Koa) => void | Promise<void>;
    readonly host?: string;
    readonly port?: number;
    readonly metricsPort?: number | null;
    readonly corsAllowOrigins?: readonly string[];
    readonly corsAllowMethods?: readonly string[];
    readonly corsAllowHeaders?: readonly string[];
    readonly corsAllowCredentials?: boolean;
    readonly allowedHosts?: readonly string[];
    readonly trustedProxyCount?: number;
    readonly getCurrentUser?: Dependency<unknown>;
    readonly canStartSession?: Permission;
    readonly canCloseSession?: Permission;
    readonly canViewSession?: Permission;
    readonly canViewMetrics?: Permission;
    readonly canSendMessage?: Permission;
    readonly canSteerSession?: Permission;
    readonly canJoinCall?: Permission;
    readonly permissionTimeoutMs?: number;
    readonly strictBodies?: boolean;
    readonly talkPage?: "local" | "always" | "never";
    readonly consolePage?: "local" | "always" | "never";
    readonly sessionTokens?: boolean;
    readonly sessionTokenSecret?: string;
    readonly peerSecret?: string;
    readonly providerRoutes?: readonly ProviderRoute[];
    readonly startsPerSecond?: number | null;
    readonly startBurst?: number;
    readonly messagesPerSecond?: number | null;
    readonly messageBurst?: number;
    readonly maxEventStreams?: number | null;
    readonly maxMediaSockets?: number | null;
    readonly mediaSocketIdleTimeoutMs?: number | null;
    readonly eventCommentIntervalMs?: number;
    readonly eventBufferBytes?: number;
    readonly timeouts?: ServerTimeouts;
    readonly httpLogLevel?: LogLevel;
}

export interface ServerHandle {
    readonly url: string;
    readonly port: number;
    readonly metricsPort: number | null;
    readonly ready: Promise<void>;
    close(options?: CloseOptions): Promise<Shutdown>;
}

export interface ServerTimeouts {
    readonly headersMs?: number;
    readonly requestMs?: number;
    readonly keepAliveMs?: number;
    readonly checkIntervalMs?: number;
}

export interface Service {
    readonly provider: string;
    readonly model: string;
}

export interface ServiceWatch {
    readonly onAsked?: (service: Service) => void;
    readonly onFailed?: (service: Service, error: unknown) => void;
    readonly onBadAnswer?: (service: Service, reason: string) => void;
    readonly onSpent?: (service: Service, spent: Spent) => void;
    readonly permit?: AskPermit;
}

export interface Session {
    readonly id: string;
    readonly callId: string;
    readonly callType: string;
    readonly config: JsonObject;
    readonly createdBy: JsonValue;
    readonly startedAt: number;
    readonly state: SessionState;
    readonly endReason: EndReason | null;
    readonly endedAt: number | null;
    readonly role: string | null;
    readonly resumes: number;
    readonly error: PlainError | null;
    readonly closeRequestedBy: string | null;
    readonly aloneSince: number | null;
    readonly metrics: SessionMetrics;
    readonly events: EventLog;
    readonly timeline: SessionTimeline;
    readonly resources: SessionResources | null;
    readonly ended: Promise<void>;
}

export interface SessionClaim {
    readonly sessionId: string;
    readonly callType: string;
    readonly callId: string;
    readonly createdBy: JsonValue;
    readonly startedAt: number;
}

export interface SessionEnd {
    readonly reason: EndReason;
    readonly endedAt: number;
}

export type SessionEvent = AgentEvent | {
    readonly type: "state";
    readonly at: number;
    readonly state: SessionState;
}
 | {
    readonly type: "interrupted";
    readonly at: number;
    readonly reason: EndReason;
    readonly error: PlainError | null;
}
 | {
    readonly type: "resumed";
    readonly at: number;
    readonly times: number;
} | {
    readonly type: "metrics";
    readonly at: number;
    readonly metrics: SessionMetricsSnapshot;
}
 | {
    readonly type: "end";
    readonly at: number;
    readonly reason: EndReason;
    readonly error: PlainError | null;
};

export interface SessionFacts {
    readonly sessionId: string;
    readonly callType: string;
    readonly callId: string;
    readonly config: JsonObject;
}

export interface SessionMetrics {
    snapshot(): SessionMetricsSnapshot;
    readonly usage: readonly ModelUsage[];
}

export type SessionMetricsSnapshot = {
    [Name in SessionMetricName]: Name extends `${string}__avg` ? number | null : number;
};

export type SessionOwner = Pick<SessionRecord, "nodeId" | "epoch">;

export interface SessionRecord extends SessionClaim {
    readonly nodeId: string;
    readonly epoch: number;
    readonly end: SessionEnd | null;
}

export interface SessionRegistry {
    readonly shared: boolean;
    readonly up: boolean;
    readonly epoch: number;
    readonly keepsMessages: boolean;
    readonly successions: Successions | null;
    readonly waiting: WaitingMessages;
    open(node: NodeInfo, limits: RegistryLimits, hooks: RegistryHooks): Promise<void>;
    claim(claim: SessionClaim): Promise<void>;
    leaving(sessionId: string): void;
    end(sessionId: string, end: SessionEnd, body: string | null): Promise<EndOutcome>;
    withdraw(sessionId: string): Promise<void>;
    told(sessionId: string): void;
    find(sessionId: string): Promise<FoundSession | null>;
    takeIn(session: EntrustedSession): void;
    isDeclaredDead(nodeId: string, epoch: number): boolean;
    current(): Promise<void>;
    peers(): readonly PeerNode[];
    onceByKey<T>(key: OnceKey, run: () => Promise<T>): Promise<OnceResult<T>>;
    close(): Promise<void>;
}

export interface SessionResources {
    readonly cpuMs: number;
    readonly heapBytes: number;
    readonly externalBytes: number;
    readonly eventLoopUtilization: number;
}

export type SessionState = (typeof liveStates)[number] | "ended";

export interface SessionSummary {
    readonly sessionId: string;
    readonly callId: string;
    readonly callType: string;
    readonly createdBy: JsonValue;
    readonly endReason: EndReason;
    readonly closeRequestedBy: string | null;
    readonly error: PlainError | null;
    readonly startedAt: Date;
    readonly endedAt: Date;
    readonly durationMs: number;
    readonly metrics: SessionMetricsSnapshot;
    readonly usage: readonly ModelUsage[];
    readonly transcript?: readonly TranscriptLine[];
}

export interface SessionTimeline {
    readonly assignedAt: number | null;
    readonly enteredAt: number | null;
    readonly createdAt: number | null;
    readonly joinedAt: number | null;
    readonly waitsMs: number | null;
}

export interface Shutdown {
    readonly finished: number;
    readonly closed: number;
    readonly handedOver: number;
}

export interface SocketRequest {
    readonly guest: Guest;
    readonly protocols: readonly string[];
    readonly data: JsonObject;
    readonly stream: Duplex;
    readonly signal: AbortSignal;
}

export interface SpeakOptions {
    readonly signal: AbortSignal;
    readonly previousText?: string;
    readonly nextText?: string;
    readonly sampleRate?: number;
    readonly watch?: ServiceWatch;
}

export interface SpeechChunk extends PcmFrame {
    readonly alignment?: Alignment;
}

export type SpeechEvent = {
    readonly type: "started";
} | {
    readonly type: "partial";
    readonly text: string;
}
 | {
    readonly type: "eager_end";
    readonly text: string;
    readonly speechEndedAt: number | null;
}
 | {
    readonly type: "resumed";
}
 | {
    readonly type: "ended";
    readonly text: string;
    readonly speechEndedAt: number | null;
    readonly speechMs?: number;
}
 | {
    readonly type: "error";
    readonly error: Error;
    readonly fatal: boolean;
};

export interface SpeechMarkup {
    readonly tags?: readonly string[];
    readonly directions?: boolean;
}

export interface SpeechStream extends AsyncIterable<SpeechEvent> {
    write(frame: PcmFrame): void;
    readonly audioDurationMs: number;
    close(): Promise<void>;
}

export interface Spent {
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly latencyMs: number;
}

export interface StandardSchema<Input = unknown, Output = Input> {
    readonly "~standard": {
        readonly version: 1;
        readonly vendor: string;
        readonly types?: {
            readonly input: Input;
            readonly output: Output;
        } | undefined;
        readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
        readonly jsonSchema?: {
            readonly input: (options: {
                readonly target: string;
            }) => Record<string, unknown>;
        };
    };
}

export interface StartRequest {
    readonly callId: string;
    readonly callType?: string;
    readonly config?: JsonObject;
    readonly createdBy?: JsonValue;
    readonly inMemory?: InMemoryCall;
}

export interface Successions {
    changed(sessionId: string): void;
    takeOver(claim: SessionClaim, from: SessionOwner): Promise<boolean>;
    ownerOf(sessionId: string): Promise<SessionOwner | null>;
    moved(sessionId: string): void;
}

export interface TTS {
    readonly provider: string;
    readonly model: string;
    readonly markup?: SpeechMarkup;
    warm?(signal: AbortSignal): Promise<void>;
    speak(text: string, options: SpeakOptions): AsyncIterable<SpeechChunk>;
    close(): Promise<void>;
}

export type TextTransform = BuiltInTransform | SentenceTransform | PatternTransform;

export interface TextTransforms {
    readonly standard: readonly BuiltInTransform[];
    readonly code: BuiltInTransform;
    readonly markup: BuiltInTransform;
    readonly citations: BuiltInTransform;
    readonly links: BuiltInTransform;
    readonly math: BuiltInTransform;
    readonly markdown: BuiltInTransform;
    readonly emoji: BuiltInTransform;
    money(language?: string): BuiltInTransform;
    phoneNumbers(language?: string): BuiltInTransform;
    dates(language?: string): BuiltInTransform;
    units(language?: string): BuiltInTransform;
    emailAddresses(language?: string): BuiltInTransform;
}

export interface ToolCall {
    readonly id: string;
    readonly name: string;
    readonly arguments: JsonValue;
    readonly providerData?: JsonValue;
}

export interface ToolContext<Values extends AgentValues = AgentValues> {
    readonly agent: AgentInCall<Values>;
    readonly session: SessionFacts | null;
    readonly participants: ReadonlyMap<string, Participant>;
}

export declare class ToolError extends Error {
    readonly name = "ToolError";
    readonly code = "TOOL";
    static is(error: unknown): error is ToolError;
}

export interface ToolEvent {
    readonly type: "tool";
    readonly at: number;
    readonly turnId: string;
    readonly name: string;
    readonly durationMs: number;
    readonly ok: boolean;
    readonly error?: string;
}

export declare class ToolImages {
    readonly images: readonly ImagePart[];
    readonly output: unknown;
    constructor(images: readonly ImagePart[], output: unknown);
    static is(value: unknown): value is ToolImages;
}

export interface ToolResult {
    readonly callId: string;
    readonly name: string;
    readonly ok: boolean;
    readonly output: string;
    readonly format?: "text" | "json";
}

export interface Tools<Values extends AgentValues = AgentValues> extends Toolset {
    registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema, Values>): void;
    registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments, Values>): void;
    readonly declarations: readonly FunctionDeclaration[];
}
export declare const Tools: new <Values extends AgentValues = AgentValues>() => Tools<Values>;

export interface Toolset {
    readonly functions: ReadonlyMap<string, RegisteredFunction>;
}

export interface TranscriptEvent {
    readonly type: "transcript";
    readonly at: number;
    readonly role: "user" | "agent";
    readonly turnId: string;
    readonly participantId: string;
    readonly final: boolean;
    readonly delta?: string;
    readonly interim?: string;
    readonly text?: string;
    readonly backchannel?: boolean;
    readonly messageId?: string;
}

export interface TranscriptLine {
    readonly role: "user" | "agent";
    readonly participantId: string;
    readonly text: string;
    readonly at: number;
}

export interface TurnEvent {
    readonly type: "turn";
    readonly at: number;
    readonly turnId: string;
    readonly origin: "participant" | "response" | "say";
    readonly outcome: TurnOutcome;
    readonly durationMs: number;
    readonly firstTokenMs: number | null;
    readonly toolCalls: number;
    readonly latency: ResponseLatency | null;
    readonly eager: boolean;
    readonly error?: PlainError;
}

export type TurnOutcome = "done" | "interrupted" | "failed";

export interface UserSilentEvent {
    readonly type: "user_silent";
    readonly at: number;
    readonly silentMs: number;
    readonly times: number;
}

export type Verdict = Block | null | undefined;

export interface WaitingMessages {
    readonly count: number;
    readonly oldestSince: number | null;
}

export interface WebSocketOptions {
    readonly maxMessageBytes?: number;
}

export type WebhookEvent = (typeof webhookEvents)[number];

export interface WebhookOptions {
    readonly url: string | URL;
    readonly secret: string;
    readonly events?: readonly WebhookEvent[];
}

export interface WordsToSay {
    readonly text: string;
    readonly before: string;
}

export declare function apiKey(options?: ApiKeyOptions): Dependency<string>;

export declare function asksForWebSocket({ method, headers }: IncomingMessage): boolean;

export declare function closeWebSocket(socket: WebSocket, code: number, reason: string): Promise<void>;

export declare function defineAgent<A extends Agent>(module: AgentModule<A>): AgentDefinition<A>;

export declare function fallback(llms: readonly LLM[], options?: FallbackOptions): LLM;
export declare function fallback(stts: readonly STT[], options?: FallbackOptions): STT;
export declare function fallback(ttss: readonly TTS[], options?: FallbackOptions): TTS;

export declare function handoff(role: string | null, { history, respond }?: HandoffOptions): Handoff;

export declare function jwt(options: JwtOptions): Dependency<JWTPayload>;

export declare const partsOf: ({ text, parts }: Said) => readonly MessagePart[];

export declare function routes(launcher: AgentLauncher, options?: ServeOptions): Routes;

export declare function serveUpgrades(server: Server, listener: RequestListener): void;

export declare function socketCloseOf({ reason }: AbortSignal): {
    readonly code: number;
    readonly reason: string;
};

export declare const textTransforms: TextTransforms;

export declare function webSocketOver(stream: Duplex, { maxMessageBytes }?: WebSocketOptions): Promise<WebSocket>;

// What these name, and nobody can import:

// src/agent/agent-options.ts
export interface RestoreOptions {
    readonly failed?: boolean;
}

// src/agent/define-agent.ts
export interface Resumed {
    readonly reason: EndReason;
    readonly times: number;
}

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

// src/shared/end-reasons.ts
export declare const endReasons: {
    readonly finished: {
        readonly isFault: false;
        readonly isRequest: false;
        readonly isKill: false;
        readonly isCrash: false;
        readonly isCutByShutdown: false;
        readonly limit: null;
        readonly exitCode: 0;
        readonly startError: "START_FAILED";
        readonly alert: null;
        readonly text: "the agent left by itself, or the call ended";
    };
    readonly closed: {
        readonly isFault: false;
        readonly isKill: false;
        readonly isCrash: false;
        readonly isCutByShutdown: false;
        readonly limit: null;
        readonly exitCode: 0;
        readonly startError: "START_FAILED";
        readonly alert: null;
        readonly isRequest: true;
        readonly text: "a caller asked for it; `close_requested_by` says who";
    };
    readonly idle: {
        readonly isFault: false;
        readonly isKill: false;
        readonly isCrash: false;
        readonly isCutByShutdown: false;
        readonly exitCode: 0;
        readonly startError: "START_FAILED";
        readonly alert: null;
        readonly isRequest: true;
        readonly limit: "agentIdleTimeoutMs";
        readonly text: "the agent was alone in the call for too long";
    };
    readonly max_duration: {
        readonly isFault: false;
        readonly isKill: false;
        readonly isCrash: false;
        readonly isCutByShutdown: false;
        readonly exitCode: 0;
        readonly startError: "START_FAILED";
        readonly alert: null;
        readonly isRequest: true;
        readonly limit: "maxSessionDurationMs";
        readonly text: "the session lasted for too long";
    };
    readonly drained: {
        readonly isFault: false;
        readonly isKill: false;
        readonly isCrash: false;
        readonly exitCode: 0;
        readonly isRequest: true;
        readonly isCutByShutdown: true;
        readonly limit: "drainTimeoutMs";
        readonly startError: "DRAINING";
        readonly alert: "GreenroomDrainCutsCalls";
        readonly text: "the server shut down";
    };
    readonly start_failed: {
        readonly isKill: false;
        readonly isCrash: false;
        readonly isCutByShutdown: false;
        readonly startError: "START_FAILED";
        readonly isFault: true;
        readonly exitCode: 1;
        readonly alert: "GreenroomSessionsFail";
        readonly isRequest: true;
        readonly limit: "createTimeoutMs";
        readonly text: "`createAgent` threw, or took too long";
    };
    readonly failed: {
        readonly isRequest: false;
        readonly isKill: false;
        readonly isCrash: false;
        readonly isCutByShutdown: false;
        readonly limit: null;
        readonly startError: "START_FAILED";
        readonly isFault: true;
        readonly exitCode: 1;
        readonly alert: "GreenroomSessionsFail";
        readonly text: "the agent's code threw after the start";
    };
    readonly crashed: {
        readonly isRequest: false;
        readonly isCutByShutdown: false;
        readonly limit: null;
        readonly startError: "START_FAILED";
        readonly isFault: true;
        readonly exitCode: 1;
        readonly alert: "GreenroomSessionsFail";
        readonly isKill: true;
        readonly isCrash: true;
        readonly text: "its thread ended by an uncaught error or `process.exit`, or sent a malformed message";
    };
    readonly unresponsive: {
        readonly isRequest: false;
        readonly isCutByShutdown: false;
        readonly startError: "START_FAILED";
        readonly isFault: true;
        readonly exitCode: 1;
        readonly alert: "GreenroomSessionsFail";
        readonly isKill: true;
        readonly isCrash: true;
        readonly limit: "unresponsiveAfterMs";
        readonly text: "its event loop stood still for too long; the log has the hottest lines of a CPU profile";
    };
    readonly out_of_memory: {
        readonly isCutByShutdown: false;
        readonly startError: "START_FAILED";
        readonly isFault: true;
        readonly exitCode: 1;
        readonly alert: "GreenroomSessionsFail";
        readonly isRequest: true;
        readonly isKill: true;
        readonly isCrash: true;
        readonly limit: "heapLimitMb";
        readonly text: "it used more memory than allowed, or the most of it when the process had too little";
    };
    readonly flooded: {
        readonly isRequest: false;
        readonly isCutByShutdown: false;
        readonly startError: "START_FAILED";
        readonly isFault: true;
        readonly exitCode: 1;
        readonly alert: "GreenroomSessionsFail";
        readonly isKill: true;
        readonly isCrash: true;
        readonly limit: "messagesPerSecond";
        readonly text: "it sent more messages to the server than allowed";
    };
    readonly killed: {
        readonly isRequest: false;
        readonly isCrash: false;
        readonly startError: "START_FAILED";
        readonly isFault: true;
        readonly exitCode: 1;
        readonly alert: "GreenroomSessionsFail";
        readonly isKill: true;
        readonly isCutByShutdown: true;
        readonly limit: "closeGraceMs";
        readonly text: "it did not close within the grace after it was asked to";
    };
    readonly lost: {
        readonly isRequest: false;
        readonly isKill: false;
        readonly isCrash: false;
        readonly isCutByShutdown: false;
        readonly limit: null;
        readonly isFault: true;
        readonly exitCode: 1;
        readonly startError: "REGISTRY_UNAVAILABLE";
        readonly alert: "GreenroomSessionsLost";
        readonly text: string;
    };
};

// src/shared/errors.ts
export declare const errors: {
    readonly POOL_FULL: {
        readonly status: 429;
        readonly retryable: true;
        readonly detail: "Reached maximum number of concurrent sessions";
        readonly refusesStart: true;
    };
    readonly CALL_FULL: {
        readonly status: 429;
        readonly retryable: true;
        readonly detail: "Reached maximum number of sessions for this call";
        readonly refusesStart: true;
    };
    readonly FLEET_FULL: {
        readonly status: 429;
        readonly retryable: true;
        readonly detail: "Reached maximum number of concurrent sessions of the fleet";
        readonly refusesStart: true;
    };
    readonly RATE_LIMITED: {
        readonly status: 429;
        readonly retryable: true;
        readonly detail: "Too many requests: %s";
    };
    readonly MESSAGE_QUEUE_FULL: {
        readonly status: 429;
        readonly retryable: true;
        readonly detail: "Too many messages wait for the agent: send this one again when it has answered";
    };
    readonly NOT_STARTED: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "The server has not been started";
        readonly refusesStart: true;
    };
    readonly WARMING_UP: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "The server is warming up";
        readonly refusesStart: true;
    };
    readonly AGENT_UNAVAILABLE: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "The agent cannot be loaded at the moment: the log of the server has the error";
        readonly refusesStart: true;
    };
    readonly NO_THREAD: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "No session thread became free in time: try again later";
        readonly refusesStart: true;
    };
    readonly OVERLOADED: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "The server is overloaded: try again later";
        readonly refusesStart: true;
    };
    readonly CRASH_STORM: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "Too many sessions crashed in the last minute: starts are refused until it is over";
        readonly refusesStart: true;
    };
    readonly PERMISSION_TIMEOUT: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "A permission callback of the server took too long";
    };
    readonly REGISTRY_UNAVAILABLE: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "The registry of sessions cannot be reached";
        readonly refusesStart: true;
    };
    readonly PEER_UNREACHABLE: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "The replica that has to answer this request cannot be reached: try again later";
    };
    readonly DRAINING: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "The server is shutting down";
        readonly refusesStart: true;
    };
    readonly MISDIRECTED: {
        readonly status: 421;
        readonly retryable: false;
        readonly detail: "This request was meant for another replica";
    };
    readonly START_ABANDONED: {
        readonly status: 503;
        readonly retryable: false;
        readonly detail: "The client left before the session had started";
        readonly refusesStart: true;
    };
    readonly START_UNCERTAIN: {
        readonly status: 504;
        readonly retryable: false;
        readonly detail: "The replica that took over this start stopped answering, and the session may have begun: list the sessions before you start another one";
    };
    readonly START_FAILED: {
        readonly status: 500;
        readonly retryable: false;
        readonly detail: "Failed to start agent";
        readonly refusesStart: true;
    };
    readonly INTERNAL: {
        readonly status: 500;
        readonly retryable: false;
        readonly detail: "Internal server error";
    };
    readonly SESSION_NOT_FOUND: {
        readonly status: 404;
        readonly retryable: false;
        readonly detail: "Session with id '%s' not found";
    };
    readonly NOT_FOUND: {
        readonly status: 404;
        readonly retryable: false;
        readonly detail: "Not found";
    };
    readonly METHOD_NOT_ALLOWED: {
        readonly status: 405;
        readonly retryable: false;
        readonly detail: "Method not allowed";
    };
    readonly NOT_IN_CALL: {
        readonly status: 409;
        readonly retryable: true;
        readonly detail: "The session's agent is not in its call";
    };
    readonly NO_SUCH_ROLE: {
        readonly status: 422;
        readonly retryable: false;
        readonly detail: "%s";
    };
    readonly AGENT_SILENT: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "The agent of this session does not answer: try again later";
    };
    readonly NO_JOIN_TOKENS: {
        readonly status: 409;
        readonly retryable: false;
        readonly detail: "The call of this session cannot be joined with a token";
    };
    readonly EDGE_CANNOT_RECEIVE: {
        readonly status: 409;
        readonly retryable: false;
        readonly detail: "The edge of this session does not accept %s";
    };
    readonly EDGE_REFUSED: {
        readonly status: 422;
        readonly retryable: false;
        readonly detail: "%s";
    };
    readonly UPGRADE_REQUIRED: {
        readonly status: 426;
        readonly retryable: false;
        readonly detail: "This address needs the handshake of a WebSocket (a GET, version 13): a proxy on the way may have removed its headers";
    };
    readonly EDGE_FAILED: {
        readonly status: 503;
        readonly retryable: true;
        readonly detail: "The edge of this session failed: try again later";
    };
    readonly OWN_USER: {
        readonly status: 422;
        readonly retryable: false;
        readonly detail: "This user id is the agent's own: choose another one";
    };
    readonly SESSION_CLOSING: {
        readonly status: 409;
        readonly retryable: false;
        readonly detail: "The session is closing";
    };
    readonly UNAUTHORIZED: {
        readonly status: 401;
        readonly retryable: false;
        readonly detail: "%s";
    };
    readonly FORBIDDEN: {
        readonly status: 403;
        readonly retryable: false;
        readonly detail: "%s";
    };
    readonly BAD_REQUEST: {
        readonly status: 400;
        readonly retryable: false;
        readonly detail: "%s";
    };
    readonly BODY_TOO_LARGE: {
        readonly status: 413;
        readonly retryable: false;
        readonly detail: "The request body is larger than %s bytes";
    };
    readonly UNSUPPORTED_MEDIA_TYPE: {
        readonly status: 415;
        readonly retryable: false;
        readonly detail: "The request body must be application/json in UTF-8";
    };
    readonly INVALID_REQUEST: {
        readonly status: 422;
        readonly retryable: false;
        readonly detail: "%s";
    };
    readonly IDEMPOTENCY_PENDING: {
        readonly status: 409;
        readonly retryable: true;
        readonly detail: "The first request with this Idempotency-Key is still under way";
    };
    readonly IDEMPOTENCY_MISMATCH: {
        readonly status: 422;
        readonly retryable: false;
        readonly detail: "This Idempotency-Key was used with another request body: choose a new key";
    };
    readonly NOT_IN_A_SESSION: {
        readonly status: 500;
        readonly retryable: false;
        readonly detail: "%s would act on the whole process, and is not allowed in a session thread";
    };
    readonly INVALID_OPTIONS: {
        readonly status: 500;
        readonly retryable: false;
        readonly detail: "%s";
    };
};

// src/shared/protocol.ts
export declare const liveStates: readonly ["starting", "joining", "live", "resuming", "closing"];

// src/shared/protocol.ts
export declare const logLevels: readonly ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

// src/shared/session/session-metric-fields.ts
export declare const sessionMetricFields: {
    readonly llm_latency_ms__avg: "Model request until the end of its answer, tool rounds included. Completed answers only.";
    readonly llm_time_to_first_token_ms__avg: "Model request until its first text, over tool rounds. Completed answers only.";
    readonly llm_input_tokens__total: "Input tokens consumed, those of cancelled and failed answers included.";
    readonly llm_output_tokens__total: "Output tokens generated, those of cancelled and failed answers included.";
    readonly llm_tool_calls__total: "Tool calls, whatever became of them.";
    readonly llm_tool_latency_ms__avg: "How long tool calls took. Failed ones count, cancelled ones do not.";
    readonly stt_latency_ms__avg: "Last sound of speech until the final transcript. Vision Agents counts from the first audio after the previous turn, the user's whole speech included.";
    readonly stt_audio_duration_ms__total: "Audio sent to speech-to-text.";
    readonly tts_latency_ms__avg: "Text-to-speech request until the first audio. Completed syntheses only.";
    readonly tts_audio_duration_ms__total: "Audio received from text-to-speech.";
    readonly tts_characters__total: "Characters sent to text-to-speech.";
    readonly turn_duration_ms__avg: "How long turns took. Completed turns only.";
    readonly turn_trailing_silence_ms__avg: "Silence at the end of a turn before it was taken as ended.";
    readonly eot_latency_ms__avg: "Last sound of speech until the end of the turn was noticed.";
    readonly response_latency_ms__avg: "Last sound of speech until the first sound of the answer.";
    readonly realtime_audio_input_bytes__total: string;
    readonly realtime_audio_output_bytes__total: string;
    readonly realtime_audio_input_duration_ms__total: "Audio sent to a speech-to-speech model.";
    readonly realtime_audio_output_duration_ms__total: "Audio received from a speech-to-speech model.";
    readonly realtime_user_transcriptions__total: string;
    readonly realtime_agent_transcriptions__total: string;
    readonly vlm_inference_latency_ms__avg: string;
    readonly vlm_inferences__total: string;
    readonly vlm_input_tokens__total: string;
    readonly vlm_output_tokens__total: string;
    readonly video_frames_processed__total: string;
    readonly video_processing_latency_ms__avg: string;
};

// src/shared/session/session-metric-fields.ts
export type SessionMetricName = keyof typeof sessionMetricFields;

// src/shared/session/webhook-events.ts
export declare const webhookEvents: readonly ["state", "transcript", "partial_transcript", "turn", "tool", "user_silent", "participant_heard", "participant_unheard", "blocked", "role", "interrupted", "resumed", "metrics"];
