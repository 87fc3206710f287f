import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { startVendors, type VendorBody, type VendorStep } from "../../emulators/vendors.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { McpHttpServer } from "../../fixtures/mcp/http-server.ts";
import { picture, toolsServer } from "../../fixtures/mcp/tools-server.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";

const program = join(import.meta.dirname, "../../fixtures/mcp/stdio-server.ts");

/** An agent in a real session thread, with two servers and an emulated model. */
async function stage(t: ExecutionContext) {
  const happened: string[] = [];
  const server: McpHttpServer = await McpHttpServer.start(t, () =>
    toolsServer({
      push: (what) => server.log.add(what) ?? happened.push(what),
      join: (separator) => happened.join(separator),
    }),
  );
  const model = await startVendors();
  t.teardown(() => model.close());
  const thread = new AgentThread(t, agentUrl("providers/mcp"));
  const config = { url: server.url, program, model: model.url, token: "token-of-this-call" };
  const say = (text: string) => thread.say(text);
  const bodies = () => model.log.of("request").map(({ body }) => body as VendorBody);
  return { server, model, thread, config, say, bodies };
}

const answer =
  (name: string, args: object = {}) =>
  (body: VendorBody): VendorStep[] => {
    const last = JSON.stringify((body.messages as object[]).at(-1));
    return last.includes("tool_result") || last.includes("image")
      ? [{ text: "Here." }]
      : [{ calls: [{ name, args: { ...args } }] }];
  };

test("an agent knows the tools of its servers before its first words", async (t) => {
  const { server, model, thread, config, bodies } = await stage(t);
  model.script = () => [{ text: "Hello!" }];
  await thread.join(config);
  await thread.event("turn", (event) => event.outcome === "done");
  const names = (bodies()[0]!.tools as { readonly name: string; readonly description: string }[]).map(
    ({ name }) => name,
  );
  for (const name of ["add", "weather", "own_add", "own_weather"]) t.true(names.includes(name), name);
  // Its own function has the name.
  t.like(bodies()[0]!.tools, [{ name: "add", description: "Its own." }] as object);
  const { headers } = await server.log.seen("request");
  t.is((headers as Record<string, string>).authorization, "Bearer token-of-this-call");
  thread.close();
  await server.log.seen("session_closed");
  await thread.next("ended");
});

test("images of a tool are shown to the model, and its failures told", async (t) => {
  const { model, thread, config, say, bodies } = await stage(t);
  model.script = () => [{ text: "Hello!" }];
  await thread.join(config);
  await thread.event("turn", (event) => event.outcome === "done");
  model.script = answer("chart");
  t.like(await say("Draw a chart"), { outcome: "done", toolCalls: 1 });
  const shown = JSON.stringify(bodies().at(-1)!.messages);
  t.regex(shown, /The chart:\\n\(an image\)/);
  t.regex(shown, /\(chart returned an image\.\)/);
  t.true(shown.includes(picture));
  model.script = answer("fail");
  t.like(await say("Where is my order?"), { outcome: "done", toolCalls: 1 });
  t.regex(JSON.stringify(bodies().at(-1)!.messages), /There is no order with this number/);
});

test("an interruption cancels a tool at its server", async (t) => {
  const { server, model, thread, config, say } = await stage(t);
  model.script = () => [{ text: "Hello!" }];
  await thread.join(config);
  await thread.event("turn", (event) => event.outcome === "done");
  model.script = answer("hang");
  thread.type("Hang");
  const { turnId } = await thread.event("transcript", ({ messageId }) => messageId === "Hang");
  await server.log.seen("hang began");
  model.script = () => [{ text: "Fine." }];
  t.like(await say("Never mind"), { outcome: "done" });
  t.is((await thread.event("turn", (event) => event.turnId === turnId)).outcome, "interrupted");
  t.is((await server.log.seen("hang cancelled")).kind, "hang cancelled");
});

test.serial("the agent of docs/agents.md asks its server with the token of its call", async (t) => {
  const { server } = await stage(t);
  process.env.ORDERS_MCP_URL = server.url;
  t.teardown(() => {
    delete process.env.ORDERS_MCP_URL;
  });
  const thread = new AgentThread(t, new URL("../../../examples/mcp-agent.ts", import.meta.url).href);
  await thread.join({ orderToken: "token-of-ann" });
  const said = await thread.event("transcript", (event) => event.role === "agent" && event.final);
  t.truthy(said.text);
  const { headers } = await server.log.seen("request");
  t.is((headers as Record<string, string>).authorization, "Bearer token-of-ann");
});
