import { throughProxy } from "../../../network/dispatcher.ts";
import { type FoundPlace, parsePlace, placeWithin, splitWords } from "./place-name.ts";
import type { Weather } from "./weather-report.ts";

/** The largest response that is read, in bytes. */
const largestAnswer = 512 * 1024;

/**
 * The number of places of one name that are compared: there are more than thirty Springfields. The search
 * returns at most 100.
 */
const maxPlaces = 100;

/**
 * The codes of the World Meteorological Organization, as open-meteo.com/en/docs lists them. The first row
 * whose code is at least the given one applies.
 */
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

/**
 * Asks open-meteo.com, or a server at `url` with the same responses. It throws where a response is not as
 * expected.
 */
export async function fetchWeather(
  location: string,
  url: string | undefined,
  signal: AbortSignal,
): Promise<Weather> {
  const source = url === undefined ? "open-meteo.com" : new URL(url).host;
  const place = await findPlace(location, url, signal);
  if (place === null) return { found: false, location, reason: "it knows no place of that name", source };
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
    location: describe(place, location),
    temperatureCelsius: numberIn(current, "temperature_2m"),
    conditions: conditions.find(([highest]) => code <= highest)?.[1] ?? "unknown conditions",
    source,
  };
}

/**
 * Resolves with a place; null where there is none. The search knows single names only, so the text after a
 * comma chooses among the places of that name. Where it fits none of them, the first and largest one is
 * taken; its full name shows which it is.
 */
async function findPlace(
  location: string,
  url: string | undefined,
  signal: AbortSignal,
): Promise<FoundPlace | null> {
  const { name, within } = parsePlace(location);
  if (name === "") return null;
  const places = await search(name, within.length === 0 ? 1 : maxPlaces, url, signal);
  if (places.length > 0) return placeWithin(places, within) ?? places[0]!;
  for (const parted of splitWords(name)) {
    const found = await search(parted.name, maxPlaces, url, signal);
    const place = placeWithin(found, [...parted.within, ...within]);
    if (place !== undefined) return place;
  }
  return null;
}

async function search(
  name: string,
  count: number,
  url: string | undefined,
  signal: AbortSignal,
): Promise<FoundPlace[]> {
  const { results = [] } = await getJson(url ?? "https://geocoding-api.open-meteo.com", "v1/search", signal, {
    name,
    count: String(count),
    language: "en",
  });
  if (!Array.isArray(results)) throw new Error("The weather service answered something else");
  return results.map(record);
}

/** Returns the full name of a place, with its region where the question had more than a name. */
function describe({ name, admin1, country }: FoundPlace, location: string): string {
  const region = /[,;\s]/.test(location.trim()) && admin1 !== name ? [admin1] : [];
  const parts = [name ?? location, ...region, country].filter(
    (part) => typeof part === "string" && part !== "",
  );
  return parts.join(", ");
}

async function getJson(
  base: string,
  path: string,
  signal: AbortSignal,
  query: Record<string, string>,
): Promise<Record<string, unknown>> {
  const url = new URL(path, base.endsWith("/") ? base : `${base}/`);
  url.search = new URLSearchParams(query).toString();
  const response = await fetch(url, {
    signal,
    redirect: "error",
    headers: { accept: "application/json" },
    ...throughProxy(url),
  });
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
