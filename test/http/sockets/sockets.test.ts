import { createServer, get, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, asksForWebSocket, type JsonObject, routes, serveUpgrades } from "greenroom";
import Koa from "koa";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { cutUpgrades } from "../../../src/control-plane/sockets/serve-upgrades.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { asking, type OpenServer, openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { SocketClient } from "../../fixtures/http/socket-client.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ agent: agentUrl("calls/sockets") });
});
test.after.always((t) => t.context.launcher.stop());

async function started({ url, start }: OpenServer, config: JsonObject = {}) {
  const { session_id: id, session_token: token } = await start({ call_id: "c1", config });
  return { id: String(id), token: String(token), media: `${url}/sessions/${id}/media` };
}

/** Resolves with the value of a metric of the server. */
async function metric(launcher: AgentLauncher, series: string): Promise<number> {
  const text = await (await supervisorOf(launcher)).metrics.text();
  const line = text.split("\n").find((line) => line.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

test("a client comes into the call right after the start, and bytes go both ways unchanged", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const { id, token, media } = await started(server);
  const { client, joined } = await SocketClient.open(t, media, { token });
  t.is(client.socket.protocol, "greenroom.pcm16");
  t.regex(joined.participant_id, /^guest-[\da-f-]{36}$/);
  t.is(launcher.getSession(id)?.aloneSince, null);
  t.is(await client.ask("héllo"), "héllo");
  const bytes = Buffer.from(Array.from({ length: 60_000 }, (_, at) => (at * 7) % 256));
  t.deepEqual(await client.ask(bytes), bytes);
  t.is(await metric(launcher, 'greenroom_media_sockets_open{leg="session"}'), 1);
  client.socket.close(1_000);
  t.is((await client.closed).code, 1_000);
  await eventually("the agent is alone", () => (launcher.getSession(id)?.aloneSince ?? null) !== null);
  await eventually(
    "it is counted",
    async () => (await metric(launcher, 'greenroom_media_sockets_open{leg="session"}')) === 0,
  );
  t.true(
    (await metric(launcher, 'greenroom_media_socket_bytes_total{leg="session",direction="received"}')) >
      60_000,
  );
  t.true(
    (await metric(launcher, 'greenroom_media_socket_bytes_total{leg="session",direction="sent"}')) > 60_000,
  );
});

test("a token comes in the query, in a header or as a subprotocol, and lets nobody choose who they are", async (t) => {
  const open = await openServer(t, t.context.launcher, {
    getCurrentUser: ({ headers }) => headers.get("x-user") ?? "nobody",
    canJoinCall: ({ headers }) => headers.get("x-user") === "ann",
  });
  const { session_id: id, session_token: token } = await open.start({}, { "x-user": "ann" });
  const media = `${open.url}/sessions/${id}/media`;
  const user = { headers: { "x-user": "ann" } };
  const { joined: ann } = await SocketClient.open(t, media, { options: user });
  t.is(ann.participant_id, "ann");
  t.is((await SocketClient.open(t, `${media}?user_id=bob`, { options: user })).joined.participant_id, "bob");
  for (const [url, options] of [
    [`${media}?token=${token}`, {}],
    [media, { options: { headers: { "greenroom-session-token": token } } }],
    [media, { token }],
  ] as const)
    t.regex((await SocketClient.open(t, url, options)).joined.participant_id, /^guest-/);
  t.like(await SocketClient.refused(t, `${media}?user_id=bob`, { token }), {
    status: 403,
    body: { code: "FORBIDDEN" },
  });
  t.like(await SocketClient.refused(t, media), { status: 403 });
  t.like(await SocketClient.refused(t, media, { token: `${token}x` }), { status: 403 });
});

test("what is refused is an answer in JSON before the handshake", async (t) => {
  const { launcher } = t.context;
  const server = await openServer(t, launcher);
  const { id, token, media } = await started(server);
  const plain = await server.ask(`/sessions/${id}/media`);
  t.like(plain, { status: 426, body: { code: "UPGRADE_REQUIRED" } });
  t.is(plain.headers.get("upgrade"), "websocket");
  const unknown = await SocketClient.refused(t, media.replace(id, "6a3c0d5e-0000-4000-8000-000000000000"));
  t.like(unknown, { status: 404, body: { code: "SESSION_NOT_FOUND" } });
  t.truthy(unknown.headers["x-request-id"]);
  t.like(await SocketClient.refused(t, media, { token, protocols: [] }), {
    status: 400,
    body: { code: "BAD_REQUEST" },
  });
  t.like(await SocketClient.refused(t, media, { protocols: ["other"] }), {
    status: 422,
    body: { code: "EDGE_REFUSED", detail: "The subprotocol has to be greenroom.pcm16" },
  });
  t.like(await SocketClient.refused(t, `${media}?user_id=agent`), {
    status: 422,
    body: { code: "INVALID_REQUEST" },
  });
  t.like(await SocketClient.refused(t, `${media}?user_id=a%20b`), {
    status: 422,
    body: { code: "INVALID_REQUEST" },
  });
  const failed = await SocketClient.refused(t, `${media}?user_name=fails`);
  t.like(failed, { status: 503, body: { code: "EDGE_FAILED" } });
  t.notRegex(JSON.stringify(failed.body), /secret/);
  t.like(await SocketClient.refused(t, `${media}?user_name=hangs`), {
    status: 503,
    body: { code: "EDGE_FAILED" },
  });

  await launcher.closeSession(id, { wait: true });
  t.like(await SocketClient.refused(t, media), {
    status: 404,
    body: { code: "SESSION_NOT_FOUND", end_reason: "closed" },
  });
  t.like(await server.ask(`/sessions/${id}/offer`, { json: { offer: {} } }), {
    status: 404,
    body: { end_reason: "closed" },
  });

  const typed = await startLauncher({ maxConcurrentSessions: 1 });
  t.teardown(() => typed.stop());
  const text = await openServer(t, typed);
  const { session_id: typedId } = await text.start();
  t.like(await SocketClient.refused(t, `${text.url}/sessions/${typedId}/media`), {
    status: 409,
    body: { code: "EDGE_CANNOT_RECEIVE" },
  });
  t.like(await text.ask(`/sessions/${typedId}/offer`, { json: { offer: {} } }), {
    status: 409,
    body: { code: "EDGE_CANNOT_RECEIVE" },
  });
});

test("an offer is answered by the edge", async (t) => {
  const server = await openServer(t, t.context.launcher);
  const { id, token } = await started(server);
  const offer = { type: "offer", sdp: "v=0" };
  const answer = await server.ask(`/sessions/${id}/offer`, {
    json: { offer, user_id: "ann", user_name: "Ann" },
  });
  t.is(answer.status, 200);
  t.deepEqual(answer.body, {
    call_type: "default",
    call_id: "c1",
    user_id: "ann",
    user_name: "Ann",
    answer: { type: "answer", to: offer, guest: { id: "ann", name: "Ann", madeUp: false } },
  });
  const byToken = await server.ask(`/calls/c1/sessions/${id}/offer?token=${token}`, { json: { offer } });
  t.regex(byToken.body.user_id, /^guest-/);
  const ask = (json: JsonObject, query = "") => server.ask(`/sessions/${id}/offer${query}`, { json });
  t.like(await ask({ offer, user_id: "ann" }, `?token=${token}`), { status: 403 });
  t.like(await ask({ offer: { type: "wrong" } }), {
    status: 422,
    body: { code: "EDGE_REFUSED", detail: "This is no offer of ours" },
  });
  t.like(await ask({ offer: { type: "fails" } }), { status: 503, body: { code: "EDGE_FAILED" } });
  t.like(await ask({}), { status: 422, body: { code: "INVALID_REQUEST" } });
  t.like(await ask({ offer, user_id: "agent" }), { status: 422, body: { code: "INVALID_REQUEST" } });
});

test("a page of another origin cannot open a socket by the cookies of its browser", async (t) => {
  const { launcher } = t.context;
  const callbacks = {
    getCurrentUser: ({ cookies, headers }: { cookies: ReadonlyMap<string, string>; headers: Headers }) =>
      cookies.get("user") ?? headers.get("x-user"),
    canJoinCall: ({ cookies, headers }: { cookies: ReadonlyMap<string, string>; headers: Headers }) =>
      cookies.has("user") || headers.has("x-user"),
  };
  const anywhere = await openServer(t, launcher, callbacks);
  const { session_id: id, session_token: token } = await anywhere.start({}, { "x-user": "ann" });
  const from = (origin: string, user = "ann") => ({
    options: { headers: { cookie: `user=${user}` }, origin },
  });
  const media = `${anywhere.url}/sessions/${id}/media`;
  t.like(await SocketClient.refused(t, media, from("https://evil.example")), { status: 403 });
  await SocketClient.open(t, `${media}?token=${token}`, from("https://evil.example"));
  await SocketClient.open(t, media, from(anywhere.url));

  const named = await openServer(t, launcher, {
    ...callbacks,
    corsAllowOrigins: ["https://app.example"],
    corsAllowCredentials: true,
  });
  await SocketClient.open(t, `${named.url}/sessions/${id}/media`, from("https://app.example", "bob"));
  t.like(await SocketClient.refused(t, `${named.url}/sessions/${id}/media`, from("https://evil.example")), {
    status: 403,
    body: { code: "FORBIDDEN" },
  });

  const nobody = await openServer(t, launcher);
  const url = `${nobody.url}/sessions/${id}/media`;
  t.like(await SocketClient.refused(t, url, from("https://evil.example")), { status: 403 });
  t.like(await SocketClient.refused(t, url, { options: { headers: { host: "rebound.example" } } }), {
    status: 403,
  });
});

test("the agent is heard by a client, and hears it", async (t) => {
  const server = await openServer(t, t.context.launcher);
  const { media } = await started(server, { sound: true, say: "Welcome to the call" });
  const { client, joined } = await SocketClient.open(t, media);
  t.is(joined.sample_rate, 16_000);
  // Silence may come first.
  for (let heard = false; !heard; ) {
    const message = await client.next();
    if (!Buffer.isBuffer(message)) continue;
    t.is(message.length, 640);
    heard = message.some((byte) => byte !== 0);
  }
});

test("a server of one's own, with the API below a path of its application, takes clients in", async (t) => {
  const { launcher } = t.context;
  const app = new Koa();
  app.use(routes(launcher));
  app.use((ctx) => {
    ctx.body = "What else it does";
  });
  const api = app.callback();
  const listener: RequestListener = (request, response) => {
    request.url = request.url?.replace(/^\/agents/, "") ?? "";
    void api(request, response);
  };
  const server = createServer({ shouldUpgradeCallback: asksForWebSocket }, listener);
  serveUpgrades(server, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
    cutUpgrades(server);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/agents`;
  const { session_id: id, session_token: token } = await asking(url).start();
  const { client } = await SocketClient.open(t, `${url}/sessions/${id}/media`, { token });
  t.is(await client.ask("hello"), "hello");
  t.like(await SocketClient.refused(t, `${url}/sessions/${id}/media`, { protocols: ["other"] }), {
    status: 422,
  });

  // What asks for another protocol, as clients that would like HTTP/2 do, is answered as if it had not.
  const { promise: body, resolve } = Promise.withResolvers<string>();
  const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAAA" };
  get(`${url}/hello`, { headers }, (response) => resolve(text(response)));
  t.is(await body, "What else it does");
});
