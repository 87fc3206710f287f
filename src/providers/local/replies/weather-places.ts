import { similar } from "../../../shared/similar.ts";
import { knownPlaces } from "../weather/offline-table.ts";

/** Words that a recogniser hears in place of others, and the words that were meant. */
const misheard: readonly (readonly [heard: RegExp, meant: string])[] = [
  [
    /\b(?:whether|wether|wetter|wither|whither|feather)\b(?=.*\b(?:in|at|for|like|today|tomorrow)\b)/gi,
    "weather",
  ],
  [/\bto ?-?(?:morrow|monroe)\b/gi, "tomorrow"],
  [/\bweather(?: be)?,? and (?=\p{L})(?!.*\bin\b)/giu, "weather in "],
];

/** Returns the question as it was most likely meant. */
export function repaired(text: string): string {
  return misheard.reduce((soFar, [heard, meant]) => soFar.replaceAll(heard, meant), text);
}

/** Returns whether this is a question for the weather somewhere. */
export const asksForWeather = (text: string): boolean =>
  /\bweather\b/i.test(text) || (saysSo.test(text) && placesIn(text).length > 0);

/** Other words for the weather, and those that it is asked by. */
const saysSo =
  /\b(?:raining|snowing|sunny|cloudy|windy|temperature|forecast|(?:how )?(?:warm|hot|cold) is it)\b/i;

/** Returns the places that are asked for: Paris and Rome for "weather in Paris and Rome tomorrow?". */
export function placesIn(text: string): string[] {
  const about = new RegExp(`(?:\\bweather\\b|${saysSo.source}).*?\\b(?:in|at|for|of)\\s+(.+)`, "is");
  const named = about.exec(text)?.[1];
  if (named === undefined) return [];
  return named
    .split(/[?!.;\n]/, 1)[0]!
    .split(/,|\band\b|&/i)
    .map((place) =>
      place.replace(/^\s*(?:in|at|for)\b|\b(?:right now|now|today|tomorrow|please)\b/gi, "").trim(),
    )
    .filter((place) => place !== "")
    .reduce<string[]>(withRegion, [])
    .slice(0, 8);
}

/** Returns the place that was probably meant by one that nobody knows; null where none is near. */
export function nearPlace(place: string): string | null {
  return similar(place, knownPlaces);
}

/** Adds a part to the place before it where it is a state or a country in capitals, as in "Boulder, CO". */
function withRegion(places: readonly string[], part: string): string[] {
  const previous = places.at(-1);
  return previous !== undefined && /^(?:[A-Z]{2}|USA|U\.S\.A?|U\.K\.|UAE)$/.test(part)
    ? [...places.slice(0, -1), `${previous}, ${part}`]
    : [...places, part];
}
