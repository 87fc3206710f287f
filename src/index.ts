/**
 * The exports for users. An agent's module is loaded on the main thread and in each session thread, so nothing heavy may be
 * reached from here by a static import.
 */
import "./early-signals.ts";
import "./node-version.ts";

export { Agent } from "./agent/agent.ts";
export type { AgentOptions, Joined, JoinOptions, SayOptions } from "./agent/agent-options.ts";
export type { PcmFrame } from "./agent/audio.ts";
export { BadAnswerError } from "./agent/bad-answer-error.ts";
export type { BargeInOptions } from "./agent/barge-in.ts";
export type { BudgetOptions } from "./agent/budget.ts";
export type { Message, ToolCall, ToolResult } from "./agent/conversation.ts";
export {
  type AgentDefinition,
  type AgentModule,
  type AgentSession,
  defineAgent,
} from "./agent/define-agent.ts";
export type {
  AgentUser,
  Call,
  CallRequest,
  Connection,
  ConnectionAudio,
  ConnectionEvent,
  Edge,
  InviteRequest,
  JoinRequest,
  JoinTokenRequest,
  Participant,
} from "./agent/edge.ts";
export { AllFailedError, type FallbackOptions, fallback } from "./agent/fallback.ts";
export type {
  FunctionContext,
  FunctionDeclaration,
  JsonSchemaFunction,
  SchemaFunction,
} from "./agent/functions.ts";
export type { Log } from "./agent/host.ts";
export type { AgentLimits } from "./agent/limits.ts";
export { LLM, type LlmEvent, type LlmRequest } from "./agent/llm.ts";
export type { AskPermit } from "./agent/permits.ts";
export type { JsonSchema, StandardSchema } from "./agent/schema.ts";
export type { Service, ServiceWatch } from "./agent/service.ts";
export type { Pronunciations } from "./agent/speech-text/pronunciations.ts";
export type {
  BuiltInTransform,
  PatternTransform,
  SentenceTransform,
  TextTransform,
} from "./agent/speech-text/text-transform.ts";
export { textTransforms } from "./agent/speech-text/text-transforms.ts";
export type { SpeechMarkup } from "./agent/speech-text/voice-markup.ts";
export type { ListenOptions, SpeechEvent, SpeechStream, STT } from "./agent/stt.ts";
export { ToolError } from "./agent/tool-error.ts";
export type { Alignment, SpeakOptions, SpeechChunk, TTS } from "./agent/tts.ts";
export type { AgentEvent, ResponseLatency, TurnOutcome } from "./agent-event.ts";
export {
  AgentLauncher,
  type AgentLauncherOptions,
  type RedisRegistryOptions,
  type StartRequest,
  type WebhookOptions,
} from "./agent-launcher.ts";
export { type ApiKeyOptions, apiKey } from "./control-plane/api-key.ts";
export { HttpError, type HttpErrorOptions } from "./control-plane/http-error.ts";
export { type JwtOptions, jwt } from "./control-plane/jwt.ts";
export { routes } from "./control-plane/routes.ts";
export type { Dependency, Permission, Scope, ScopedSession } from "./control-plane/scope.ts";
export type { ServeOptions, ServerTimeouts } from "./control-plane/serve-options.ts";
export { type ErrorCode, GreenroomError, type PlainError } from "./errors.ts";
export type { SessionMetricsSnapshot } from "./metrics/session-metric-fields.ts";
export type { ModelUsage } from "./metrics/usage.ts";
export type {
  EndReason,
  Farewell,
  FarewellModule,
  Guest,
  InMemoryCall,
  JsonObject,
  JsonValue,
  LogFormat,
  LogLevel,
  Measurement,
  SessionState,
} from "./protocol.ts";
export type { RedisClient } from "./registry/redis/client.ts";
export type {
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
  SessionRecord,
  SessionRegistry,
  WaitingMessages,
} from "./registry/registry.ts";
export type { ConsoleOptions } from "./runner/console.ts";
export { Runner } from "./runner/runner.ts";
export type { RunnerOptions } from "./runner/runner-options.ts";
export type { ServerHandle } from "./runner/serve.ts";
export type { CloseOptions, Shutdown } from "./runner/shutdown.ts";
export type { SessionTimeline } from "./supervisor/creation.ts";
export type { EventLog, LoggedEvent, SessionEvent } from "./supervisor/event-log.ts";
export type { Session } from "./supervisor/session.ts";
export type { SessionSummary } from "./supervisor/session-summary.ts";
export type { TranscriptLine } from "./supervisor/transcript.ts";
export type { SessionResources } from "./supervisor/vitals.ts";
