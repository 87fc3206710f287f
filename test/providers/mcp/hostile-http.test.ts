import { setImmediate as nextTurn } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import * as mcp from "greenroom/mcp";
import type { ToolImages } from "../../../src/agent/tools/tool-images.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { answer, type RawHandler, type RawRequest, rawServer } from "../../fixtures/mcp/raw-server.ts";
import { toolContext } from "../../fixtures/mcp/tool-context.ts";
import { picture } from "../../fixtures/mcp/tools-server.ts";

const never = new AbortController().signal;
const unavailable = { name: "ToolError", message: /cannot be reached at the moment/ };

const call = (server: mcp.Server, name: string) => server.functions.get(name)!.call({}, toolContext(never));

function client(t: ExecutionContext, url: string, options: Partial<mcp.HttpServerOptions> = {}) {
  const server = new mcp.Server({
    url,
    connectTimeoutMs: 60_000,
    timeoutMs: 60_000,
    maxTimeoutMs: 60_000,
    ...options,
  });
  t.teardown(() => server.close());
  return server;
}

test("headers with keys do not follow a redirect to another host, and do one within it", async (t) => {
  const other = await rawServer(t);
  const elsewhere: RawHandler = ({ response }) => response.writeHead(307, { location: other.url }).end();
  const headers = { "x-api-key": "a key" };
  const first = client(t, (await rawServer(t, { initialize: elsewhere })).url, { headers });
  await t.throwsAsync(first.warm(never), { message: /Redirect to .* not followed/ });
  const later = client(t, (await rawServer(t, { "tools/call": elsewhere })).url, { headers });
  await later.warm(never);
  await t.throwsAsync(call(later, "one"), unavailable);
  t.deepEqual(other.requests, []);
  // Many servers ask for the slash behind their path.
  const moved = await rawServer(t, {
    initialize: (asked) => {
      if (asked.request.url === "/mcp") asked.response.writeHead(307, { location: "/mcp/" }).end();
      else
        answer(asked, {
          protocolVersion: asked.message.params?.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: "moved", version: "1" },
        });
    },
  });
  const near = client(t, moved.url, { headers });
  await near.warm(never);
  t.is(moved.requests[1]?.request.headers["x-api-key"], "a key");
});

test("headers that cannot be sent are refused without being quoted", async (t) => {
  const { url, requests } = await rawServer(t);
  for (const headers of [
    { authorization: "Bearer se\ncret" },
    { authorization: "Bearer secret–" },
    { "no name": "secret–" },
    () => ({ authorization: undefined }) as never,
    () => null as never,
  ]) {
    const error = await t.throwsAsync(client(t, url, { headers }).warm(never), { message: /Its headers? / });
    t.notRegex(`${error.message} ${String(error.cause)}`, /secret|se\s?cret/);
  }
  t.deepEqual(requests, []);
});

test("an error of HTTP fails its call alone: the others go on, and so does the connection", async (t) => {
  for (const status of [400, 429, 500, 503]) {
    const held = Promise.withResolvers<RawRequest>();
    let refuses = true;
    const { url, requests } = await rawServer(t, {
      "tools/call": (asked) => {
        if (asked.message.params?.name === "other") held.resolve(asked);
        else if (refuses) asked.response.writeHead(status).end("not now");
        else answer(asked, { content: [{ type: "text", text: "done" }] });
      },
    });
    const server = client(t, url);
    await server.warm(never);
    const other = call(server, "other");
    const underWay = await held.promise;
    await t.throwsAsync(call(server, "one"), unavailable);
    refuses = false;
    t.is(await call(server, "one"), "done");
    answer(underWay, { content: [{ type: "text", text: "this too" }] });
    t.is(await other, "this too");
    t.is(requests.filter(({ message }) => message.method === "initialize").length, 1);
  }
});

test("a stream of messages that is closed without end is not opened without end", async (t) => {
  const opened: number[] = [];
  const { url } = await rawServer(t, {
    GET: ({ response }) => {
      opened.push(performance.now());
      response.writeHead(200, { "content-type": "text/event-stream" }).end("retry: 0\n\n");
    },
  });
  await client(t, url).warm(never);
  await eventually("it is opened three times", () => opened.length === 3);
  t.true(opened[2]! - opened[1]! > 500);
});

test("a stream of messages with an event that has no end is closed", async (t) => {
  const closed = Promise.withResolvers<void>();
  let opened = 0;
  let written = 0;
  const { url } = await rawServer(t, {
    GET: ({ response }) => {
      opened += 1;
      if (opened > 1) return void response.writeHead(405).end();
      response.writeHead(200, { "content-type": "text/event-stream" });
      // Events of any number are no event without end.
      for (let count = 0; count < 5; count += 1) response.write(`: ${"x".repeat(3_000_000)}\n\n`);
      const write = () => {
        written += 1_000_000;
        if (response.write(`: ${"x".repeat(1_000_000)}\n`)) setImmediate(write);
      };
      response.on("drain", write);
      response.on("close", () => closed.resolve());
      write();
    },
  });
  const server = client(t, url);
  await server.warm(never);
  await closed.promise;
  t.true(written > 5_000_000);
  await eventually("the server is reached again", async () => {
    try {
      return (await call(server, "one")) === "done";
    } catch {
      return false;
    }
  });
});

test("a stream of messages that is written line by line stays open, whatever the number of its events", async (t) => {
  const told = Promise.withResolvers<void>();
  let listed = 0;
  const { url, requests } = await rawServer(t, {
    initialize: (asked) =>
      answer(asked, {
        protocolVersion: asked.message.params?.protocolVersion,
        capabilities: { tools: { listChanged: true } },
        serverInfo: { name: "by line", version: "1" },
      }),
    GET: async ({ response }) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const changed = JSON.stringify({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
      for (const line of [...Array(5).fill(`: ${"x".repeat(3_000_000)}`), `data: ${changed}`]) {
        await new Promise((resolve) => response.write(`${line}\n`, resolve));
        // The client, in this thread too, reads the line by itself.
        for (let turns = 0; turns < 100; turns += 1) await nextTurn();
        response.write("\n");
      }
    },
    "tools/list": (asked) => {
      listed += 1;
      answer(asked, { tools: [] });
      if (listed === 2) told.resolve();
    },
  });
  await client(t, url).warm(never);
  await told.promise;
  t.is(requests.filter(({ message }) => message.method === "initialize").length, 1);
});

test("an image is shown as what it is, and one that models do not take is not shown", async (t) => {
  const data = (bytes: string) => Buffer.from(bytes, "latin1").toString("base64");
  const content = [
    { type: "image", data: picture, mimeType: "image/jpeg" },
    { type: "image", data: data("<svg/>"), mimeType: "image/svg+xml" },
    { type: "image", data: data("no picture"), mimeType: "image/png" },
    { type: "image", data: data("RIFF....WEBPVP8 "), mimeType: "application/octet-stream" },
    { type: "image", data: 5 },
  ];
  const { url } = await rawServer(t, { "tools/call": (asked) => answer(asked, { content }) });
  const server = client(t, url);
  await server.warm(never);
  const { images, output } = (await call(server, "one")) as ToolImages;
  t.deepEqual(
    images.map(({ mimeType }) => mimeType),
    ["image/png", "image/webp"],
  );
  t.is(
    output,
    "(an image)\n(an image, image/svg+xml, which is not shown)\n(an image, image/png, which is not shown)\n(an image)\n" +
      "(an image, unknown, which is not shown)",
  );
});

test("a handshake that is none is told in few words", async (t) => {
  for (const result of [null, {}, { protocolVersion: "2025-06-18", capabilities: null }]) {
    const { url } = await rawServer(t, { initialize: (asked) => answer(asked, result) });
    const error = await t.throwsAsync(client(t, url).warm(never));
    t.regex(error.message, /cannot be used: it wrote something that is no message$/);
  }
});
