/** Offline stand-ins: an agent that runs with no key and no other program. */
import "../../process/node-version.ts";

export { Edge } from "./edge.ts";
export type { FliteVoice } from "./flite.ts";
export { LLM, type LocalLLMOptions } from "./llm.ts";
export { preload } from "./preload.ts";
export { type LocalSTTOptions, STT } from "./stt.ts";
export { type LocalTTSOptions, TTS } from "./tts.ts";
export { getWeatherByLocation, type Weather, type WeatherOptions } from "./weather/weather.ts";
