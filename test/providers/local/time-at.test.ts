import test from "ava";
import { timeAt } from "../../../src/providers/local/time-at.ts";

const zone = (timeZone?: string) =>
  new Date()
    .toLocaleTimeString("en-GB", { hour: "2-digit", timeZoneName: "short", timeZone })
    .split(" ")
    .at(-1);

test("the time is that of a city, of one whose zone has another name, or of this machine", (t) => {
  for (const [place, name] of [
    ["Tokyo", "Asia/Tokyo"],
    ["New York, NY", "America/New_York"],
    ["são paulo", "America/Sao_Paulo"],
    ["Buenos Aires", "America/Argentina/Buenos_Aires"],
    ["San Francisco", "America/Los_Angeles"],
  ] as const) {
    const told = String(timeAt(place));
    t.true(told.endsWith(` ${zone(name)} in ${place}`), told);
    t.regex(told, /^\d\d:\d\d /);
  }
  t.true(String(timeAt()).endsWith(zone()!));
  t.deepEqual(timeAt("Xyzzy"), { found: false, location: "Xyzzy" });
});
