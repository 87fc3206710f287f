/** Offline replacements of the providers, for an agent that runs without a key and without any other program. */
import "../../process/node-version.ts";

export { Edge } from "./edge.ts";
export type { FliteVoice } from "./flite.ts";
export { LLM, type LocalLLMOptions } from "./llm.ts";
export { preload } from "./preload.ts";
export { type LocalSTTOptions, STT } from "./stt.ts";
export { type LocalTTSOptions, TTS } from "./tts.ts";
export { getWeatherByLocation, type Weather, type WeatherOptions } from "./weather/weather.ts";
