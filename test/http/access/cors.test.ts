import { request as httpRequest } from "node:http";
import anyTest, { type TestFn } from "ava";
import type { AgentLauncher, ServeOptions } from "greenroom";
import pino from "pino";
import { fillServeOptions } from "../../../src/control-plane/serve-options.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

const test = anyTest as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Sends a request as a browser does: fetch does not let a program say its Host and its Origin. */
function send(port: number, { method = "GET", path = "/sessions", headers = {}, body }: Sent) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const request = httpRequest({ port, host: "127.0.0.1", method, path, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      request.on("error", reject);
      request.end(body);
    },
  );
}

const preflight = (origin: string, headers = "authorization, x-thing"): Sent => ({
  method: "OPTIONS",
  headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": headers },
});
const allowed = { getCurrentUser: () => "somebody" } satisfies ServeOptions;

test("a developer's own server answers its own origin and localhost, on any port", async (t) => {
  const { port } = await openServer(t, t.context.launcher);
  for (const origin of [
    `http://127.0.0.1:${port}`,
    "http://localhost:5173",
    "https://localhost",
    "http://127.0.0.1:3000",
    "http://[::1]:3000",
  ]) {
    const answer = await send(port, { headers: { origin } });
    t.is(answer.status, 200, origin);
    t.is(answer.headers["access-control-allow-origin"], origin);
    t.regex(String(answer.headers.vary), /Origin/);
    const asked = await send(port, preflight(origin));
    t.is(asked.status, 204);
    t.is(asked.headers["access-control-allow-origin"], origin);
    t.is(asked.headers["access-control-allow-headers"], "authorization, x-thing");
    t.is(asked.headers["access-control-allow-credentials"], undefined);
    for (const method of ["PATCH", "DELETE"])
      t.true(String(asked.headers["access-control-allow-methods"]).split(", ").includes(method));
  }
});

test("no other page can drive it, not even by requests that browsers send unasked", async (t) => {
  const { port, start } = await openServer(t, t.context.launcher);
  const { session_id } = await start();
  for (const origin of [
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://evil.example:80@localhost",
    "file://",
    "chrome-extension://abcdef",
    `http://evil.example:${port}`,
  ]) {
    for (const sent of [
      { path: "/sessions" },
      preflight(origin),
      { method: "POST", path: `/sessions/${session_id}/close`, body: "bye" },
      {
        method: "POST",
        path: `/sessions/${session_id}/close`,
        headers: { "content-type": "text/plain" },
        body: "bye",
      },
      { method: "POST", body: '{"call_id":"c"}', headers: { "content-type": "text/plain" } },
      { method: "POST", body: '{"call_id":"c"}' },
      { path: `/sessions/${session_id}/events` },
      { path: "/metrics" },
    ] satisfies Sent[]) {
      const answer = await send(port, {
        ...sent,
        headers: { ...("headers" in sent ? sent.headers : {}), origin },
      });
      t.is(answer.status, 403, `${origin} ${JSON.stringify(sent)}`);
      t.is(answer.headers["access-control-allow-origin"], undefined);
      t.is(JSON.parse(answer.text).code, "FORBIDDEN");
    }
  }
  t.is(t.context.launcher.getSession(session_id)?.endReason, null);
});

test("a domain that is pointed at this machine is known by its Host", async (t) => {
  const { port } = await openServer(t, t.context.launcher, {
    allowedHosts: ["https://Greenroom.internal:8443/"],
  });
  for (const host of [
    "evil.example",
    `evil.example:${port}`,
    "localhost.evil.example",
    "10.0.0.1",
    "local host",
  ]) {
    const answer = await send(port, { headers: { host, origin: `http://${host}` } });
    t.is(answer.status, 403, host);
    const withoutOrigin = await send(port, { headers: { host } });
    t.is(withoutOrigin.status, 403, host);
    t.regex(JSON.parse(withoutOrigin.text).detail, /^The Host "/);
  }
  for (const host of [
    "localhost",
    `LOCALHOST:${port}`,
    "127.0.0.1",
    `127.0.0.1:${port}`,
    `[::1]:${port}`,
    "greenroom.internal:8000",
  ]) {
    t.is((await send(port, { headers: { host } })).status, 200, host);
  }
});

test("who is refused is told the one flag that lets them in, and so is the log, once", async (t) => {
  const lines: { level: number; msg: string }[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const launcher = await startLauncher({ logger });
  t.teardown(() => launcher.stop());
  const { port } = await openServer(t, launcher);
  const advice =
    'The Host "agents" is not known here, and nobody is asked who they are: start the server with --allowed-hosts agents ' +
    "(GREENROOM_ALLOWED_HOSTS; in code allowedHosts), or have callers authenticate (GREENROOM_API_KEYS)";
  for (let i = 0; i < 3; i += 1) {
    const { status, text } = await send(port, { headers: { host: "Agents:8000" } });
    t.deepEqual([status, JSON.parse(text)], [403, { detail: advice, code: "FORBIDDEN" }]);
  }
  const { text } = await send(port, { headers: { host: "localhost", origin: "https://app.example" } });
  t.regex(JSON.parse(text).detail, /^The Origin .* --cors-allow-origins https:\/\/app\.example \(GREENROOM/);
  t.is(lines.filter(({ msg }) => msg === advice).length, 1);
  for (let i = 0; i < 50; i += 1) await send(port, { headers: { host: `name-${i}.example` } });
  t.true(lines.length <= 20, "nobody fills the log by asking");
});

test("a server that listens everywhere may be called by any address, but by no stranger's name", async (t) => {
  const { port } = await openServer(t, t.context.launcher, { host: "0.0.0.0" });
  t.is((await send(port, { headers: { host: "10.1.2.3:8000" } })).status, 200);
  t.is((await send(port, { headers: { host: "[2001:db8::1]" } })).status, 200);
  t.is((await send(port, { headers: { host: "evil.example" } })).status, 403);
});

test("probes answer whoever asks from wherever", async (t) => {
  const { port } = await openServer(t, t.context.launcher);
  for (const path of ["/health", "/serving", "/ready"]) {
    const answer = await send(port, {
      path,
      headers: { host: "pod.example", origin: "https://evil.example" },
    });
    t.is(answer.status, 200);
    t.is(answer.headers["access-control-allow-origin"], undefined);
  }
});

test("with authentication, any origin may ask, and none sends cookies", async (t) => {
  const { port } = await openServer(t, t.context.launcher, allowed);
  const answer = await send(port, { headers: { origin: "https://anywhere.example", host: "api.example" } });
  t.is(answer.status, 200);
  t.is(answer.headers["access-control-allow-origin"], "*");
  t.is(answer.headers["access-control-allow-credentials"], undefined);
  const asked = await send(port, preflight("https://anywhere.example"));
  t.is(asked.status, 204);
  t.is(asked.headers["access-control-allow-origin"], "*");
  t.is(asked.headers["access-control-allow-headers"], "authorization, x-thing");
});

test("named origins may ask; with authentication, others get no leave to read", async (t) => {
  const { port } = await openServer(t, t.context.launcher, {
    ...allowed,
    corsAllowOrigins: ["https://app.example"],
  });
  const named = await send(port, { headers: { origin: "https://app.example", host: "api.example" } });
  t.is(named.headers["access-control-allow-origin"], "https://app.example");
  const other = await send(port, { headers: { origin: "https://evil.example", host: "api.example" } });
  t.is(other.status, 200);
  t.is(other.headers["access-control-allow-origin"], undefined);
  const asked = await send(port, preflight("https://evil.example"));
  t.is(asked.headers["access-control-allow-origin"], undefined);
});

test("named origins without authentication: pages of others are refused", async (t) => {
  const { port } = await openServer(t, t.context.launcher, {
    corsAllowOrigins: ["https://app.example"],
    allowedHosts: ["api.example"],
  });
  t.is((await send(port, { headers: { origin: "https://app.example", host: "api.example" } })).status, 200);
  t.is((await send(port, { headers: { origin: "https://evil.example", host: "api.example" } })).status, 403);
  t.is((await send(port, { headers: { origin: `http://evil.example`, host: "evil.example" } })).status, 403);
  t.is((await send(port, { headers: { host: "api.example" } })).status, 200);
  // The list is whole: pages on this machine are not in it.
  t.is((await send(port, { headers: { origin: "http://localhost:3000", host: "localhost" } })).status, 403);
});

for (const origins of [["https://app.example"], ["*"], ["null"], []]) {
  test(`the Host is checked where nobody authenticates, also with the origins ${JSON.stringify(origins)}`, async (t) => {
    const { port } = await openServer(t, t.context.launcher, { corsAllowOrigins: origins });
    for (const headers of [
      { host: "evil.example" },
      { host: "evil.example", origin: "http://evil.example" },
      { host: "app.example", origin: "https://app.example" },
      { host: "evil.example", origin: "null" },
    ]) {
      t.is((await send(port, { headers })).status, 403, JSON.stringify(headers));
    }
    t.is((await send(port, { headers: { host: `localhost:${port}` } })).status, 200);
  });
}

test("errors carry the leave to read them", async (t) => {
  const { port } = await openServer(t, t.context.launcher, { ...allowed, canStartSession: () => false });
  const headers = { origin: "https://app.example", "content-type": "application/json" };
  const refused = await send(port, { method: "POST", headers, body: '{"call_id":"c"}' });
  t.is(refused.status, 403);
  t.is(refused.headers["access-control-allow-origin"], "*");
  const unknown = await send(port, { path: "/nowhere", headers });
  t.is(unknown.status, 404);
  t.is(unknown.headers["access-control-allow-origin"], "*");
  t.regex(String(unknown.headers["access-control-expose-headers"]), /Retry-After/);
});

test("cookies go to named origins only", async (t) => {
  const { port } = await openServer(t, t.context.launcher, {
    ...allowed,
    corsAllowOrigins: ["https://app.example"],
    corsAllowCredentials: true,
    corsAllowMethods: ["GET"],
    corsAllowHeaders: ["X-One", "X-Two"],
  });
  const asked = await send(port, preflight("https://app.example"));
  t.is(asked.headers["access-control-allow-origin"], "https://app.example");
  t.is(asked.headers["access-control-allow-credentials"], "true");
  t.is(asked.headers["access-control-allow-methods"], "GET");
  t.is(asked.headers["access-control-allow-headers"], "X-One, X-Two");
  const other = await send(port, { headers: { origin: "https://evil.example" } });
  t.is(other.headers["access-control-allow-credentials"], undefined);
});

test("cookies for every origin are refused at the start", (t) => {
  for (const options of [
    { corsAllowCredentials: true, corsAllowOrigins: ["*"] },
    { corsAllowCredentials: true, corsAllowOrigins: ["https://app.example", "*"] },
    { corsAllowCredentials: true, ...allowed },
  ] satisfies ServeOptions[]) {
    t.throws(() => fillServeOptions(options), {
      message: /corsAllowCredentials: .* name the origins in corsAllowOrigins/,
    });
  }
});
