/** The name of a place, and the areas that distinguish it, such as a state or a country. */
export interface PlaceName {
  readonly name: string;
  readonly within: readonly string[];
}

/** A place in a response of Open-Meteo's search. */
export type FoundPlace = Readonly<Record<string, unknown>>;

/** Splits a location at commas: `Boulder, CO, USA` is Boulder, within `CO` and `USA`. */
export function parsePlace(location: string): PlaceName {
  const [name = "", ...within] = location
    .split(/[,;，、]/)
    .map((part) => part.trim())
    .filter(Boolean);
  return { name, within };
}

/**
 * Returns the ways to read a name without commas, such as `Boulder Colorado` or `Charleston South Carolina`;
 * none for a single word.
 */
export function splitWords(name: string): PlaceName[] {
  const words = name.split(/\s+/).filter(Boolean);
  return [1, 2]
    .filter((count) => words.length > count)
    .map((count) => ({
      name: words.slice(0, -count).join(" "),
      within: [words.slice(-count).join(" ")],
    }));
}

/** Returns the first place that lies in the most of these areas; undefined where none lies in any of them. */
export function placeWithin(
  places: readonly FoundPlace[],
  within: readonly string[],
): FoundPlace | undefined {
  let best: FoundPlace | undefined;
  let most = 0;
  for (const place of places) {
    const areas = areasOf(place);
    const count = within.filter((area) => namesOf(area).some((name) => areas.has(name))).length;
    if (count > most) [best, most] = [place, count];
  }
  return best;
}

/** Returns the names of all areas that a place lies in. */
function areasOf(place: FoundPlace): ReadonlySet<string> {
  const { country, country_code, admin1, admin2, admin3, admin4 } = place;
  const told = [country, country_code, admin1, admin2, admin3, admin4];
  return new Set(told.filter((name) => typeof name === "string").map(plainName));
}

/** Returns the names under which the search may know an area. */
function namesOf(area: string): string[] {
  const plain = plainName(area);
  const bare = plain
    .replace(/^(state|province|republic|kingdom) of |^the /, "")
    .replace(/ (state|province)$/, "");
  return [plain, bare, ...(abbreviations.get(plain) ?? [])];
}

/** Returns a name without differences of letter case, accents and dots. */
export function plainName(name: string): string {
  return name
    .normalize("NFD")
    .replaceAll(/[\p{M}.'’]/gu, "")
    .replaceAll(/[\s-]+/g, " ")
    .trim()
    .toLowerCase();
}

/** Abbreviations of the names that the search knows. One may stand for several names. */
const shortNames = `
  al alabama|ak alaska|az arizona|ar arkansas|ca california|co colorado|ct connecticut|de delaware|dc district of columbia
  fl florida|ga georgia|hi hawaii|id idaho|il illinois|in indiana|ia iowa|ks kansas|ky kentucky|la louisiana|me maine
  md maryland|ma massachusetts|mi michigan|mn minnesota|ms mississippi|mo missouri|mt montana|ne nebraska|nv nevada
  nh new hampshire|nj new jersey|nm new mexico|ny new york|nc north carolina|nd north dakota|oh ohio|ok oklahoma|or oregon
  pa pennsylvania|pr puerto rico|ri rhode island|sc south carolina|sd south dakota|tn tennessee|tx texas|ut utah|vt vermont
  va virginia|wa washington|wv west virginia|wi wisconsin|wy wyoming
  ab alberta|bc british columbia|mb manitoba|nb new brunswick|nl newfoundland and labrador|ns nova scotia|on ontario
  pe prince edward island|qc quebec|sk saskatchewan
  act australian capital territory|nsw new south wales|nt northern territory|qld queensland|sa south australia
  tas tasmania|vic victoria|wa western australia
  uk united kingdom|britain united kingdom|usa united states|america united states|uae united arab emirates
  holland netherlands|holland the netherlands
`;

const abbreviations = new Map<string, string[]>();
for (const entry of shortNames.split(/[|\n]/).map((one) => one.trim())) {
  const [short = "", ...name] = entry.split(" ");
  abbreviations.set(short, [...(abbreviations.get(short) ?? []), name.join(" ")]);
}
