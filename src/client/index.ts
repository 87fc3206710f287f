/** Calls with an agent from a page: `new Call().start()`. For browsers; it depends on nothing. */
export type { SessionReference, StartOptions } from "./api.ts";
export { Call } from "./call.ts";
export { CallError, type CallErrorCode } from "./call-error.ts";
export type { AgentState, CallEnd, CallState, Person, TurnReport } from "./call-events.ts";
export type { CallOptions } from "./call-options.ts";
export type { TranscriptEntry } from "./transcript.ts";
export { workletSource } from "./worklet.ts";
