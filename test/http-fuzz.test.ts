import { once } from "node:events";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import fc from "fast-check";
import { type AgentLauncher, HttpError } from "greenroom";
import { openServer, startLauncher } from "./http-fixtures/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

/** Longest time that an answer may take, in milliseconds: what is slower hangs. */
const hangMs = 20_000;
const runs = { numRuns: 150, interruptAfterTimeLimit: 40_000 };

const json = { "content-type": "application/json" };

/** Starts are judged, but none is made: a thread for each would be another test. */
async function judged(t: ExecutionContext<{ launcher: AgentLauncher }>) {
  const server = await openServer(t, t.context.launcher, {
    startsPerSecond: null,
    messagesPerSecond: null,
    canStartSession: () => {
      throw new HttpError(403, "no");
    },
  });
  const send = async (path: string, init: RequestInit) => {
    const response = await fetch(server.url + path, { ...init, signal: AbortSignal.timeout(hangMs) });
    const text = await response.text();
    if (response.status >= 500) throw new Error(`${response.status}: ${text}`);
    if (response.status >= 400 && init.method !== "HEAD") {
      const { detail, code } = JSON.parse(text) as { detail: unknown; code: unknown };
      if (detail === undefined || typeof code !== "string")
        throw new Error(`An error without detail or code: ${text}`);
    }
    return response.status;
  };
  return { ...server, send };
}

test("JSON of any shape starts nothing and breaks nothing", async (t) => {
  const { send } = await judged(t);
  const body = fc.oneof(
    fc.json(),
    fc
      .record(
        { call_id: fc.jsonValue(), call_type: fc.jsonValue(), config: fc.jsonValue() },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
    fc.string({ unit: "binary" }).map((call_id) => JSON.stringify({ call_id })),
    fc.string({ unit: "grapheme" }),
  );
  await fc.assert(
    fc.asyncProperty(body, async (text) => {
      const status = await send("/sessions", { method: "POST", headers: json, body: text });
      return status === 403 || status === 422;
    }),
    runs,
  );
  t.pass();
});

test("bytes of any kind, under any type and encoding", async (t) => {
  const { send } = await judged(t);
  const type = fc.oneof(
    fc.constantFrom(
      "application/json",
      "application/json; charset=utf-8",
      "application/json; charset=ebcdic",
      "text/plain",
      "",
    ),
    fc.stringMatching(/^[ -~]{0,60}$/),
  );
  const encoding = fc.constantFrom("identity", "gzip", "deflate", "br", "zstd", "gzip, br", "x");
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }),
    fc.uint8Array({ maxLength: 2_000 }).map((content) => new Uint8Array(gzipSync(content))),
    fc.tuple(fc.uint8Array({ minLength: 30, maxLength: 300 }), fc.nat(29)).map(([content, at]) => {
      const packed = new Uint8Array(gzipSync(content));
      packed[at] = 255 - (packed[at] ?? 0);
      return packed;
    }),
  );
  await fc.assert(
    fc.asyncProperty(type, encoding, bytes, async (contentType, contentEncoding, body) => {
      const headers = { "content-type": contentType, "content-encoding": contentEncoding };
      const status = await send("/sessions", { method: "POST", headers, body });
      return [400, 403, 413, 415, 422].includes(status);
    }),
    runs,
  );
  t.pass();
});

test("headers of any content", async (t) => {
  const { send, start } = await openAll(t);
  const { session_id } = await start();
  const value = fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,80}$/);
  const name = fc.constantFrom(
    "authorization",
    "cookie",
    "x-api-key",
    "x-request-id",
    "idempotency-key",
    "last-event-id",
    "origin",
    "accept",
    "accept-encoding",
    "x-forwarded-for",
    "content-type",
    "if-none-match",
    "range",
    "access-control-request-method",
  );
  const path = fc.constantFrom(
    "/sessions",
    `/sessions/${session_id}`,
    `/sessions/${session_id}/metrics`,
    "/health",
    "/docs",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("GET", "HEAD", "OPTIONS"),
      path,
      fc.dictionary(name, value, { maxKeys: 5 }),
      async (method, at, headers) => {
        return (await send(at, { method, headers })) < 500;
      },
    ),
    runs,
  );
  t.pass();
});

test("paths and queries of any spelling", async (t) => {
  const { send } = await judged(t);
  const text = fc.oneof(
    fc.string({ unit: "binary" }).map((raw) => encodeURIComponent(raw.toWellFormed())),
    fc.stringMatching(/^[!-~]{0,40}$/),
  );
  const path = fc.oneof(
    text.map((part) => `/${part}`),
    text.map((part) => `/sessions/${part}`),
    text.map((part) => `/calls/${part}/sessions`),
    fc.tuple(text, text).map(([call, id]) => `/calls/${call}/sessions/${id}/metrics`),
    text.map((part) => `/sessions?${part}`),
    fc
      .tuple(fc.constantFrom("limit", "cursor", "state", "call_id"), text)
      .map(([key, part]) => `/sessions?${key}=${part}`),
    fc
      .tuple(fc.constantFrom("token", "wait", "last_event_id"), text)
      .map(([key, part]) => `/sessions/x?${key}=${part}`),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("GET", "DELETE", "POST", "PUT", "HEAD"), path, async (method, at) => {
      return (await send(at.replaceAll("#", "%23"), { method })) < 500;
    }),
    runs,
  );
  t.pass();
});

test("bytes that are hardly HTTP", async (t) => {
  const { port } = await judged(t);
  const piece = fc.oneof(
    fc.constantFrom(
      "GET ",
      "POST ",
      "/sessions",
      " HTTP/1.1\r\n",
      "Host: localhost\r\n",
      "Content-Length: 5\r\n",
      "Transfer-Encoding: chunked\r\n",
      "\r\n",
      "\r\n\r\n",
      "Expect: 100-continue\r\n",
      "Upgrade: websocket\r\nConnection: upgrade\r\n",
      "ffffffff\r\n",
      "{}",
      "Content-Type: application/json\r\n",
    ),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      let said = "";
      socket.setEncoding("latin1").on("data", (text: string) => {
        said += text;
      });
      await once(socket, "connect");
      socket.end(pieces.join(""));
      await new Promise((resolve) => socket.once("close", resolve));
      return !/^HTTP\/1\.1 5/m.test(said);
    }),
    runs,
  );
  t.pass();
});

test("after all that the server is well", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher);
  const { session_id } = await start({ call_id: "well" });
  t.is((await ask(`/sessions/${session_id}`)).status, 200);
});

/** With nobody to refuse a start, and a session to ask about. */
async function openAll(t: ExecutionContext<{ launcher: AgentLauncher }>) {
  const { start } = await openServer(t, t.context.launcher);
  const { send } = await judged(t);
  return { start, send };
}
