import { join } from "node:path";
import { Server as LowServer } from "@modelcontextprotocol/sdk/server/index.js";
import { ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import test, { type ExecutionContext } from "ava";
import * as mcp from "greenroom/mcp";
import { eventually } from "../../fixtures/eventually.ts";
import { McpHttpServer } from "../../fixtures/mcp/http-server.ts";
import { toolContext } from "../../fixtures/mcp/tool-context.ts";
import { toolsServer } from "../../fixtures/mcp/tools-server.ts";

const never = new AbortController().signal;
const program = join(import.meta.dirname, "../../fixtures/mcp/stdio-server.ts");
const unavailable = { name: "ToolError", message: /cannot be reached at the moment/ };

const call = (server: mcp.Server, name: string, args: object = {}) =>
  server.functions.get(name)!.call(args, toolContext(never));

/** Returns whether a tool of the server can be called. */
async function adds(server: mcp.Server): Promise<boolean> {
  try {
    return (await call(server, "add", { a: 1, b: 2 })) === "3";
  } catch {
    return false;
  }
}

/** A server that says of its tools what it is told to. */
async function liar(
  t: ExecutionContext,
  page: (cursor: string | undefined) => object,
  result: object = { content: [] },
) {
  const server = await McpHttpServer.start(t, () => {
    const low = new LowServer(
      { name: "liar", version: "1" },
      { capabilities: { tools: { listChanged: true } } },
    );
    low.setRequestHandler(ListToolsRequestSchema, ({ params }) => page(params?.cursor) as never);
    // The SDK would check a result that its own handler of calls gives.
    low.fallbackRequestHandler = async () => result as never;
    return low;
  });
  const tools = new mcp.Server({
    url: server.url,
    connectTimeoutMs: 60_000,
    timeoutMs: 60_000,
    maxTimeoutMs: 60_000,
  });
  t.teardown(() => tools.close());
  return { server, tools };
}

const object = { type: "object", properties: {} };

test.serial("tools with wrong descriptions are left out and logged, the others are there", async (t) => {
  const logged: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => logged.push(text);
  t.teardown(() => {
    console.warn = warn;
  });
  const { tools } = await liar(t, () => ({
    tools: [
      { name: "good", inputSchema: object },
      { name: "no schema" },
      {
        name: "a.b/c",
        description: 7,
        inputSchema: { type: "OBJECT", properties: { x: { type: "STRING" } } },
      },
      { name: "a_b_c", inputSchema: object },
      { name: "bad_type", inputSchema: { type: "object", properties: { x: { type: "strnig" } } } },
      { name: "bad_reference", inputSchema: { type: "object", properties: { x: { $ref: "#/nowhere" } } } },
      { name: "huge", inputSchema: { type: "object", description: "x".repeat(20_000) } },
      { name: "list", inputSchema: [] },
      { description: "nameless", inputSchema: object },
      null,
      { name: "9".repeat(100), description: "y".repeat(5_000), inputSchema: object },
    ],
  }));
  await tools.warm(never);
  t.deepEqual([...tools.functions.keys()], ["good", "no_schema", "a_b_c", `_${"9".repeat(63)}`]);
  t.true([...tools.functions.values()].every(({ declaration }) => declaration.description.length <= 1_025));
  t.regex(
    logged.join(),
    /^mcp\.Server 127\.0\.0\.1:\d+: 7 tools are left out: a_b_c: another tool is called a_b_c too; bad_type: /,
  );
  t.is(await call(tools, "good"), undefined);
});

test("a list without end is cut, and so is one that is too long", async (t) => {
  let pages = 0;
  const { tools } = await liar(t, () => {
    pages += 1;
    return {
      tools: Array.from({ length: 100 }, (_, index) => ({
        name: `tool_${pages}_${index}`,
        inputSchema: object,
      })),
      nextCursor: String(pages),
    };
  });
  await tools.warm(never);
  t.is(tools.functions.size, 64);
  t.is(pages, 32);
});

test("a result that is not as its description says is told as it is", async (t) => {
  const outputSchema = { type: "object", properties: { celsius: { type: "number" } }, required: ["celsius"] };
  const tool = { name: "weather", inputSchema: object, outputSchema };
  const wrong = { content: [{ type: "text", text: "warm" }], structuredContent: { celsius: "warm" } };
  const { tools } = await liar(t, () => ({ tools: [tool] }), wrong);
  await tools.warm(never);
  t.deepEqual(await call(tools, "weather"), { text: "warm", structured: { celsius: "warm" } });
  const odd = {
    content: [{ type: "hologram" }, "no object", { type: "image", data: "", mimeType: "image/png" }],
  };
  const other = await liar(t, () => ({ tools: [tool] }), odd);
  await other.tools.warm(never);
  t.is(
    await call(other.tools, "weather"),
    "(something of the kind hologram)\n(something of the kind unknown)\n(an image, image/png, which is not shown)",
  );
});

test("a server that tells of changes without end is asked for its tools once a second at the most", async (t) => {
  let asked = 0;
  let low: LowServer | undefined;
  const server = await McpHttpServer.start(t, () => {
    low = new LowServer(
      { name: "nervous", version: "1" },
      { capabilities: { tools: { listChanged: true } } },
    );
    low.setRequestHandler(ListToolsRequestSchema, () => {
      asked += 1;
      return { tools: [{ name: `tool_${asked}`, inputSchema: { type: "object" as const } }] };
    });
    return low;
  });
  const tools = new mcp.Server({ url: server.url, connectTimeoutMs: 60_000 });
  t.teardown(() => tools.close());
  await tools.warm(never);
  await eventually("the stream is open", () =>
    server.log.of("request").some(({ method }) => method === "GET"),
  );
  for (let change = 0; change < 200; change++) await low!.sendToolListChanged();
  await eventually("the last change is known", () => tools.functions.has(`tool_${asked}`) && asked > 1);
  t.true(asked < 20, String(asked));
});

test("http: a result that is too long is an error, and the server is reached again", async (t) => {
  const server = await McpHttpServer.start(t, () => toolsServer());
  const tools = new mcp.Server({
    url: server.url,
    connectTimeoutMs: 60_000,
    timeoutMs: 60_000,
    maxTimeoutMs: 60_000,
  });
  t.teardown(() => tools.close());
  await tools.warm(never);
  t.is(String(await call(tools, "flood", { characters: 1_000_000 })).length, 1_000_000);
  await t.throwsAsync(call(tools, "flood", { characters: 20_000_000 }), unavailable);
  await eventually("the server is back", () => adds(tools));
});

test("stdio: a program that floods is ended, and started again", async (t) => {
  const tools = new mcp.Server({
    command: process.execPath,
    args: [program],
    connectTimeoutMs: 60_000,
    timeoutMs: 60_000,
    maxTimeoutMs: 60_000,
  });
  t.teardown(() => tools.close());
  await tools.warm(never);
  await t.throwsAsync(call(tools, "flood", { characters: 20_000_000 }), unavailable);
  await eventually("the server is back", () => adds(tools));
});

test("stdio: a program that dies fails its calls at once, and is started again", async (t) => {
  const tools = new mcp.Server({
    command: process.execPath,
    args: [program],
    connectTimeoutMs: 60_000,
    timeoutMs: 60_000,
    maxTimeoutMs: 60_000,
  });
  t.teardown(() => tools.close());
  await tools.warm(never);
  const hanging = t.throwsAsync(call(tools, "hang"), unavailable);
  await t.throwsAsync(call(tools, "die"), unavailable);
  await hanging;
  // Its functions stay, and say so.
  t.true(tools.functions.has("add"));
  await t.throwsAsync(call(tools, "add", { a: 1, b: 2 }), unavailable);
  await eventually("the server is back", () => adds(tools));
});

test("http: a server that was restarted is reached by the very next call", async (t) => {
  const server = await McpHttpServer.start(t, () => toolsServer());
  const tools = new mcp.Server({ url: server.url, connectTimeoutMs: 60_000 });
  t.teardown(() => tools.close());
  await tools.warm(never);
  await server.log.seen("session");
  await server.stop();
  await server.listen();
  await eventually("the server is back", () => adds(tools));
  await server.log.seen("session", 2);
  t.is(server.log.of("session").length, 2);
});

test("http: a server that is gone fails its calls, those under way too, until it is back", async (t) => {
  const server = await McpHttpServer.start(t, () => toolsServer());
  const tools = new mcp.Server({
    url: server.url,
    connectTimeoutMs: 60_000,
    timeoutMs: 60_000,
    maxTimeoutMs: 60_000,
  });
  t.teardown(() => tools.close());
  await tools.warm(never);
  const hanging = t.throwsAsync(call(tools, "hang"), unavailable);
  await eventually("the tool hangs", async () => (await call(tools, "happened")) === "hang began");
  await server.stop();
  await hanging;
  await t.throwsAsync(call(tools, "add", { a: 1, b: 2 }), unavailable);
  await server.listen();
  await eventually("the server is back", () => adds(tools));
});

test("http: a server that comes later is reached then", async (t) => {
  const server = await McpHttpServer.start(t, () => toolsServer());
  await server.stop();
  const tools = new mcp.Server({ url: server.url, connectTimeoutMs: 60_000 });
  t.teardown(() => tools.close());
  await t.throwsAsync(tools.warm(never));
  await server.listen();
  await eventually("the server is reached", () => tools.functions.has("add"));
  t.is(await call(tools, "add", { a: 1, b: 2 }), "3");
});
