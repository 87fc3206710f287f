import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { type AgentLauncher, type JsonValue, routes } from "greenroom";
import Koa from "koa";
import { koaBody } from "koa-body";
import pino from "pino";
import { openPair } from "../../fixtures/http/open-fleet.ts";
import { asking, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher; lines: { event: string; err?: unknown }[] }>;

test.before(async (t) => {
  t.context.lines = [];
  const write = (line: string) => t.context.lines.push(JSON.parse(line));
  t.context.launcher = await startLauncher({ logger: pino({ level: "error" }, { write }) });
});
test.after.always((t) => t.context.launcher.stop());

type Context = ExecutionContext<{ launcher: AgentLauncher; lines: { event: string; err?: unknown }[] }>;

/**
 * The ways in which a parser leaves a body behind: those of Express and of cloud functions in a plain server, those of
 * Koa in Koa.
 */
const parsers: Record<string, (text: string) => unknown> = {
  value: (text) => (/^[[{]/.test(text) ? JSON.parse(text) : {}),
  text: (text) => text,
  bytes: (text) => Buffer.from(text),
};

function listen(t: Context, server: Server): Promise<string> {
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    );
  });
}

/** Opens a server that leaves the body in `req.body`, as Express and the frameworks of cloud functions do. */
async function plainServer(t: Context, parse: (text: string) => unknown) {
  const listener = new Koa().use(routes(t.context.launcher)).callback() as RequestListener;
  const server = createServer(async (request, response) => {
    Object.assign(request, { body: parse(await text(request)) });
    listener(request, response);
  });
  return asking(await listen(t, server));
}

/** Opens a server that leaves the body in `ctx.request.body`, as parsers for Koa do. */
async function koaServer(t: Context, parse: (text: string) => unknown) {
  const app = new Koa();
  app.use(async (ctx, next) => {
    Object.assign(ctx.request, { body: parse(await text(ctx.req)) });
    await next();
  });
  app.use(routes(t.context.launcher));
  app.silent = true;
  return asking(await listen(t, createServer(app.callback() as RequestListener)));
}

for (const [kind, open] of Object.entries({ "req.body": plainServer, "ctx.request.body": koaServer })) {
  for (const [name, parse] of Object.entries(parsers)) {
    test(`a body that was read before is taken from ${kind}, as ${name}`, async (t) => {
      const { ask, start } = await open(t, parse);
      const config: JsonValue = { greeting: "ä €" };
      const { session_id, ...started } = await start({ config });
      t.deepEqual(started.config, config);
      const message = { json: { text: "hello" } };
      t.is((await ask(`/sessions/${session_id}/messages`, message)).status, 202);
      const inCall = await ask("/calls/a/sessions", { json: { call_type: "livestream" } });
      t.is(inCall.body.call_type, "livestream");
      // It is judged as any other.
      const wrong = await ask("/sessions", { json: { call_id: 7 } });
      t.deepEqual([wrong.status, wrong.body.detail[0].loc], [422, ["body", "call_id"]]);
      t.is((await ask("/sessions", { json: ["call_id"] })).status, 422);
      t.is((await ask("/sessions", { json: { call_id: "x".repeat(70_000) } })).status, 413);
      const proto = { body: '{"call_id":"c","config":{"__proto__":{"a":1}}}' };
      const json = { "content-type": "application/json" };
      t.is((await ask("/sessions", { ...proto, headers: json })).status, 422);
      t.is((await ask("/sessions", { body: "call_id=c" })).status, 415);
    });
  }
}

test("a start without a body needs none to be found", async (t) => {
  const { ask } = await plainServer(t, () => ({}));
  t.is((await ask("/calls/none/sessions", { method: "POST" })).status, 201);
  const empty = new Blob([]).stream();
  const chunked = { method: "POST", body: empty, headers: { "content-type": "application/json" } };
  t.is((await ask("/calls/none/sessions", chunked)).status, 201);
});

test("a body that koa-body has read, compressed, is taken", async (t) => {
  const app = new Koa();
  app.use(koaBody());
  app.use(routes(t.context.launcher));
  const { ask } = asking(await listen(t, createServer(app.callback() as RequestListener)));
  const { status, body } = await ask("/sessions", {
    body: gzipSync('{"call_id":"parsed","config":{"a":1}}'),
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
  });
  t.is(status, 201);
  t.deepEqual([body.call_id, body.config], ["parsed", { a: 1 }]);
});

test("a body that was read and is nowhere is the application's mistake, and the log says so", async (t) => {
  const { ask } = await plainServer(t, () => undefined);
  const { status, body } = await ask("/sessions", { json: { call_id: "c" } });
  t.deepEqual([status, body.code], [500, "INTERNAL"]);
  const failed = t.context.lines.find(({ event }) => event === "request_failed");
  t.regex(JSON.stringify(failed?.err), /mount the API before whatever reads it/);
});

test("replicas pass on what was read before", async (t) => {
  const fleet = await openPair({
    app: (launcher, options) => {
      const app = new Koa();
      app.use(async (ctx, next) => {
        const body = await text(ctx.req);
        if (body !== "") Object.assign(ctx.req, { body: JSON.parse(body) });
        await next();
      });
      return app.use(routes(launcher, options));
    },
    launcher: { maxConcurrentSessions: 1 },
  });
  t.teardown(() => fleet.close());
  const [{ ask }] = fleet.replicas;
  for (const call_id of ["one", "two"]) {
    const { status, body } = await ask("/sessions", { json: { call_id } });
    t.is(status, 201);
    t.is((await ask(`/sessions/${body.session_id}/messages`, { json: { text: "hello" } })).status, 202);
  }
});
