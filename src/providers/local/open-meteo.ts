import type { Weather } from "./weather.ts";

/** Largest answer that is read, in bytes. */
const largestAnswer = 64 * 1024;

/** Codes of the World Meteorological Organization, as open-meteo.com/en/docs lists them: the first that is ≥ the code. */
const conditions: readonly (readonly [code: number, text: string])[] = [
  [0, "clear sky"],
  [1, "mainly clear"],
  [2, "partly cloudy"],
  [3, "overcast"],
  [48, "fog"],
  [57, "drizzle"],
  [67, "rain"],
  [77, "snow"],
  [82, "rain showers"],
  [86, "snow showers"],
  [99, "thunderstorm"],
];

/** Asks open-meteo.com, or a server at `url` that answers alike. Throws where the answer is not what it should be. */
export async function fetchWeather(
  location: string,
  url: string | undefined,
  signal: AbortSignal,
): Promise<Weather> {
  const source = url === undefined ? "open-meteo.com" : new URL(url).host;
  const places = await getJson(url ?? "https://geocoding-api.open-meteo.com", "v1/search", signal, {
    name: location,
    count: "1",
    language: "en",
  });
  if (places.results === undefined) {
    return { found: false, location, reason: "it knows no place of that name", source };
  }
  const place = record(Array.isArray(places.results) ? places.results[0] : undefined);
  const latitude = numberIn(place, "latitude");
  const longitude = numberIn(place, "longitude");
  const forecast = await getJson(url ?? "https://api.open-meteo.com", "v1/forecast", signal, {
    latitude: String(latitude),
    longitude: String(longitude),
    current: "temperature_2m,weather_code",
  });
  const current = record(forecast.current);
  const code = numberIn(current, "weather_code");
  return {
    found: true,
    location: [place.name ?? location, place.country].filter((part) => typeof part === "string").join(", "),
    temperatureCelsius: numberIn(current, "temperature_2m"),
    conditions: conditions.find(([highest]) => code <= highest)?.[1] ?? "unknown conditions",
    source,
  };
}

async function getJson(
  base: string,
  path: string,
  signal: AbortSignal,
  query: Record<string, string>,
): Promise<Record<string, unknown>> {
  const url = new URL(path, base.endsWith("/") ? base : `${base}/`);
  url.search = new URLSearchParams(query).toString();
  const response = await fetch(url, { signal, redirect: "error", headers: { accept: "application/json" } });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url.host} answered ${response.status}`);
  }
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > largestAnswer) throw new Error(`${url.host} answered more than ${largestAnswer} bytes`);
  }
  return record(JSON.parse(text));
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null)
    throw new Error("The weather service answered something else");
  return value as Record<string, unknown>;
}

function numberIn(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (typeof value !== "number") throw new Error(`The weather service answered no ${name}`);
  return value;
}
