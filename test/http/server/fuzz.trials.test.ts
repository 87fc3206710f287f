import { once } from "node:events";
import { connect } from "node:net";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import fc from "fast-check";
import { type AgentLauncher, HttpError } from "greenroom";
import {
  bodyBytes,
  contentEncodings,
  contentTypes,
  hardlyHttp,
  readHeaders,
  startBodies,
  targets,
} from "../../fixtures/http/hostile.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { trials } from "../../fixtures/trials.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

/** The longest time that an answer may take, in milliseconds: what is slower hangs. */
const hangMs = 20_000;
const runs = { numRuns: trials(50, 150), interruptAfterTimeLimit: 40_000 };

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
  await fc.assert(
    fc.asyncProperty(startBodies, async (text) => {
      const status = await send("/sessions", { method: "POST", headers: json, body: text });
      return status === 403 || status === 422;
    }),
    runs,
  );
  t.pass();
});

test("bytes of any kind, under any type and encoding", async (t) => {
  const { send } = await judged(t);
  await fc.assert(
    fc.asyncProperty(
      contentTypes,
      contentEncodings,
      bodyBytes,
      async (contentType, contentEncoding, body) => {
        const headers = { "content-type": contentType, "content-encoding": contentEncoding };
        const status = await send("/sessions", { method: "POST", headers, body });
        return [400, 403, 413, 415, 422].includes(status);
      },
    ),
    runs,
  );
  t.pass();
});

test("headers of any content", async (t) => {
  const { send, start } = await openAll(t);
  const { session_id } = await start();
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
      readHeaders,
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
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("GET", "DELETE", "POST", "PUT", "HEAD"), targets, async (method, at) => {
      return (await send(at, { method })) < 500;
    }),
    runs,
  );
  t.pass();
});

test("bytes that are hardly HTTP", async (t) => {
  const { port } = await judged(t);
  await fc.assert(
    fc.asyncProperty(hardlyHttp, async (text) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      let said = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        said += chunk;
      });
      await once(socket, "connect");
      socket.end(text);
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

/** Opens a server with nobody to refuse a start, and a session to ask about. */
async function openAll(t: ExecutionContext<{ launcher: AgentLauncher }>) {
  const { start } = await openServer(t, t.context.launcher);
  const { send } = await judged(t);
  return { start, send };
}

/** Sends the first part, then a byte now and then, until the server has had enough. Returns what it said. */
async function dribble(
  t: ExecutionContext<{ launcher: AgentLauncher }>,
  first: string,
  byte: string,
  timeouts = { headersMs: 100, requestMs: 200, checkIntervalMs: 20 },
): Promise<string> {
  const { port } = await openServer(t, t.context.launcher, { timeouts });
  const socket = connect(port, "127.0.0.1");
  t.teardown(() => socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  let said = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  socket.write(first);
  const dribbling = setInterval(() => socket.write(byte), 20);
  t.teardown(() => clearInterval(dribbling));
  await new Promise((resolve) => socket.once("close", resolve));
  return said;
}

const timedOut =
  /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*\r\n\r\n\{"detail":"The request took too long to arrive","code":"REQUEST_TIMEOUT"\}$/;

test("a client that dribbles its headers is cut off", async (t) => {
  t.regex(await dribble(t, "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "a"), timedOut);
});

test("a client that dribbles its body is cut off", async (t) => {
  const head =
    "POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n";
  t.regex(await dribble(t, head, " "), timedOut);
});

test("a client that dribbles a body in chunks is cut off", async (t) => {
  const head =
    "POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  t.regex(await dribble(t, head, "1\r\n \r\n"), timedOut);
});

test("a client that dribbles a body that nobody reads gets its answer", async (t) => {
  const head = "POST /sessions/nobody/close HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n";
  // It would be cut off too, later.
  const timeouts = { headersMs: 5_000, requestMs: 5_000, checkIntervalMs: 20 };
  t.regex(await dribble(t, head, " ", timeouts), /^HTTP\/1\.1 404 Not Found\r\n/);
});

test("a request that cannot be read is answered in JSON", async (t) => {
  for (const [request, status, code] of [
    ["NONSENSE\r\n\r\n", 400, "BAD_REQUEST"],
    ["GET / HTTP/9.9\r\n\r\n", 400, "BAD_REQUEST"],
    ["GET /health HTTP/1.1\r\nHost: localhost\r\nBad Header: x\r\n\r\n", 400, "BAD_REQUEST"],
    [`GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431, "HEADERS_TOO_LARGE"],
    ["GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: wonders\r\n\r\n", 417, "EXPECTATION_FAILED"],
    [
      "POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
      "BAD_REQUEST",
    ],
  ] as const) {
    const { port } = await openServer(t, t.context.launcher);
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    let said = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    socket.write(request);
    await new Promise((resolve) => socket.once("close", resolve));
    t.regex(said, new RegExp(`^HTTP/1.1 ${status} `), request);
    t.is(JSON.parse(said.split("\r\n\r\n")[1]!).code, code);
  }
});
