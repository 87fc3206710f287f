/** Calls with an agent from a page: `new Call().start()`. For browsers; it depends on nothing. */
export type { SessionReference, StartOptions } from "./api.ts";
export {
  type AgentState,
  Call,
  type CallEnd,
  type CallOptions,
  type CallState,
  type Person,
  type TurnReport,
} from "./call.ts";
export { CallError, type CallErrorCode } from "./call-error.ts";
export type { TranscriptEntry } from "./transcript.ts";
export { workletSource } from "./worklet.ts";
