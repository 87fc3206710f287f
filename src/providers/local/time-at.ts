import { plainName } from "./weather/place-name.ts";

/** Cities that newcomers try, and that give their names to no time zone. */
const furtherCities: Readonly<Record<string, string>> = {
  beijing: "Asia/Shanghai",
  boston: "America/New_York",
  boulder: "America/Denver",
  delhi: "Asia/Kolkata",
  "las vegas": "America/Los_Angeles",
  miami: "America/New_York",
  milan: "Europe/Rome",
  mumbai: "Asia/Kolkata",
  munich: "Europe/Berlin",
  barcelona: "Europe/Madrid",
  hamburg: "Europe/Berlin",
  "san francisco": "America/Los_Angeles",
  seattle: "America/Los_Angeles",
  washington: "America/New_York",
};

/** The time at a place: as text, or that no time zone of its name is known. */
export type TimeReport = string | { readonly found: false; readonly location: string };

let zones: ReadonlyMap<string, string> | undefined;

/** Returns the time at a place, or that of this machine where none is named. Cities are found by the names of time zones. */
export function timeAt(location = ""): TimeReport {
  const place = plainName(location.split(",", 1)[0]!);
  if (place === "") return clock();
  const zone = furtherCities[place] ?? zonesByCity().get(place);
  return zone === undefined ? { found: false, location } : `${clock(zone)} in ${location}`;
}

const clock = (timeZone?: string): string =>
  new Date().toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
    timeZone,
  });

/** Returns the zones by the names of their cities: `America/Argentina/Buenos_Aires` is that of "buenos aires". */
function zonesByCity(): ReadonlyMap<string, string> {
  zones ??= new Map(
    Intl.supportedValuesOf("timeZone").map((zone) => [
      plainName(zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ")),
      zone,
    ]),
  );
  return zones;
}
