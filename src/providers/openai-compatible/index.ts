/** Models, recognisers and voices of any service that speaks OpenAI's protocol: `new openaiCompatible.LLM()`. */
import "../../process/node-version.ts";

export { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
export type { CompatibleServiceName } from "../../shared/providers/compatible-services.ts";
export type { EndpointOptions } from "./endpoint.ts";
export { OpenAICompatibleError, type OpenAICompatibleErrorKind, RefusalError } from "./error.ts";
export { LLM } from "./llm.ts";
export type { LLMOptions } from "./options.ts";
export type { RealtimeSTTOptions, RealtimeTurnDetection } from "./realtime/options.ts";
export { RealtimeSTT } from "./realtime-stt.ts";
export { STT } from "./stt.ts";
export { TTS } from "./tts.ts";
export type { STTOptions, TTSOptions } from "./voice-options.ts";
