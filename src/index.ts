/**
 * The exports for users. An agent's module is loaded on the main thread and in each session thread, so nothing heavy may be
 * reached from here by a static import.
 */
import "./process/early-signals.ts";
import "./process/node-version.ts";

export type { AgentOptions, Joined, JoinOptions } from "./agent/agent-options.ts";
export type {
  AgentData,
  AgentInCall,
  AgentValues,
  CallConversation,
  SayOptions,
  SessionFacts,
  ToolContext,
} from "./agent/call/agent-in-call.ts";
export type { BroadcastOptions } from "./agent/call/call-events.ts";
export {
  type AgentDefinition,
  type AgentModule,
  type AgentSession,
  defineAgent,
} from "./agent/define-agent.ts";
export {
  type AcceptedSocket,
  type AgentUser,
  type Call,
  type CallRequest,
  type Connection,
  type ConnectionAudio,
  type ConnectionEvent,
  type Edge,
  EdgeRefusal,
  type InviteRequest,
  type JoinRequest,
  type JoinTokenRequest,
  type OfferRequest,
  type Participant,
  type SocketRequest,
} from "./agent/edge.ts";
export { AllFailedError, type FallbackOptions, fallback } from "./agent/fallback.ts";
export type { Block, Guard, HeardWords, Verdict, WordsToSay } from "./agent/guards/guard.ts";
export type { BargeInOptions } from "./agent/hearing/barge-in.ts";
export { LLM, type LlmEvent, type LlmRequest } from "./agent/llm.ts";
export type { Log } from "./agent/log.ts";
export { BadAnswerError } from "./agent/model/bad-answer-error.ts";
export {
  type ImagePart,
  type Message,
  type MessagePart,
  partsOf,
  type ToolCall,
  type ToolResult,
} from "./agent/model/message.ts";
export type { BudgetOptions } from "./agent/options/budget.ts";
export type { AgentLimits } from "./agent/options/limits.ts";
export {
  type RealtimeCapabilities,
  type RealtimeChange,
  type RealtimeEvent,
  RealtimeModel,
  type RealtimeOpenRequest,
  type RealtimeRequest,
  type RealtimeSession,
} from "./agent/realtime-model.ts";
export type { AgentRole, RoleChange } from "./agent/role/agent-role.ts";
export { type Handoff, type HandoffOptions, handoff } from "./agent/role/handoff.ts";
export type { Service, ServiceWatch, Spent } from "./agent/service.ts";
export type { Pronunciations } from "./agent/speech-text/pronunciations.ts";
export type {
  BuiltInTransform,
  PatternTransform,
  SentenceTransform,
  TextTransform,
} from "./agent/speech-text/text-transform.ts";
export { type TextTransforms, textTransforms } from "./agent/speech-text/text-transforms.ts";
export type { SpeechMarkup } from "./agent/speech-text/voice-markup.ts";
export type { ListenOptions, SpeechEvent, SpeechStream, STT } from "./agent/stt.ts";
export type { AskPermit } from "./agent/thread/permits.ts";
export type {
  Filler,
  FunctionBase,
  FunctionContext,
  FunctionDeclaration,
  JsonSchemaFunction,
  RegisteredFunction,
  SchemaFunction,
} from "./agent/tools/functions.ts";
export type {
  JsonSchema,
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  StandardSchema,
} from "./agent/tools/schema.ts";
export { ToolError } from "./agent/tools/tool-error.ts";
export { ToolImages } from "./agent/tools/tool-images.ts";
export { type RemoteToolset, Tools, type Toolset } from "./agent/tools/tools.ts";
export type { Alignment, SpeakOptions, SpeechChunk, TTS } from "./agent/tts.ts";
export type { Heard } from "./agent/turns/heard.ts";
export { Agent } from "./api/agent.ts";
export { AgentLauncher } from "./api/agent-launcher.ts";
export type { AgentLauncherOptions } from "./api/launcher-options.ts";
export type {
  ProviderAnswer,
  ProviderCalls,
  ProviderClient,
  ProviderHttpRoute,
  ProviderRequest,
  ProviderRoute,
  ProviderSocketRoute,
  ProviderStart,
  ProviderStarted,
} from "./api/provider-route.ts";
export type { RedisRegistryOptions } from "./api/registry-options.ts";
export { Runner } from "./api/runner.ts";
export type { ConsoleOptions, RunnerOptions } from "./api/runner-options.ts";
export type { Dependency, Permission, Scope, ScopedSession } from "./api/scope.ts";
export type { ServeOptions, ServerTimeouts } from "./api/serve-options.ts";
export type { CloseOptions, ServerHandle, Shutdown } from "./api/server-handle.ts";
export type {
  EventLog,
  LoggedEvent,
  Session,
  SessionEvent,
  SessionMetrics,
  SessionResources,
  SessionTimeline,
} from "./api/session.ts";
export type { ModelUsage, SessionSummary, TranscriptLine } from "./api/session-summary.ts";
export type { StartRequest } from "./api/start-request.ts";
export type { WebhookOptions } from "./api/webhook-options.ts";
export type { PcmFrame } from "./audio/pcm-frame.ts";
export { type ApiKeyOptions, apiKey } from "./control-plane/access/api-key.ts";
export { type JwtOptions, jwt } from "./control-plane/access/jwt.ts";
export { HttpError, type HttpErrorOptions } from "./control-plane/http/http-error.ts";
export { type Routes, routes } from "./control-plane/routes.ts";
export { asksForWebSocket, serveUpgrades } from "./control-plane/sockets/serve-upgrades.ts";
export { closeWebSocket, socketCloseOf, type WebSocketOptions, webSocketOver } from "./media/web-socket.ts";
export type { RedisClient } from "./registry/redis/connection/client.ts";
export type {
  Adoption,
  EndMessage,
  EndOutcome,
  EntrustedSession,
  FoundSession,
  Liveness,
  NodeInfo,
  NodeState,
  OnceKey,
  OnceResult,
  PeerNode,
  RegistryHooks,
  RegistryLimits,
  SessionClaim,
  SessionEnd,
  SessionOwner,
  SessionRecord,
  SessionRegistry,
  Successions,
  WaitingMessages,
} from "./registry/registry.ts";
export type { EndReason } from "./shared/end-reasons.ts";
export { type ErrorCode, GreenroomError, type PlainError } from "./shared/errors.ts";
export type {
  Guest,
  InMemoryCall,
  JsonObject,
  JsonValue,
  LeaveData,
  LeaveModule,
  LogFormat,
  LogLevel,
  SessionState,
} from "./shared/protocol.ts";
export type {
  AgentEvent,
  BlockedEvent,
  ChangedBy,
  ParticipantHeardEvent,
  ParticipantUnheardEvent,
  ResponseLatency,
  RoleEvent,
  ToolEvent,
  TranscriptEvent,
  TurnEvent,
  TurnOutcome,
  UserSilentEvent,
} from "./shared/session/agent-event.ts";
export type { Measurement } from "./shared/session/measurement.ts";
export type { SessionMetricsSnapshot } from "./shared/session/session-metric-fields.ts";
export type { WebhookEvent } from "./shared/session/webhook-events.ts";
