import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BroadcastChannel, MessageChannel, type MessagePort } from "node:worker_threads";
import test, { type ExecutionContext } from "ava";
import * as mcp from "greenroom/mcp";
import pino from "pino";
import {
  offerSharedThreads,
  SharedThreadUnavailableError,
} from "../../../src/agent/thread/shared-threads.ts";
import { HostedProgram } from "../../../src/providers/mcp/hosted/hosted-program.ts";
import { loadSdk } from "../../../src/providers/mcp/sdk.ts";
import { programTransport } from "../../../src/providers/mcp/transports.ts";
import type { FromMcpThread } from "../../../src/shared/mcp-thread.ts";
import { McpThread } from "../../../src/supervisor/mcp/mcp-thread.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { isThere } from "../../fixtures/mcp/is-there.ts";
import { toolContext } from "../../fixtures/mcp/tool-context.ts";

const program = join(import.meta.dirname, "../../fixtures/mcp/stdio-server.ts");
const never = new AbortController().signal;
const unavailable = { name: "ToolError", message: /cannot be reached at the moment/ };

const call = (server: mcp.Server, name: string, args: object = {}, signal = never) =>
  server.functions.get(name)!.call(args, toolContext(signal));

/** The real thread of the programs, as a server of Greenroom has it, and servers of several sessions that use it. */
async function stage(t: ExecutionContext) {
  const entry = new URL("../../fixtures/mcp/mortal-mcp.ts", import.meta.url);
  const thread = new McpThread({ log: pino({ level: "silent" }), entry });
  const connect = async (): Promise<MessagePort> => {
    const { port, refusal } = thread.connect();
    if (port === null) throw new SharedThreadUnavailableError(refusal);
    return port;
  };
  const withdraw = offerSharedThreads({ mcp: { connect } });
  const channel = new BroadcastChannel("mortal-mcp");
  const folder = await mkdtemp(join(tmpdir(), "greenroom-mcp-"));
  const file = join(folder, "pid");
  t.teardown(async () => {
    withdraw();
    channel.close();
    await thread.stop();
    await rm(folder, { recursive: true });
  });
  const server = async (options: Partial<mcp.StdioServerOptions> = {}) => {
    const one = new mcp.Server({
      command: process.execPath,
      args: [program, "--stubborn", file],
      connectTimeoutMs: 60_000,
      timeoutMs: 60_000,
      maxTimeoutMs: 60_000,
      ...options,
    });
    t.teardown(() => one.close());
    await one.warm(never);
    return one;
  };
  const pids = () => (existsSync(file) ? (readFileSync(file, "utf8").match(/\d+/g) ?? []) : []).map(Number);
  /** Ends the thread as a crash does; the next session starts another one. */
  const lose = () => channel.postMessage("end");
  return { thread, connect, lose, server, pids, file };
}

test.serial("sessions share one program, and each gets its own answers and progress", async (t) => {
  const { server, pids } = await stage(t);
  const sessions = await Promise.all(Array.from({ length: 5 }, () => server()));
  const sums = sessions.flatMap((one, a) =>
    Array.from({ length: 20 }, async (_, b) => t.is(await call(one, "add", { a, b }), String(a + b))),
  );
  const told = await Promise.all(
    sessions.map(async (one, index) => {
      const words: string[] = [];
      const work = one.functions.get("work")!;
      const steps = index + 2;
      const result = await work.call(
        { steps, ms: 5 },
        toolContext(never, (said) => words.push(said)),
      );
      t.is(result, `${steps} steps are done`);
      return words;
    }),
  );
  await Promise.all(sums);
  for (const [index, words] of told.entries()) t.true(words.includes(`1 of ${index + 2}`));
  t.is(pids().length, 1);
});

test.serial(
  "a call that is given up is cancelled for its session alone, and so are those of one that leaves",
  async (t) => {
    const { server } = await stage(t);
    const [first, second] = [await server(), await server()];
    const cancel = new AbortController();
    const mine = call(first, "hang", {}, cancel.signal);
    const happened = async (what: string, times: number) => {
      await eventually(`${what} ${times}`, async () => {
        const said = String(await call(first, "happened"));
        return said.split(what).length - 1 === times;
      });
    };
    const theirs = t.throwsAsync(call(second, "hang"));
    await happened("hang began", 2);
    cancel.abort(new Error("the user speaks"));
    t.is((await t.throwsAsync(mine))!.message, "the user speaks");
    await happened("hang cancelled", 1);
    await second.close();
    await theirs;
    await happened("hang cancelled", 2);
  },
);

test.serial("a program that dies fails the calls of all sessions, and is started again once", async (t) => {
  const { server, pids } = await stage(t);
  const sessions = [await server(), await server()];
  const hanging = t.throwsAsync(call(sessions[1]!, "hang"), unavailable);
  await t.throwsAsync(call(sessions[0]!, "die"), unavailable);
  await hanging;
  for (const one of sessions) {
    await eventually(
      "it is back",
      async () => (await call(one, "add", { a: 1, b: 2 }).catch(() => "")) === "3",
    );
  }
  t.is(pids().length, 2);
});

test.serial(
  "a program that hangs is ended once a call was given up, so that the next one finds another",
  async (t) => {
    const sdk = await loadSdk();
    for (const mode of ["--silent", "--stubborn"]) {
      const wanted = { command: process.execPath, args: [program, mode], env: {}, cwd: null, shared: true };
      const running = new HostedProgram(
        programTransport(wanted, sdk, () => undefined),
        { startMs: 50, silentMs: 50 },
      );
      const ended = Promise.withResolvers<void>();
      running.onEnd = () => ended.resolve();
      const join = () => {
        const { port1, port2 } = new MessageChannel();
        const told: FromMcpThread[] = [];
        port1.on("message", (message: FromMcpThread) => told.push(message));
        running.add(port2, false);
        const send = (message: object) =>
          port1.postMessage({ type: "message", message: { jsonrpc: "2.0", ...message } });
        const params = {
          protocolVersion: "2025-06-18",
          capabilities: {},
          clientInfo: { name: "t", version: "1" },
        };
        send({ id: 7, method: "initialize", params });
        return { port: port1, told, send };
      };
      const [leaves, stays] = [join(), join()];
      await running.start();
      if (mode === "--stubborn") {
        const isGreeted = ({ told }: typeof stays) => told.some(({ type }) => type === "message");
        await eventually("the handshake is made", () => isGreeted(stays) && isGreeted(leaves));
        leaves.send({ id: 8, method: "tools/call", params: { name: "freeze", arguments: {} } });
      }
      leaves.port.close();
      await ended.promise;
      await eventually("the other session is told", () => stays.told.at(-1)?.type === "lost");
      t.like(stays.told.at(-1), { reason: "The program does not answer" });
      await running.close();
    }
  },
);

test.serial("a program that is slow, and answers, is not ended where calls are given up", async (t) => {
  const { server, pids } = await stage(t);
  const sessions = [await server(), await server()];
  for (let time = 0; time < 3; time += 1) {
    const cancel = new AbortController();
    const hanging = t.throwsAsync(call(sessions[0]!, "hang", {}, cancel.signal));
    await eventually("the tool hangs", async () =>
      String(await call(sessions[1]!, "happened")).includes("hang began"),
    );
    cancel.abort(new Error("enough"));
    await hanging;
  }
  t.is(await call(sessions[1]!, "add", { a: 1, b: 2 }), "3");
  t.is(pids().length, 1);
});

test.serial("tools that change are the new ones in all sessions", async (t) => {
  const { server } = await stage(t);
  const sessions = [await server(), await server()];
  await call(sessions[0]!, "change");
  for (const one of sessions) await eventually("the tools are new", () => one.functions.has("new"));
  t.is(await call(sessions[1]!, "new"), "new");
});

test.serial("other variables are another program, and so is one that is not shared", async (t) => {
  const { server, pids } = await stage(t);
  const one = await server({ env: { TOKEN: "ann" } });
  const other = await server({ env: { TOKEN: "bob" } });
  t.is(pids().length, 2);
  t.regex(String(await call(one, "happened")), /PATH.*TOKEN/);
  await server({ env: { TOKEN: "ann" } });
  t.is(pids().length, 2);
  await server({ env: { TOKEN: "ann" }, shared: false });
  t.is(pids().length, 3);
  t.is(await call(other, "add", { a: 1, b: 2 }), "3");
});

test.serial("a program that cannot be started is told with the system's code", async (t) => {
  const { server } = await stage(t);
  t.like(await t.throwsAsync(server({ command: "/no/such/program" })), {
    name: "McpServerError",
    code: "ENOENT",
  });
  await t.throwsAsync(server({ args: [program, "--broken"] }), {
    name: "McpServerError",
    message:
      /^The MCP server node stdio-server\.ts cannot be used: .*Its program wrote last: DATABASE_URL is not set$/,
  });
});

test.serial("the programs end with the server, also those that do not end with their input", async (t) => {
  const { thread, server, pids } = await stage(t);
  await server();
  await server({ shared: false });
  t.true(pids().every(isThere));
  await thread.stop();
  t.false(pids().some(isThere));
  t.is(pids().length, 2);
});

test.serial(
  "a program that is not shared ends with its session, also where the session's thread is lost",
  async (t) => {
    const { connect, server, pids, file } = await stage(t);
    await server();
    const own = await server({ shared: false });
    const [kept, first] = pids();
    await own.close();
    await eventually("the first one has ended", () => !isThere(first!));
    const port = await connect();
    const wanted = { command: process.execPath, args: [program, "--stubborn", file], env: {}, cwd: null };
    port.postMessage({ type: "open", program: { ...wanted, shared: false } });
    await once(port, "message");
    await eventually("the second one runs", () => pids().length === 3);
    const second = pids()[2]!;
    port.close();
    await eventually("the second one has ended", () => !isThere(second));
    t.true(isThere(kept!));
  },
);

test.serial(
  "where the thread is lost its calls fail, its programs end, and a new one serves the next",
  async (t) => {
    const { lose, server, pids } = await stage(t);
    const one = await server();
    await server({ shared: false });
    const before = pids();
    const hanging = t.throwsAsync(call(one, "hang"), unavailable);
    lose();
    await hanging;
    await eventually("the programs of the lost thread have ended", () => !before.some(isThere));
    t.true(one.functions.has("add"));
    await eventually(
      "it is back",
      async () => (await call(one, "add", { a: 1, b: 2 }).catch(() => "")) === "3",
    );
  },
);

test.serial("a message that is no request costs only its sender the way to the program", async (t) => {
  const { connect, server, pids } = await stage(t);
  const honest = await server();
  const program = { command: process.execPath, args: [], env: {}, cwd: null, shared: true };
  const request = (message: unknown) => ({ type: "message", message });
  const wrong = [
    [null],
    ["open"],
    [{ type: "open" }],
    [{ type: "open", program: { ...program, args: [7] } }],
    [{ type: "open", program: { ...program, env: null } }],
    [{ type: "open", program: { ...program, shared: 1 } }],
    [request({ jsonrpc: "2.0", id: 1, method: "ping" })],
  ];
  const behindOpen = [
    null,
    request(null),
    request({ id: 1, method: "ping" }),
    request({ jsonrpc: "2.0", method: "notifications/cancelled", params: [] }),
    request({ jsonrpc: "2.0", id: 1, method: "ping", params: { big: 1n } }),
  ];
  const open = {
    type: "open",
    program: {
      ...program,
      args: [join(import.meta.dirname, "../../fixtures/mcp/stdio-server.ts")],
      env: process.env,
    },
  };
  const connected = async () => {
    const port = await connect();
    return { port, closed: new Promise((resolve) => port.once("close", resolve)) };
  };
  for (const [message] of wrong) {
    const { port, closed } = await connected();
    port.postMessage(message);
    await closed;
  }
  for (const message of behindOpen) {
    const { port, closed } = await connected();
    port.postMessage(open);
    const [opened] = await once(port, "message");
    t.deepEqual(opened, { type: "opened" });
    port.postMessage(message);
    await closed;
  }
  t.is(await call(honest, "add", { a: 1, b: 2 }), "3");
  t.true(isThere(pids()[0]!));
});
