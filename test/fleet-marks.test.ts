import { once } from "node:events";
import { request } from "node:http";
import anyTest, { type TestFn } from "ava";
import type { Scope, ServeOptions } from "greenroom";
import { endToEnd } from "../src/control-plane/peers/end-to-end-headers.ts";
import { type Hop, PeerMarks } from "../src/control-plane/peers/mark.ts";
import { type Fleet, openFleet, peerSecret, placesOf, type Replica } from "./http-fixtures/open-fleet.ts";

/** One after another, since they share a fleet. */
const test = anyTest.serial as TestFn<{ fleet: Fleet; seen: Scope[] }>;

test.before(async (t) => {
  const seen: Scope[] = [];
  t.context.seen = seen;
  t.context.fleet = await openFleet({
    serve: (at): ServeOptions => ({
      allowedHosts: at === 0 ? ["agents.example"] : [],
      corsAllowOrigins: at === 0 ? ["https://app.example"] : [],
      canViewSession: (scope) => {
        seen.push(scope);
        return scope.headers.get("x-user") !== "bob";
      },
    }),
  });
});
test.after.always((t) => t.context.fleet.close());

/** Started past the replica's HTTP interface, so that it does not go elsewhere. */
async function ownedBy(owner: Replica): Promise<string> {
  return `/sessions/${(await owner.launcher.startSession({ callId: "marked" })).id}`;
}

const hop = (from: Replica, to: Replica): Hop => ({
  kind: "proxied",
  from: from.nodeId,
  to: to.nodeId,
  ip: "203.0.113.7",
  host: null,
});

test("a mark is good for one line of request to one node, and for who knows a secret", (t) => {
  const said = { kind: "proxied", from: "a", to: "b", ip: "::1", host: "h" } as const;
  const line = { method: "GET", target: "/sessions/x?y=z" };
  const marks = new PeerMarks(["new", "old"]);
  const { text, proof } = marks.sign(said, line);
  t.like(marks.read(text, line), { hop: said, proof });
  t.like(new PeerMarks(["later", "new"]).read(text, line), { hop: said, proof });
  t.like(marks.read(new PeerMarks(["old"]).sign(said, line).text, line), { hop: said });
  t.is(new PeerMarks(["other"]).read(text, line), null);
  t.is(marks.read(text, { ...line, method: "DELETE" }), null);
  t.is(marks.read(text, { ...line, target: "/sessions/other" }), null);
  for (const wrong of [
    "",
    ".",
    "..",
    "a.b",
    `${text}.`,
    `${text}A`,
    `A${text}`,
    text.slice(0, -4),
    "x".repeat(9_999),
  ]) {
    t.is(marks.read(wrong, line), null, wrong);
  }
  t.not(marks.sign(said, line).text, text);
});

test("who sends a mark that is not right is refused, and learns nothing", async (t) => {
  const [first, second, third] = t.context.fleet.replicas;
  const path = await ownedBy(second);
  const other = await ownedBy(second);
  const marks = new PeerMarks([peerSecret]);
  const mark = (target: string, to = second, method = "GET") =>
    marks.sign(hop(first, to), { method, target }).text;
  const ask = (text: string) => second.ask(path, { headers: { "greenroom-peer": text } });
  const right = await ask(mark(path));
  t.is(right.status, 200);
  t.truthy(right.headers.get("greenroom-peer"));
  t.is(t.context.seen.at(-1)!.ip, "203.0.113.7");
  for (const text of [
    "nonsense",
    mark(other),
    mark(path, second, "DELETE"),
    new PeerMarks(["x".repeat(32)]).sign(hop(first, second), { method: "GET", target: path }).text,
    `${mark(path)}, ${mark(path)}`,
  ]) {
    const { status, body, headers } = await ask(text);
    t.is(status, 403);
    t.is(body.code, "FORBIDDEN");
    t.is(headers.get("greenroom-peer"), null);
  }
  // Said to replicas alone, so the API does not document it.
  const misdirected = await fetch(second.url + path, { headers: { "greenroom-peer": mark(path, third) } });
  const { code } = (await misdirected.json()) as { code: string };
  t.deepEqual([misdirected.status, code], [421, "MISDIRECTED"]);
  t.is(misdirected.headers.get("greenroom-node"), second.nodeId);
});

test("a request is passed on once, even where each of two replicas holds the other to be the owner", async (t) => {
  const { fleet } = t.context;
  const [first, second, third] = fleet.replicas;
  const path = await ownedBy(third);
  const id = path.slice("/sessions/".length);
  fleet.store.errors.set(`${first.nodeId} ${id}`, second.nodeId);
  fleet.store.errors.set(`${second.nodeId} ${id}`, first.nodeId);
  const { status, body } = await first.ask(path, { headers: { "x-request-id": "loop" } });
  t.is(status, 404);
  t.is(body.code, "SESSION_NOT_FOUND");
  const lines = fleet.replicas.flatMap((replica) =>
    replica.lines().filter(({ msg, request_id }) => msg === "request" && request_id === "loop"),
  );
  t.deepEqual(
    lines.map(({ proxied_to, proxied_from, status }) => [proxied_to, proxied_from, status]),
    [
      [second.nodeId, undefined, 404],
      [undefined, first.nodeId, 404],
    ],
  );
});

test("what is about one connection is not passed on, all else is, in both directions", async (t) => {
  const { seen, fleet } = t.context;
  const [first, second] = fleet.replicas;
  const path = await ownedBy(second);
  seen.length = 0;
  const sent = request(`${first.url}${path}`, {
    headers: [
      ...["Host", "agents.example", "Connection", "close, X-Hop", "X-Hop", "1", "Keep-Alive", "timeout=5"],
      ...["TE", "trailers", "Proxy-Authorization", "Basic eA==", "Upgrade", "h2c", "Expect", "100-continue"],
      ...["X-Kept", "one", "X-Kept", "two", "Authorization", "Bearer b", "X-Empty", ""],
    ],
  });
  sent.end();
  const [answer] = await once(sent, "response");
  answer.resume();
  t.is(answer.statusCode, 200);
  const [{ headers }] = seen as [Scope];
  t.deepEqual(Object.fromEntries([...headers].filter(([name]) => name !== "x-request-id")), {
    authorization: "Bearer b",
    connection: "keep-alive",
    host: "agents.example",
    "x-empty": "",
    "x-kept": "one, two",
  });
  t.deepEqual(
    endToEnd([
      "Connection",
      "x-a",
      "X-A",
      "1",
      "Transfer-Encoding",
      "chunked",
      "Set-Cookie",
      "a",
      "set-cookie",
      "b",
    ]),
    ["Set-Cookie", "a", "set-cookie", "b"],
  );
});

test("the page's origin and the Host are judged where the client is", async (t) => {
  const [first, second] = t.context.fleet.replicas;
  const path = await ownedBy(second);
  const allowed = await first.ask(path, { headers: { origin: "https://app.example" } });
  t.is(allowed.status, 200);
  t.is(allowed.headers.get("access-control-allow-origin"), "https://app.example");
  t.is(allowed.headers.get("vary"), "Origin");
  const atOwner = await second.ask(path, { headers: { origin: "https://app.example" } });
  t.is(atOwner.headers.get("access-control-allow-origin"), null);
});

test("headers that are as large as they may be are too large for the peer, and that is said", async (t) => {
  const [first, second] = t.context.fleet.replicas;
  const path = await ownedBy(second);
  for (const [length, status] of [
    [12_000, 200],
    [16_000, 431],
  ] as const) {
    const answer = await fetch(first.url + path, { headers: { "x-long": "x".repeat(length) } });
    t.is(answer.status, status);
    if (status === 431) t.is(((await answer.json()) as { code: string }).code, "HEADERS_TOO_LARGE");
  }
});

test("the secret can be changed while the fleet runs", async (t) => {
  const [old, next] = [`${peerSecret}-1`, `${peerSecret}-2`];
  const secrets = [`${old} ${next}`, `${next} ${old}`, next];
  const fleet = await openFleet({ serve: (at) => ({ peerSecret: secrets[at]! }) });
  t.teardown(() => fleet.close());
  const [before, after, done] = fleet.replicas;
  const tokens = new Map<Replica, string>();
  const paths = new Map<Replica, string>();
  for (const replica of fleet.replicas) {
    const { session_id, session_token } = await replica.start();
    const { owner } = placesOf(fleet, session_id);
    paths.set(owner, `/sessions/${session_id}`);
    tokens.set(owner, session_token);
  }
  for (const [from, to] of [
    [before, after],
    [after, before],
    [after, done],
    [done, after],
  ] as const) {
    t.is((await from.ask(paths.get(to)!)).status, 200, `${from.nodeId} → ${to.nodeId}`);
    t.is((await to.ask(`${paths.get(to)}?token=${tokens.get(to)}`)).body.config, null);
  }
  // The last step was taken too early: the first replica signs with what this one knows no more.
  t.is((await before.ask(paths.get(done)!)).status, 503);
});
