import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import * as mcp from "greenroom/mcp";
import { ToolImages } from "../../../src/agent/tools/tool-images.ts";
import { DeadlineError } from "../../../src/shared/deadline.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { McpHttpServer } from "../../fixtures/mcp/http-server.ts";
import { isThere } from "../../fixtures/mcp/is-there.ts";
import { toolContext } from "../../fixtures/mcp/tool-context.ts";
import { picture, toolsServer } from "../../fixtures/mcp/tools-server.ts";

const program = join(import.meta.dirname, "../../fixtures/mcp/stdio-server.ts");
const never = new AbortController().signal;

type Options = Partial<mcp.CommonServerOptions> & { readonly env?: Record<string, string> };

/** A server of either kind, closed after the test. Starting a program takes its time on a busy machine. */
async function stage(t: ExecutionContext, kind: "stdio" | "http", options: Options = {}) {
  const { env, ...common } = options;
  const happened: string[] = [];
  const given =
    kind === "stdio"
      ? { command: process.execPath, args: [program], ...(env === undefined ? {} : { env }) }
      : { url: (await McpHttpServer.start(t, () => toolsServer(happened))).url };
  const server = new mcp.Server({
    connectTimeoutMs: 60_000,
    timeoutMs: 60_000,
    maxTimeoutMs: 60_000,
    ...common,
    ...given,
  });
  t.teardown(() => server.close());
  return server;
}

/** Waits until the server tells that this has happened. */
const happens = (server: mcp.Server, what: string) =>
  eventually(what, async () => String(await call(server, "happened").catch(() => "")).includes(what));

const call = (server: mcp.Server, name: string, args: object = {}, signal = never) =>
  server.functions.get(name)!.call(args, toolContext(signal));

for (const kind of ["stdio", "http"] as const) {
  test(`${kind}: the tools of a server are functions, and are called`, async (t) => {
    const server = await stage(t, kind);
    t.is(server.functions.size, 0);
    await server.warm(never);
    t.deepEqual([...server.functions.keys()].slice(0, 3), ["add", "happened", "weather"]);
    t.like(server.functions.get("add")!.declaration, {
      description: "Adds two numbers.",
      parameters: { type: "object", properties: { a: { type: "number" } }, required: ["a", "b"] },
    });
    t.is(await call(server, "add", { a: 1, b: 2 }), "3");
    t.like(await t.throwsAsync(call(server, "add", { a: 1 })), { code: "BAD_ARGUMENTS" });
    t.deepEqual(await call(server, "weather", { place: "Paris" }), { place: "Paris", celsius: 21 });
    t.like(await t.throwsAsync(call(server, "fail")), {
      name: "ToolError",
      message: "There is no order with this number.",
    });
    // Once is enough.
    await server.warm(never);
    t.is(server.provider, "mcp");
  });

  test(`${kind}: images are given as images, and what no model reads is noted`, async (t) => {
    const server = await stage(t, kind);
    await server.warm(never);
    const result = await call(server, "chart");
    t.true(ToolImages.is(result));
    const { images, output } = result as ToolImages;
    t.deepEqual(
      images.map(({ data, mimeType }) => [Buffer.from(data).toString("base64"), mimeType]),
      [[picture, "image/png"]],
    );
    t.is(
      output,
      "The chart:\n(an image)\n(a recording, audio/wav, which cannot be heard here)\n(file:///notes.txt)\nBuy milk\n" +
        "(a file: a.pdf: A paper, https://example.com/a.pdf)",
    );
  });

  test(`${kind}: a call that is given up is cancelled at the server`, async (t) => {
    const server = await stage(t, kind);
    await server.warm(never);
    const cancel = new AbortController();
    const calling = call(server, "hang", {}, cancel.signal);
    await happens(server, "hang began");
    const reason = new Error("the user speaks");
    cancel.abort(reason);
    t.is(await t.throwsAsync(calling), reason);
    await happens(server, "hang cancelled");
  });

  test(`${kind}: progress lengthens the time of a call, up to a most`, async (t) => {
    const patient = await stage(t, kind, { timeoutMs: 5_000 });
    await patient.warm(never);
    const told: string[] = [];
    const work = patient.functions.get("work")!;
    const context = toolContext(never, (words) => told.push(words));
    t.is(await work.call({ steps: 60, ms: 100 }, context), "60 steps are done");
    // What the SDK reads together with the result, or behind it, it tells nobody.
    t.true(told.includes("50 of 60"), told.at(-1));
    const hasty = await stage(t, kind, { timeoutMs: 2_000, maxTimeoutMs: 2_000 });
    await hasty.warm(never);
    t.true((await t.throwsAsync(call(hasty, "work", { steps: 600, ms: 100 }))) instanceof DeadlineError);
    const error = await t.throwsAsync(call(hasty, "hang"));
    t.is(error!.message, "The tool hang took longer than 2000 ms (timeoutMs)");
    await happens(hasty, "hang cancelled");
  });

  test(`${kind}: tools that change in the middle of a call are the new ones`, async (t) => {
    const server = await stage(t, kind);
    await server.warm(never);
    t.is(await call(server, "old"), "old");
    await call(server, "change");
    const { functions } = server;
    await eventually("the tools are the new ones", () => server.functions !== functions);
    t.deepEqual([server.functions.has("new"), server.functions.has("old")], [true, false]);
    t.is(await call(server, "new"), "new");
  });

  test(`${kind}: a prefix, and the tools that are allowed`, async (t) => {
    const server = await stage(t, kind, { prefix: "crm_", allowedTools: ["add", "fail", "no_such_tool"] });
    await server.warm(never);
    t.deepEqual([...server.functions.keys()], ["crm_add", "crm_fail"]);
    t.is(await call(server, "crm_add", { a: 1, b: 2 }), "3");
  });
}

test("http: each request has the headers of the call, and a function is asked for them each time", async (t) => {
  const server = await McpHttpServer.start(t, () => toolsServer());
  let asked = 0;
  const tools = new mcp.Server({
    url: server.url,
    connectTimeoutMs: 60_000,
    headers: () => ({ authorization: `Bearer token-${++asked}` }),
  });
  await tools.warm(never);
  await call(tools, "add", { a: 1, b: 2 });
  const tokens = server.log
    .of("request")
    .map(({ headers }) => (headers as Record<string, string>).authorization);
  t.true(tokens.every((token) => /^Bearer token-\d+$/.test(String(token))));
  t.true(new Set(tokens).size === tokens.length && tokens.length >= 4);
  await tools.close();
  await server.log.seen("session_closed");
  t.like(await t.throwsAsync(tools.warm(never)), { code: "CLOSED" });
});

test("http: a refusal and a server that is not there are errors of their kind", async (t) => {
  const server = await McpHttpServer.start(t, () => toolsServer());
  const refused = new mcp.Server({ url: server.url, headers: { authorization: "Bearer wrong" } });
  t.teardown(() => refused.close());
  t.like(await t.throwsAsync(refused.warm(never)), { name: "McpServerError", status: 401 });
  await server.stop();
  const gone = new mcp.Server({ url: server.url });
  t.teardown(() => gone.close());
  const refusal = await t.throwsAsync(gone.warm(never));
  t.like(refusal, { name: "McpServerError", code: "ECONNREFUSED" });
  t.regex(refusal.message, /: fetch failed: connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
});

for (const [given, name] of [
  [
    { command: "/usr/bin/node", args: ["--env-file=.env", "tools/orders.ts", "--file", "x.js"] },
    "node orders.ts",
  ],
  [{ command: "java", args: ["-jar", "/opt/orders.jar"] }, "java orders.jar"],
  [{ command: "npx", args: ["-y", "@shop/orders@latest", "/data"] }, "npx @shop/orders@latest"],
  [{ command: "uvx", args: ["--from", "git+https://token@example.com/orders", "orders"] }, "uvx orders"],
  [{ command: "./orders", args: ["--token", "secret"] }, "orders"],
  [{ command: "/usr/bin/crm" }, "crm"],
] as const)
  test(`the usual name of a program: ${name}`, (t) => {
    t.is(new mcp.Server(given).model, name);
  });

test("stdio: the program has no variables of the process but a few, and those that are given", async (t) => {
  process.env.SECRET_OF_THE_SERVER = "1";
  const server = await stage(t, "stdio", { env: { TOKEN: "x" } });
  await server.warm(never);
  const told = String(await call(server, "happened"));
  t.regex(told, /TOKEN/);
  t.notRegex(told, /SECRET_OF_THE_SERVER/);
});

test("stdio: a program that ends at once, and one that there is not, are told with what they wrote", async (t) => {
  const broken = new mcp.Server({
    command: process.execPath,
    args: [program, "--broken"],
    connectTimeoutMs: 60_000,
  });
  t.teardown(() => broken.close());
  await t.throwsAsync(broken.warm(never), {
    name: "McpServerError",
    message:
      /^The MCP server node stdio-server\.ts cannot be used: .*Its program wrote last: DATABASE_URL is not set$/,
  });
  const nowhere = new mcp.Server({
    command: process.execPath,
    args: ["/no/such/orders.ts"],
    connectTimeoutMs: 60_000,
  });
  t.teardown(() => nowhere.close());
  t.regex(
    (await t.throwsAsync(nowhere.warm(never)))!.message,
    /^The MCP server node orders\.ts cannot be used: .*Its program wrote last: .*Cannot find module '\/no\/such\/orders\.ts'/,
  );
  const missing = new mcp.Server({ command: "/no/such/program" });
  t.teardown(() => missing.close());
  const error = await t.throwsAsync(missing.warm(never));
  t.like(error, { name: "McpServerError", code: "ENOENT" });
  t.regex(error!.message, /^The MCP server program cannot be used: spawn \/no\/such\/program ENOENT$/);
});

test("stdio: a program that never answers is given up, and ended", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-mcp-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, "pid");
  const given = { command: process.execPath, args: [program, "--silent", file] };
  const late = new mcp.Server({ ...given, connectTimeoutMs: 100 });
  t.true((await t.throwsAsync(late.warm(never))) instanceof DeadlineError);
  await late.close();
  const silent = new mcp.Server({ ...given, connectTimeoutMs: 60_000 });
  const warming = t.throwsAsync(silent.warm(never));
  const pids = () => (existsSync(file) ? (readFileSync(file, "utf8").match(/\d+/g) ?? []) : []).map(Number);
  await eventually("a program runs", () => pids().some(isThere));
  await silent.close();
  await warming;
  await eventually("no program runs", () => !pids().some(isThere));
});

test("stdio: a program that does not end with its input is ended, and noise on its output is passed over", async (t) => {
  for (const mode of ["--stubborn", "--noise"]) {
    const server = new mcp.Server({
      command: process.execPath,
      args: [program, mode],
      connectTimeoutMs: 60_000,
    });
    await server.warm(never);
    t.is(await call(server, "add", { a: 1, b: 2 }), "3");
    await server.close();
  }
});

test("an abort ends the wait for a server", async (t) => {
  const silent = new mcp.Server({
    command: process.execPath,
    args: [program, "--silent"],
    connectTimeoutMs: 60_000,
  });
  t.teardown(() => silent.close());
  const cancel = new AbortController();
  const warming = silent.warm(cancel.signal);
  const reason = new Error("the slot is gone");
  cancel.abort(reason);
  t.is(await t.throwsAsync(warming), reason);
});

test("a wrong option is refused with one clear line, which quotes no header", (t) => {
  const refused = (options: object) =>
    t.throws(() => new mcp.Server(options as never), { instanceOf: TypeError })!.message;
  t.is(refused({}), "mcp.Server: give url, or command");
  t.is(refused({ url: "http://a", command: "b" }), "mcp.Server: give url, or command");
  t.is(refused({ url: "ws://a" }), 'mcp.Server: url must be an http or https URL, not "ws://a"');
  t.is(
    refused({ url: "http://a", header: {} }),
    "mcp.Server: there is no option header: did you mean headers?",
  );
  t.notRegex(refused({ url: "http://a", headers: { authorization: 7 } }), /7/);
  t.regex(refused({ command: "a", prefix: "a b" }), /^mcp\.Server: prefix must be letters/);
});
