/**
 * Tools for tests of agents, with which Greenroom itself is tested: a call in memory, and a model, a recogniser and a voice
 * that do what a test tells them. They need no network and no key, and nothing in them is random.
 */
import "../process/node-version.ts";

export { silence } from "../audio/pcm.ts";
export { decodeWav, encodeWav, readWav, WavError, writeWav } from "../audio/wav.ts";
export { type DialedCall, type DialOptions, dial } from "../providers/memory/dial.ts";
export { Edge, type EdgeOptions } from "../providers/memory/edge.ts";
export { callAsRecording, type RecordedCallerOptions } from "../providers/memory/recorded-caller.ts";
export type {
  Gap,
  Playback,
  RecordedFrame,
  Recording,
  TestCall,
  TestParticipant,
} from "../providers/memory/test-call.ts";
export { shareOf, type ToneOptions, tone } from "../providers/memory/tone.ts";
export { type HeldReply, LLM, type LlmOptions, type LlmReply, type LlmStep } from "./llm.ts";
export { RealtimeModel, type RealtimeModelOptions } from "./realtime-model.ts";
export type { RealtimeReply, RealtimeSession, RealtimeStep, Remembered } from "./realtime-session.ts";
export { type SpeechStream, STT, type SttOptions } from "./stt.ts";
export { type Spoken, TTS, type TtsFailure, type TtsOptions } from "./tts.ts";
export { pcmProtocol, WebSocketEdge, type WebSocketEdgeOptions } from "./web-socket-edge.ts";
