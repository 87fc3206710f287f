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

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

/** The longest time that an answer may take, in milliseconds: what is slower hangs. */
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
