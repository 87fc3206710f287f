import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type ExecutionContext } from "ava";
import { getWeatherByLocation } from "greenroom/local";

/** A weather service on this machine, and what it was asked. */
async function service(
  t: ExecutionContext,
  listener: RequestListener,
): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const oslo = { results: [{ name: "Oslo", country: "Norway", latitude: 59.91, longitude: 10.75 }] };

const answering = (answers: { search?: unknown; forecast?: unknown }): RequestListener => {
  return ({ url }, response) => {
    response.end(JSON.stringify(url?.startsWith("/v1/search") ? answers.search : answers.forecast));
  };
};

const fromTable = {
  found: true,
  location: "Oslo",
  temperatureCelsius: 7,
  conditions: "overcast",
  source: "the built-in offline table",
} as const;

/** A time longer than a busy machine takes for an answer that is to come, in milliseconds. */
const timeoutMs = 30_000;

test("the service is asked for the place, then for its weather", async (t) => {
  const { url, asked } = await service(
    t,
    answering({ search: oslo, forecast: { current: { temperature_2m: -3.5, weather_code: 71 } } }),
  );
  t.deepEqual(await getWeatherByLocation("Oslo & more", { url, timeoutMs }), {
    found: true,
    location: "Oslo, Norway",
    temperatureCelsius: -3.5,
    conditions: "snow",
    source: new URL(url).host,
  });
  t.deepEqual(asked, [
    "/v1/search?name=Oslo+%26+more&count=1&language=en",
    "/v1/forecast?latitude=59.91&longitude=10.75&current=temperature_2m%2Cweather_code",
  ]);
});

test("an unknown place is a result", async (t) => {
  const { url } = await service(t, answering({ search: { generationtime_ms: 0.5 } }));
  t.deepEqual(await getWeatherByLocation("Xyzzy", { url, timeoutMs }), {
    found: false,
    location: "Xyzzy",
    reason: "it knows no place of that name",
    source: new URL(url).host,
  });
});

const faults: Record<string, RequestListener> = {
  "it fails": (_, response) => response.writeHead(500).end("no"),
  "it hangs": () => {},
  "it hangs in the middle": (_, response) => response.write('{"results":'),
  "it answers garbage": (_, response) => response.end("<html>"),
  "it answers something else": answering({ search: { results: [{ name: 1 }] } }),
  "it answers null": answering({ search: null }),
  "it knows no weather": answering({ search: oslo, forecast: {} }),
  "it answers without end": (_, response) => {
    const more = () => response.write(`"${"x".repeat(32_768)}",`, () => setImmediate(more));
    more();
  },
  "it sends one elsewhere": (_, response) => response.writeHead(302, { location: "/elsewhere" }).end(),
  "it hangs up": (request) => request.socket.destroy(),
};

for (const [title, listener] of Object.entries(faults)) {
  test(`the built-in table is used where the service fails: ${title}`, async (t) => {
    const { url } = await service(t, listener);
    const timeoutMs = title.includes("hangs in") || title === "it hangs" ? 200 : 10_000;
    t.deepEqual(await getWeatherByLocation("Oslo", { url, timeoutMs }), fromTable);
    t.like(await getWeatherByLocation("Xyzzy", { url, timeoutMs }), {
      found: false,
      reason: "the weather service does not answer, and no place of that name is in it",
    });
  });
}

test("offline, only the table is used; case, accents and the country do not matter", async (t) => {
  const offline = { url: "offline" };
  t.deepEqual(await getWeatherByLocation("Oslo", offline), fromTable);
  t.like(await getWeatherByLocation(" sao PAULO, Brazil", offline), { found: true, location: "São Paulo" });
  t.deepEqual(await getWeatherByLocation("Xyzzy", offline), {
    found: false,
    location: "Xyzzy",
    reason: "no place of that name is in it",
    source: "the built-in offline table",
  });
});

test("a request can be aborted", async (t) => {
  const giveUp = new AbortController();
  const { url } = await service(t, () => giveUp.abort(new Error("never mind")));
  await t.throwsAsync(getWeatherByLocation("Oslo", { url, signal: giveUp.signal }), {
    message: "never mind",
  });
});

/** Answers as Open-Meteo's search does: by whole names, largest first, with the fields that it has. */
const knownPlaces = [
  ["Boulder", "Colorado", "Boulder", "US", "United States"],
  ["Boulder", "Montana", "Jefferson", "US", "United States"],
  ["Boulder", "Western Australia", "Kalgoorlie-Boulder", "AU", "Australia"],
  ["Paris", "Île-de-France", "Paris", "FR", "France"],
  ["Paris", "Texas", "Lamar", "US", "United States"],
  ["Portland", "Oregon", "Multnomah", "US", "United States"],
  ["Portland", "Maine", "Cumberland", "US", "United States"],
  ["São Paulo", "São Paulo", null, "BR", "Brazil"],
  ["Springfield", "Missouri", "Greene", "US", "United States"],
  ["Springfield", "Illinois", "Sangamon", "US", "United States"],
  ["London", "England", "Greater London", "GB", "United Kingdom"],
  ["London", "Ontario", null, "CA", "Canada"],
  ["Washington", "District of Columbia", null, "US", "United States"],
  ["The Hague", "South Holland", null, "NL", "Netherlands"],
  ["Charleston", "West Virginia", null, "US", "United States"],
  ["Charleston", "South Carolina", null, "US", "United States"],
  ["Atlanta", "Georgia", "Fulton", "US", "United States"],
] as const;
const bare = (name: string) => name.normalize("NFD").replaceAll(/\p{M}/gu, "").toLowerCase();

const openMeteo: RequestListener = ({ url }, response) => {
  const { pathname, searchParams } = new URL(url ?? "/", "http://localhost");
  if (pathname === "/v1/forecast") {
    response.end(JSON.stringify({ current: { temperature_2m: 20, weather_code: 0 } }));
    return;
  }
  const name = bare(searchParams.get("name") ?? "");
  const results = knownPlaces
    .filter(([known]) => bare(known) === name)
    .slice(0, Number(searchParams.get("count")))
    .map(([known, admin1, admin2, country_code, country]) => ({
      id: 1,
      name: known,
      latitude: 1,
      longitude: 2,
      country_code,
      country,
      admin1,
      ...(admin2 === null ? {} : { admin2 }),
    }));
  response.end(JSON.stringify({ ...(results.length === 0 ? {} : { results }), generationtime_ms: 0.5 }));
};

for (const [asked, told] of [
  ["Boulder", "Boulder, United States"],
  ["Boulder, CO", "Boulder, Colorado, United States"],
  ["boulder,colorado", "Boulder, Colorado, United States"],
  ["Boulder, MT, USA", "Boulder, Montana, United States"],
  ["Boulder, Australia", "Boulder, Western Australia, Australia"],
  ["Boulder, W.A.", "Boulder, Western Australia, Australia"],
  ["Boulder Montana", "Boulder, Montana, United States"],
  ["Paris, France", "Paris, Île-de-France, France"],
  ["Paris, TX", "Paris, Texas, United States"],
  ["Paris, Lamar County, Texas", "Paris, Texas, United States"],
  ["Portland, Oregon", "Portland, Oregon, United States"],
  ["Portland, ME", "Portland, Maine, United States"],
  ["São Paulo, Brazil", "São Paulo, Brazil"],
  ["sao paulo, BR", "São Paulo, Brazil"],
  ["Springfield, IL", "Springfield, Illinois, United States"],
  ["Springfield, Illinois, US", "Springfield, Illinois, United States"],
  ["London, UK", "London, England, United Kingdom"],
  ["London, England", "London, England, United Kingdom"],
  ["London, Ontario", "London, Ontario, Canada"],
  ["London, ON, Canada", "London, Ontario, Canada"],
  ["Washington, D.C.", "Washington, District of Columbia, United States"],
  ["Washington DC", "Washington, District of Columbia, United States"],
  ["The Hague, the Netherlands", "The Hague, South Holland, Netherlands"],
  ["Charleston South Carolina", "Charleston, South Carolina, United States"],
  ["Atlanta, GA", "Atlanta, Georgia, United States"],
  ["Springfield, Nowhere", "Springfield, Missouri, United States"],
] as const) {
  test(`${asked} is ${told}`, async (t) => {
    const { url } = await service(t, openMeteo);
    t.like(await getWeatherByLocation(asked, { url, timeoutMs }), { found: true, location: told });
  });
}

for (const asked of ["Nowhere, CO", "Boulder Nowhere", ", CO,", "Nowhere"]) {
  test(`"${asked}" is not found, and nothing else is made of it`, async (t) => {
    const { url } = await service(t, openMeteo);
    const weather = await getWeatherByLocation(asked, { url, timeoutMs });
    t.like(weather, { found: false, location: asked, reason: "it knows no place of that name" });
  });
}
