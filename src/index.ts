/**
 * What users import. An agent's module is loaded on the main thread and in each session thread, so nothing heavy may be
 * reached from here by a static import.
 */
export { Agent, type AgentOptions, type AgentUser } from "./agent/agent.ts";
export { type AgentDefinition, type AgentSession, defineAgent } from "./agent/define-agent.ts";
export {
  AgentLauncher,
  type AgentLauncherOptions,
  type StartRequest,
  type WebhookOptions,
} from "./agent-launcher.ts";
export { type ErrorCode, GreenroomError, type PlainError } from "./errors.ts";
export type { EndReason, JsonObject, JsonValue, Measurement, SessionState } from "./protocol.ts";
export type { EventLog, LoggedEvent, SessionEvent } from "./supervisor/event-log.ts";
export type { Session, SessionResources, SessionTimeline } from "./supervisor/session.ts";
export type { SessionSummary } from "./supervisor/session-summary.ts";
