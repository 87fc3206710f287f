/** Models, recognisers and voices of any provider of the AI SDK: `new aiSdk.LLM(openai("gpt-5-mini"))`. */
import "../../process/node-version.ts";

export { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
export { AiSdkError, RefusalError } from "./errors.ts";
export { LLM } from "./llm.ts";
export type { AiSdkModel, LanguageModel, SpeechModel, TranscriptionModel } from "./models.ts";
export type { LLMOptions, ProviderOptions, ReasoningEffort, VendorTool } from "./options.ts";
export { STT } from "./stt.ts";
export { TTS } from "./tts.ts";
export type { STTOptions, TTSOptions } from "./voice-options.ts";
