/** Offline stand-ins: an agent that runs with no key and no other program. */
export { Edge } from "./edge.ts";
export { LLM, type LocalLLMOptions } from "./llm.ts";
export { getWeatherByLocation, type Weather, type WeatherOptions } from "./weather.ts";
