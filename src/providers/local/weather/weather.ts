import { placeInTable } from "./offline-table.ts";
import type { Weather } from "./weather-report.ts";

export type { Weather } from "./weather-report.ts";

/** The options of a question for the weather. */
export interface WeatherOptions {
  /**
   * The source: a server with the responses of open-meteo.com, or `offline` for the built-in table alone.
   * Default: the environment's `WEATHER_API_URL`, else open-meteo.com, which needs no key.
   */
  readonly url?: string;
  /**
   * The longest wait for the whole response, in milliseconds. Default 2,500, since a participant waits for
   * the answer.
   */
  readonly timeoutMs?: number;
  /** Aborts the request. Default: none. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves with the current weather at a place. Where the source does not respond in time or as expected, a
 * small built-in table is used; `source` tells which. An unknown place is a result (`found: false`), not an
 * error. It rejects only with the reason of `signal`.
 */
export async function getWeatherByLocation(location: string, options: WeatherOptions = {}): Promise<Weather> {
  const { url = process.env.WEATHER_API_URL, timeoutMs = 2_500, signal } = options;
  if (url === "offline") return fromTable(location, "no place of that name is in it");
  try {
    const deadline = AbortSignal.timeout(timeoutMs);
    // HTTPS takes 20 ms to load: a thread in which nobody asks for the weather does without.
    const { fetchWeather } = await import("./open-meteo.ts");
    return await fetchWeather(location, url, signal ? AbortSignal.any([signal, deadline]) : deadline);
  } catch {
    signal?.throwIfAborted();
    return fromTable(location, "the weather service does not answer, and no place of that name is in it");
  }
}

function fromTable(location: string, reason: string): Weather {
  const source = "the built-in offline table";
  const place = placeInTable(location);
  return place === undefined ? { found: false, location, reason, source } : { found: true, ...place, source };
}

/** Returns the weather in words; undefined where the value is not a {@link Weather}. */
export function weatherSentence(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("found" in value)) return undefined;
  const weather = value as Weather;
  return weather.found
    ? `In ${weather.location} it is ${weather.temperatureCelsius} °C, ${weather.conditions} (source: ${weather.source}).`
    : `I do not know the weather in ${weather.location}: ${weather.reason} (source: ${weather.source}).`;
}
