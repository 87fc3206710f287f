import anyTest, { type TestFn } from "ava";
import type { AgentLauncher, ProviderRoute, ServeOptions } from "greenroom";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { carrierRoutes, signature } from "../../fixtures/http/carrier.ts";
import { type OpenServer, openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { SocketClient } from "../../fixtures/http/socket-client.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  const agent = agentUrl("calls/sockets");
  t.context.launcher = await startLauncher({ agent, maxConcurrentSessions: 8, threadWaitTimeoutMs: 60_000 });
});
test.after.always((t) => t.context.launcher.stop());

/** Nobody may start a session by REST, so that a route's own check is all that counts. */
const options: ServeOptions = {
  providerRoutes: carrierRoutes,
  canStartSession: () => false,
  canViewSession: () => false,
};

const post = ({ ask }: OpenServer, path: string, body: string, sign = signature(path, body)) =>
  ask(path, {
    method: "POST",
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", "x-signature": sign },
  });

const streamOf = (text: string): string => /url="([^"]+)"/.exec(text)?.[1] ?? "";
const signed = (path: string) => ({ options: { headers: { "x-signature": signature(path) } } });

test("a webhook starts a session, its stream meets the agent, and its status closes it", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher, options);
  const answer = await post(server, "/phone/carrier/voice", "call=CA1&from=%2B1");
  t.is(answer.status, 200);
  t.is(answer.headers.get("content-type"), "text/xml");
  const path = streamOf(answer.text);
  const id = path.slice(path.lastIndexOf("/") + 1);
  t.like(launcher.getSession(id), { callId: "CA1", config: { from: "+1" }, createdBy: { carrier: "+1" } });

  const { client, joined } = await SocketClient.open(t, server.url + path, signed(path));
  t.is(joined.participant_id, "caller");
  t.deepEqual(JSON.parse(String(await client.ask("data"))), {
    data: { from: "+15550100" },
    guest: { id: "caller", name: "+1 555 0100", madeUp: false },
  });
  t.is((await post(server, `/phone/carrier/status/${id}`, "")).status, 204);
  t.deepEqual(await client.closed, { code: 1_000, reason: "closed" });
  await eventually("it has ended", () => launcher.getSession(id)?.state === "ended");
  t.is((await post(server, `/phone/carrier/status/${id}`, "")).status, 410);
  t.like(await SocketClient.refused(t, server.url + path, signed(path)), { status: 404 });
});

test("a wrong signature is refused, of a webhook and of a handshake; nothing is started", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher, options);
  const before = launcher.listSessions().length;
  t.like(await post(server, "/phone/carrier/voice", "call=CA2", "wrong"), {
    status: 403,
    body: { code: "FORBIDDEN", detail: "The signature is not right" },
  });
  t.is(launcher.listSessions().length, before);
  const path = "/phone/carrier/media/6a3c0d5e-0000-4000-8000-000000000000";
  t.like(await SocketClient.refused(t, server.url + path), { status: 403 });
  t.like(await SocketClient.refused(t, server.url + path, signed(path)), { status: 404 });
  t.is((await server.ask("/phone/carrier/voice")).status, 405);
  t.like(await server.ask(path, { headers: { "x-signature": signature(path) } }), { status: 404 });
});

test("a GET may start a session too, and what the call id may not be is an error", async (t) => {
  const server = await openServer(t, t.context.launcher, options);
  const target = "/phone/carrier/answer?call=CA3";
  const answer = await server.ask(target, { headers: { "x-signature": signature(target) } });
  t.is(answer.status, 200);
  t.truthy(t.context.launcher.getSession(answer.body[0].connect));
  t.is((await post(server, "/phone/carrier/voice", "from=1")).status, 422);
  t.like(await post(server, "/phone/carrier/voice", `call=${"x".repeat(70_000)}`), { status: 413 });
});

test("a webhook that is sent twice is one session", async (t) => {
  const server = await openServer(t, t.context.launcher, options);
  const send = () => post(server, "/phone/carrier/voice", "call=CA6&once=CA6");
  const [first, again] = [await send(), await send()];
  t.is(streamOf(first.text), streamOf(again.text));
  t.deepEqual([first.headers.get("x-repeated"), again.headers.get("x-repeated")], [null, "true"]);
  await SocketClient.open(t, server.url + streamOf(again.text), signed(streamOf(again.text)));
});

test("where there is no room the route answers in its own words", async (t) => {
  const full = await startLauncher({
    agent: agentUrl("calls/sockets"),
    maxConcurrentSessions: 1,
    threadWaitTimeoutMs: 60_000,
  });
  t.teardown(() => full.stop());
  const server = await openServer(t, full, options);
  t.regex((await post(server, "/phone/carrier/voice", "call=CA4")).text, /Stream/);
  const answer = await post(server, "/phone/carrier/voice", "call=CA5");
  t.is(answer.text, "<Say>All lines are busy</Say>");
  t.is(answer.headers.get("x-full"), "POOL_FULL");
});

test("routes that cannot be are refused at the start", async (t) => {
  const [voice] = carrierRoutes;
  for (const [routes, expected] of [
    [[{ ...voice, path: "phone" }], /path/],
    [[{ ...voice, method: "put" }], /method/],
    [[{ method: "get", path: "/x" }], /handle/],
    [[{ method: "websocket", path: "/x", admit: () => null }], /session_id/],
    [[voice, voice], /twice/],
    [[{ ...voice, path: "/sessions" }], /twice/],
  ] as const)
    await t.throwsAsync(
      openServer(t, t.context.launcher, { providerRoutes: routes as unknown as ProviderRoute[] }),
      { message: expected },
    );
});
