import { similar } from "../../../shared/text/similar.ts";
import { knownPlaces } from "../weather/offline-table.ts";

/** Words that a recogniser hears in place of others, and the words that were meant. */
const misheard: readonly (readonly [heard: RegExp, meant: string])[] = [
  [/\bto[- ]?(?:morrow|monroe)\b/gi, "tomorrow"],
  [/\bto[- ]?(?:day\b|date\b(?=\W*$))/gi, "today"],
  [/\bwhatsoever(?: like)?(?= (?:in|at|for)\b)/gi, "what's the weather"],
  [
    /\b(?:whether|wether|wetter|wither|whither|feather|leather|weaver|weber|wiper)\b(?=.*\b(?:in|at|for|like|today|tomorrow)\b)/gi,
    "weather",
  ],
  [/\bweather(?:ing|ed)\b(?= \p{Lu})/gu, "weather in"],
  [
    /\b(weather|sunny|cloudy|windy|rain(?:ing)?|snow(?:ing)?)(?: be)?,? and (?=\p{L})(?!.*\bin\b)/giu,
    "$1 in ",
  ],
];

/** Returns the question as it was most likely meant. */
export function repaired(text: string): string {
  return misheard.reduce((soFar, [heard, meant]) => soFar.replaceAll(heard, meant), text);
}

/** The words by which the weather is asked for. */
const weather =
  /\b(?:weather|forecast|temperature|umbrella|sunny|cloudy|windy|foggy|(?:rain|snow)(?:ing|y)?|(?:warm|hot|cold) is it|is it (?:very |so |too )?(?:warm|hot|cold|freezing))\b/i;
const time =
  /\b(?:what(?:'s| is| was)? (?:the |your )?time|the (?:current |local |exact )?time(?! (?:to|of|for|when)\b)|time is it|current time|time now)\b|^\W*time\b/i;

/** Words of a question that belong to no place. */
const notOfPlaces =
  /\b(?:right now|just now|now|today|tonight|tomorrow|this (?:morning|afternoon|evening|week|weekend)|at the moment|currently|at noon|please|for me|thanks|thank you|the (?:city|town|capital) of)\b/gi;

/** Returns the places whose weather is asked for; null where the question is not for the weather. */
export function weatherPlaces(text: string): string[] | null {
  const places = placesBehind(weather, text);
  return places.length > 0 || /\bweather\b/i.test(text) ? places : null;
}

/** Returns the places whose time is asked for, none for that of here; null where the question is not for the time. */
export const timePlaces = (text: string): string[] | null =>
  time.test(text) ? placesBehind(time, text) : null;

/** Returns the places in a question such as "And in Rome?", which is about what was said before; null where it is none. */
export function furtherPlaces(text: string): string[] | null {
  const begun =
    /^\W*(?:ok(?:ay)?\W+)?(?:(?:and|but)\b\W*)?(?:(?:what|how) about\b|and\b|in\b|for\b)\W*(.+)$/is;
  return barePlaces(begun.exec(text)?.[1] ?? (isKnown(text) ? text : ""));
}

/** Returns the places in an answer to the question where; null where it is none. */
export function barePlaces(text: string): string[] | null {
  const places = listed(text).filter((place) => /^\p{Lu}/u.test(place) && place.split(/\s/).length <= 3);
  return places.length > 0 ? places : null;
}

const isKnown = (text: string): boolean =>
  knownPlaces.some((place) => place.toLowerCase() === text.replaceAll(/[^\p{L} ]/gu, "").toLowerCase());

/** Returns the place that was probably meant by one that nobody knows; null where none is near. */
export function nearPlace(place: string): string | null {
  return similar(place, knownPlaces);
}

/** Returns the places in a question: Paris and Rome for "weather in Paris and Rome tomorrow?". */
function placesBehind(topic: RegExp, text: string): string[] {
  const rest = text.slice(topic.exec(text)?.index ?? text.length).replaceAll(notOfPlaces, " ");
  const named =
    /\b(?:in|at)\s+(.+)/is.exec(rest)?.[1] ??
    /\b(?:for|of)\s+(.+)/is.exec(rest)?.[1] ??
    // "Weather Berlin"
    /^\w+\s+(\p{Lu}.*)/su.exec(rest)?.[1];
  return named === undefined ? [] : listed(named);
}

const listed = (places: string): string[] =>
  places
    .replaceAll(notOfPlaces, " ")
    .split(/[?!.;\n]/, 1)[0]!
    .split(/,|\band\b|&/i)
    .map((place) =>
      place
        .trim()
        .replace(/^(?:in|at|for)\b/i, "")
        .trim(),
    )
    .filter((place) => place !== "")
    .reduce<string[]>(withRegion, [])
    .slice(0, 8);

/** Adds a part to the places: a state or a country in capitals, as in "Boulder, CO", belongs to the one before it. */
function withRegion(places: readonly string[], part: string): string[] {
  const previous = places.at(-1);
  return previous !== undefined && /^(?:[A-Z]{2}|USA|U\.S\.A?|U\.K\.|UAE)$/.test(part)
    ? [...places.slice(0, -1), `${previous}, ${part}`]
    : [...places, part];
}
