import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import test from "ava";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { Coordinator } from "../../../src/providers/stream/coordinator/coordinator.ts";
import { StreamError } from "../../../src/providers/stream/error.ts";
import { fillOptions, type StreamOptions } from "../../../src/providers/stream/options.ts";
import { type StreamEmulator, startStream } from "../../emulators/stream.ts";

const call = { callType: "default", callId: "c1" };
const agentUser = { id: "agent", name: "My happy AI friend" };
const signal = new AbortController().signal;

function meet(stream: StreamEmulator, more: StreamOptions = {}): Coordinator {
  const { apiKey, apiSecret, url: baseUrl } = stream;
  return new Coordinator(fillOptions({ apiKey, apiSecret, baseUrl, ...more }));
}

const requests = (stream: StreamEmulator, path: string) =>
  stream.log.of("request").filter((entry) => String(entry.path).endsWith(path));

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function ready(stream: StreamEmulator, more: StreamOptions = {}): Promise<Coordinator> {
  const coordinator = meet(stream, more);
  await coordinator.upsertUser(agentUser, signal);
  await coordinator.getOrCreateCall(call, agentUser.id, signal);
  return coordinator;
}

test("users and calls are made, events sent and calls ended", async (t) => {
  await using stream = await startStream();
  const coordinator = await ready(stream);
  t.deepEqual(requests(stream, "/users")[0]?.body, { users: { agent: agentUser } });
  t.like(requests(stream, "/call/default/c1")[0], {
    method: "POST",
    body: { data: { created_by_id: "agent" } },
    claims: { server: true },
  });
  await coordinator.sendEvent(call, { userId: "agent", custom: { type: "greenroom.test", n: 1 } });
  t.deepEqual(requests(stream, "/event")[0]?.body, {
    user_id: "agent",
    custom: { type: "greenroom.test", n: 1 },
  });
  await coordinator.endCall(call, signal);
  t.not(stream.call("default:c1").endedAt, null);
});

test("a join is made as the agent's user and returns what an SFU needs", async (t) => {
  await using stream = await startStream();
  const coordinator = await ready(stream);
  const { credentials, capabilities } = await coordinator.join({ call, userId: "agent", signal });
  const [edge] = stream.edges;
  t.like(credentials, { edge: edge?.name, url: edge?.url, websocketUrl: edge?.webSocketUrl, iceServers: [] });
  t.truthy(credentials.token);
  t.true(capabilities.includes("send-audio"));
  const [request] = requests(stream, "/join");
  t.like(request, { query: { user_id: "agent" }, claims: { user_id: "agent" } });
  t.deepEqual(request?.body, { location: "auto", create: true });
  t.like(request?.headers, { "stream-auth-type": "jwt" });
});

test("a join that leaves an SFU names it, and all that failed", async (t) => {
  await using stream = await startStream();
  const coordinator = await ready(stream);
  const { credentials } = await coordinator.join({
    call,
    userId: "agent",
    migratingFrom: "sfu-1",
    failedEdges: ["sfu-9", "sfu-1"],
    signal,
  });
  t.is(credentials.edge, "sfu-2");
  t.like(requests(stream, "/join")[0]?.body, {
    migrating_from: "sfu-1",
    migrating_from_list: ["sfu-9", "sfu-1"],
  });
});

test("ids cannot change the path of a request", async (t) => {
  await using stream = await startStream();
  const coordinator = meet(stream);
  const odd = { callType: "default", callId: "../../users?x=$&/ä" };
  await coordinator.getOrCreateCall(odd, "agent", signal).catch(() => undefined);
  await coordinator.join({ call: odd, userId: "agent", signal }).catch(() => undefined);
  const paths = stream.log.of("request").map(({ path }) => String(path));
  const encoded = encodeURIComponent(odd.callId);
  t.deepEqual(paths, [`/video/call/default/${encoded}`, `/video/call/default/${encoded}/join`]);
});

test("an expired token is renewed, and the request repeated", async (t) => {
  await using stream = await startStream();
  const coordinator = await ready(stream);
  await coordinator.join({ call, userId: "agent", signal });
  await coordinator.join({ call, userId: "agent", signal });
  const [first, second] = requests(stream, "/join").map(
    ({ headers }) => (headers as { authorization: string }).authorization,
  );
  t.is(first, second);
  stream.faults.coordinator.push({ path: "/join", status: 401, code: 40, message: "token is expired" });
  await coordinator.join({ call, userId: "agent", signal });
  t.deepEqual(
    requests(stream, "/join").map(({ status }) => status),
    [201, 201, 401, 201],
  );
});

test("where the renewed token has expired too, the join fails", async (t) => {
  await using stream = await startStream();
  const coordinator = await ready(stream);
  const expired = { path: "/join", status: 401, code: 40 };
  stream.faults.coordinator.push(expired, expired);
  const error = await t.throwsAsync(coordinator.join({ call, userId: "agent", signal }), {
    instanceOf: StreamError,
  });
  t.like(error, { status: 401, number: 40, retryable: false });
});

test("a clock that is behind is corrected by the server's", async (t) => {
  const tokens: string[] = [];
  const later = Date.now() + 86_400_000;
  const server = createServer((request, response) => {
    tokens.push(request.headers.authorization ?? "");
    const { exp } = claimsOf(tokens.at(-1) ?? "");
    const expired = exp * 1_000 < later;
    response.writeHead(expired ? 401 : 201, { date: new Date(later).toUTCString() });
    const server = { edge_name: "e", url: "http://e/twirp/", ws_endpoint: "ws://e/ws" };
    const good = { credentials: { token: "t", server, ice_servers: null } };
    response.end(JSON.stringify(expired ? { code: 40, message: "token is expired" } : good));
  });
  const baseUrl = `${await listen(server)}/`;
  t.teardown(() => server.close());
  const options = fillOptions({ apiKey: "k", apiSecret: "s", baseUrl });
  const { credentials, capabilities } = await new Coordinator(options).join({
    call,
    userId: "agent",
    signal,
  });
  t.is(tokens.length, 2);
  t.deepEqual(credentials, {
    edge: "e",
    url: "http://e/twirp",
    websocketUrl: "ws://e/ws",
    token: "t",
    iceServers: [],
  });
  t.deepEqual(capabilities, []);
});

test("a refusal has its status and Stream's code, and only passing ones are retryable", async (t) => {
  await using stream = await startStream();
  const coordinator = await ready(stream, { attempts: 1 });
  const attempt = (status: number, more: object = {}) => {
    stream.faults.coordinator.push({ path: "/join", status, ...more });
    return t.throwsAsync(coordinator.join({ call, userId: "agent", signal }), { instanceOf: StreamError });
  };
  t.like(await attempt(403, { code: 17, message: "not allowed" }), {
    status: 403,
    number: 17,
    retryable: false,
  });
  t.like(await attempt(429, { code: 9, retryAfterSeconds: 2 }), { retryable: true, retryAfterMs: 2_000 });
  t.like(await attempt(500), { status: 500, retryable: true });
  t.like(await attempt(500, { unrecoverable: true }), { status: 500, retryable: false });
  t.is(errorKind(await attempt(503)), "code_9");
  const page = "<!doctype html><html><head><title>502 Bad Gateway</title></head><body></body></html>";
  const gateway = await attempt(502, { body: page });
  t.like(gateway, { status: 502, number: undefined, retryable: true });
  t.is(gateway?.message, "To join a call: Stream refused with 502: 502 Bad Gateway");
  t.is(errorKind(gateway), "http_502");
  t.regex(String((await attempt(503, { body: "" }))?.message), /refused with 503: no reason$/);
});

test("no answer, no server and an unreadable answer are distinct errors", async (t) => {
  await using stream = await startStream();
  await ready(stream);
  const attempt = (coordinator: Coordinator) =>
    t.throwsAsync(coordinator.join({ call, userId: "agent", signal }), { instanceOf: StreamError });
  // One of its own: the request that is given up may arrive later, and must not take the next fault.
  await using silent = await startStream();
  silent.faults.coordinator.push({ path: "/join", hangs: true });
  t.like(await attempt(meet(silent, { requestTimeoutMs: 50 })), { code: "ETIMEDOUT", retryable: true });
  stream.faults.coordinator.push({ path: "/join", cuts: true });
  t.is(errorKind(await attempt(meet(stream))), "network");
  const odd = createServer((_, response) => response.end('{"credentials":{"server":{"edge_name":"e"}}}'));
  const nobody = meet(stream, { baseUrl: await listen(odd) });
  t.regex((await attempt(nobody))?.message ?? "", /no credentials\.server\.url/);
  odd.closeAllConnections();
  await new Promise((resolve) => odd.close(resolve));
  const refused = await attempt(nobody);
  t.like(refused, { code: "ECONNREFUSED", retryable: true });
  t.is(errorKind(refused), "network");
});

test("passing failures are retried, as often as the options say", async (t) => {
  await using stream = await startStream();
  const coordinator = meet(stream, { attempts: 2 });
  stream.faults.coordinator.push({ path: "/users", status: 503 });
  await coordinator.upsertUser(agentUser, signal);
  t.is(requests(stream, "/users").length, 2);
  stream.faults.coordinator.push({ path: "/users", status: 503 }, { path: "/users", cuts: true });
  const error = await t.throwsAsync(coordinator.upsertUser(agentUser, signal), { instanceOf: StreamError });
  t.true(error?.retryable);
  t.is(errorKind(error), "network");
  stream.faults.coordinator.push({ path: "/users", status: 403, code: 17 });
  t.like(await t.throwsAsync(coordinator.upsertUser(agentUser, signal)), { status: 403, number: 17 });
});

test("the signal aborts the request", async (t) => {
  await using stream = await startStream();
  const coordinator = await ready(stream);
  const reason = new Error("not wanted any more");
  const over = new AbortController();
  stream.faults.coordinator.push({ path: "/join", hangs: true }, { path: "/users", hangs: true });
  const joining = coordinator.join({ call, userId: "agent", signal: over.signal });
  const making = coordinator.upsertUser(agentUser, over.signal);
  await stream.log.seen("request", 4);
  over.abort(reason);
  t.is(await t.throwsAsync(joining), reason);
  t.is(await t.throwsAsync(making), reason);
});

test("a user's token is valid for its user, for its call where one is named, and from this second on", async (t) => {
  await using stream = await startStream();
  const coordinator = meet(stream);
  const before = Math.floor(Date.now() / 1_000);
  const token = await coordinator.userToken({ userId: "visitor", lifetimeSeconds: 60 });
  const { user_id, iat, exp } = claimsOf(token);
  t.is(user_id, "visitor");
  t.true(iat < before && exp >= before + 60 && exp <= before + 90);
  const forCall = claimsOf(await coordinator.userToken({ userId: "visitor", lifetimeSeconds: 60, call }));
  t.like(forCall, { user_id: "visitor", call_cids: ["default:c1"] });
});

test("a wrong option, or a missing key, is named and never quoted", (t) => {
  const named = (options: object, message: RegExp) =>
    t.throws(() => fillOptions({ apiKey: "k", apiSecret: "s", ...options }), {
      instanceOf: TypeError,
      message,
    });
  named({ apiKey: "" }, /apiKey must be a key/);
  named({ apiSecret: "very secret" }, /^(?!.*very secret).*apiSecret must be a key/);
  named({ baseUrl: "ftp://x" }, /baseUrl must be an http or https URL/);
  named({ attempts: 0 }, /attempts must be a whole number from 1/);
  named({ timeout: 1 }, /there is no option timeout/);
  named({ tokenLifetimeSeconds: 59 }, /tokenLifetimeSeconds/);
  t.is(
    fillOptions({ apiKey: "k", apiSecret: "s", baseUrl: "http://localhost:1//" }).baseUrl,
    "http://localhost:1",
  );
});

test.serial("keys and the address may stand in the environment", (t) => {
  const names = ["STREAM_API_KEY", "STREAM_API_SECRET", "STREAM_BASE_URL"];
  const former = names.map((name) => process.env[name]);
  t.teardown(() => {
    for (const [index, name] of names.entries()) {
      const value = former[index];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  for (const name of names) delete process.env[name];
  t.throws(() => fillOptions(), { message: /^STREAM_API_KEY is not set/ });
  process.env.STREAM_API_KEY = "key";
  process.env.STREAM_API_SECRET = " ";
  t.throws(() => fillOptions(), { message: /^STREAM_API_SECRET is not set/ });
  process.env.STREAM_API_SECRET = "secret";
  process.env.STREAM_BASE_URL = "";
  t.like(fillOptions(), { apiKey: "key", apiSecret: "secret", baseUrl: null });
  process.env.STREAM_BASE_URL = "localhost";
  t.throws(() => fillOptions(), {
    message: 'STREAM_BASE_URL must be an http or https URL, not "localhost"',
  });
});
