import { once } from "node:events";
import { connect } from "node:net";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { AgentLauncher } from "greenroom";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

const test = anyTest as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ warmSessions: 1, maxConcurrentSessions: 1 });
});
test.after.always((t) => t.context.launcher.stop());

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
