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

test("the service is asked where the place is, then how the weather is there", async (t) => {
  const { url, asked } = await service(
    t,
    answering({ search: oslo, forecast: { current: { temperature_2m: -3.5, weather_code: 71 } } }),
  );
  t.deepEqual(await getWeatherByLocation("Oslo & more", { url }), {
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

test("a place that the service does not know is an answer", async (t) => {
  const { url } = await service(t, answering({ search: { generationtime_ms: 0.5 } }));
  t.deepEqual(await getWeatherByLocation("Xyzzy", { url }), {
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
  test(`the built-in table answers where the service does not: ${title}`, async (t) => {
    const { url } = await service(t, listener);
    const timeoutMs = title.includes("hangs in") || title === "it hangs" ? 200 : 10_000;
    t.deepEqual(await getWeatherByLocation("Oslo", { url, timeoutMs }), fromTable);
    t.like(await getWeatherByLocation("Xyzzy", { url, timeoutMs }), {
      found: false,
      reason: "the weather service does not answer, and no place of that name is in it",
    });
  });
}

test("offline, the table is asked alone; case, accents and the country do not matter", async (t) => {
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

test("whoever asked can give it up", async (t) => {
  const giveUp = new AbortController();
  const { url } = await service(t, () => giveUp.abort(new Error("never mind")));
  await t.throwsAsync(getWeatherByLocation("Oslo", { url, signal: giveUp.signal }), {
    message: "never mind",
  });
});
