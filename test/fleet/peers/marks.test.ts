import { once } from "node:events";
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import anyTest, { type TestFn } from "ava";
import type { Scope, ServeOptions } from "greenroom";
import { endToEnd } from "../../../src/control-plane/peers/connection/end-to-end-headers.ts";
import { bodyHashOf, type Hop, PeerMarks } from "../../../src/control-plane/peers/connection/mark.ts";
import { Tickets, ticketLifeMs } from "../../../src/control-plane/peers/connection/tickets.ts";
import { StandInPeer } from "../../fixtures/fleet/stand-in-peer.ts";
import { type Fleet, openFleet, peerSecret, placesOf, type Replica } from "../../fixtures/http/open-fleet.ts";

/** Declares tests that run one after another, since they share a fleet. */
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

/** Starts a session past the replica's HTTP interface, so that it does not go elsewhere, and returns its path. */
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

test("a mark is good for one request to one node, and for who knows a secret", (t) => {
  const said = { kind: "proxied", from: "a", to: "b", ip: "::1", host: "h" } as const;
  const line = { method: "POST", target: "/sessions/x?y=z" };
  const sealed = { ...line, bodyHash: bodyHashOf(Buffer.from("{}")) };
  const turn = { ticket: "t", count: 1 };
  const marks = new PeerMarks(["new", "old"]);
  const { text, proof } = marks.sign(said, sealed, turn);
  const right = { hop: said, proof, bodyHash: sealed.bodyHash, ...turn };
  t.deepEqual(marks.read(text, line), right);
  t.deepEqual(new PeerMarks(["later", "new"]).read(text, line), right);
  t.like(marks.read(new PeerMarks(["old"]).sign(said, sealed, turn).text, line), { hop: said });
  t.is(new PeerMarks(["other"]).read(text, line), null);
  t.is(marks.read(text, { ...line, method: "DELETE" }), null);
  t.is(marks.read(text, { ...line, target: "/sessions/other" }), null);
  for (const wrong of [
    ...["", ".", "..", "a.b", `${text}.`, `${text}A`, `A${text}`, `${text}=`, text.slice(0, -4)],
    ...["x".repeat(9_999), marks.greet("a", "b").text],
  ]) {
    t.is(marks.read(wrong, line), null, wrong);
  }
  t.is(marks.readGreeting(text), null);
  t.is(marks.readGreeting(new PeerMarks(["other"]).greet("a", "b").text), null);
});

test("the answer to a greeting is good for that greeting alone, and proves the secret", (t) => {
  const marks = new PeerMarks(["secret"]);
  const greeting = marks.greet("a", "b");
  const answer = marks.readGreeting(greeting.text)!.answer("the-ticket");
  t.is(greeting.ticketOf(answer), "the-ticket");
  t.is(marks.greet("a", "b").ticketOf(answer), null);
  t.is(greeting.ticketOf(answer.replace("the", "an")), null);
  t.is(greeting.ticketOf(`${answer}=`), null);
  const other = new PeerMarks(["other"]).greet("a", "b");
  t.is(greeting.ticketOf(new PeerMarks(["other"]).readGreeting(other.text)!.answer("x")), null);
});

test("a ticket's counts are taken once and in order, for as long as it is good", (t) => {
  let now = 0;
  const tickets = new Tickets(() => now, 100);
  const ticket = tickets.give();
  t.true(tickets.take({ ticket, count: 1 }));
  for (const count of [1, 0, -1, 1.5, Number.NaN]) t.false(tickets.take({ ticket, count }));
  t.true(tickets.take({ ticket, count: 3 }));
  t.false(tickets.take({ ticket, count: 2 }));
  t.false(new Tickets(() => now).take({ ticket, count: 4 }), "another process gave it");
  for (const wrong of ["", "~", `A${ticket}`, `${ticket}A`, ticket.replace("~", ""), `${ticket}~`.repeat(2)])
    t.false(tickets.take({ ticket: wrong, count: 9 }), wrong);
  now = 1;
  // More than are remembered: what is forgotten is good no longer, and is not taken a second time.
  const many = Array.from({ length: 150 }, () => {
    now += 1;
    return tickets.give();
  });
  for (const other of many) t.true(tickets.take({ ticket: other, count: 1 }));
  for (const other of [ticket, ...many]) t.false(tickets.take({ ticket: other, count: 1 }));
  t.false(tickets.take({ ticket, count: 4 }));
  t.true(tickets.take({ ticket: many[149]!, count: 2 }));
  now += ticketLifeMs + 1;
  t.false(tickets.take({ ticket: many[149]!, count: 3 }));
  t.true(tickets.take({ ticket: tickets.give(), count: 1 }));
});

test("who sends a mark that is not right is refused, and learns nothing", async (t) => {
  const [first, second, third] = t.context.fleet.replicas;
  const path = await ownedBy(second);
  const other = await ownedBy(second);
  const peer = async (to = second, secret = peerSecret) => {
    const stand = new StandInPeer(new PeerMarks([secret]), second.url, hop(first, to));
    return { stand, answer: await stand.greet() };
  };
  const { stand } = await peer();
  const ask = (text: string) => second.ask(path, { headers: { "greenroom-peer": text } });
  const mark = stand.mark({ target: path });
  const right = await ask(mark);
  t.is(right.status, 200);
  t.truthy(right.headers.get("greenroom-peer"));
  t.is(t.context.seen.at(-1)!.ip, "203.0.113.7");
  const [early, late] = [stand.mark({ target: path }), stand.mark({ target: path })];
  t.is((await ask(late)).status, 200);
  const ungreeted = new StandInPeer(new PeerMarks([peerSecret]), second.url, hop(first, second));
  const stranger = await peer(second, "x".repeat(32));
  t.deepEqual([stranger.answer.status, stranger.answer.headers.get("greenroom-peer")], [403, null]);
  for (const [name, text] of Object.entries({
    nonsense: "nonsense",
    "used before": mark,
    "older than the last one": early,
    "of another path": stand.mark({ target: other }),
    "of another method": stand.mark({ target: path, method: "DELETE" }),
    "without a greeting": ungreeted.mark({ target: path }),
    "of another secret": stranger.stand.mark({ target: path }),
    twice: `${stand.mark({ target: path })}, ${stand.mark({ target: path })}`,
  })) {
    const { status, body, headers } = await ask(text);
    t.is(status, 403, name);
    t.is(body.code, "FORBIDDEN");
    t.is(headers.get("greenroom-peer"), null);
  }
  // Said to replicas alone, so the API does not document it.
  const wrong = await peer(third);
  t.deepEqual([wrong.answer.status, wrong.answer.headers.get("greenroom-node")], [421, second.nodeId]);
});

test("a mark is bound to the body", async (t) => {
  const [first, second] = t.context.fleet.replicas;
  const target = `${await ownedBy(second)}/messages`;
  const stand = new StandInPeer(new PeerMarks([peerSecret]), second.url, hop(first, second));
  await stand.greet();
  const body = JSON.stringify({ text: "hello" });
  const send = (sent: string | undefined, headers: Record<string, string> = {}) =>
    second.ask(target, {
      method: "POST",
      headers: {
        ...(sent === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
        "greenroom-peer": stand.mark({ method: "POST", target, body }),
      },
      ...(sent === undefined ? {} : { body: sent }),
    });
  t.is((await send(body)).status, 202);
  for (const other of [JSON.stringify({ text: "other" }), `${body} `, "", undefined, "x".repeat(70_000)]) {
    const { status, body } = await send(other);
    t.deepEqual([status, body.code], [403, "FORBIDDEN"], other?.slice(0, 30));
  }
});

test("bodies are passed on as they came: compressed, too large, or no JSON", async (t) => {
  const [first, second] = t.context.fleet.replicas;
  const path = `${await ownedBy(second)}/messages`;
  const json = { "content-type": "application/json" };
  const text = JSON.stringify({ text: "hello" });
  for (const [body, headers, status] of [
    [gzipSync(text), { ...json, "content-encoding": "gzip" }, 202],
    [gzipSync("x".repeat(1_000_000)), { ...json, "content-encoding": "gzip" }, 413],
    [text, { ...json, "content-encoding": "gzip" }, 400],
    ["x".repeat(65_537), json, 413],
    ["{", json, 422],
    ["hello", { "content-type": "text/plain" }, 415],
  ] as const) {
    for (const replica of [second, first]) {
      const answer = await replica.ask(path, { method: "POST", headers, body });
      t.is(answer.status, status, `${replica.nodeId} ${String(body).slice(0, 20)}`);
    }
  }
});

test("where two replicas hold each other to be the owner, neither is asked twice, and the third one answers", async (t) => {
  const { fleet } = t.context;
  const [first, second, third] = fleet.replicas;
  const path = await ownedBy(third);
  const id = path.slice("/sessions/".length);
  fleet.store.errors.set(`${first.nodeId} ${id}`, second.nodeId);
  fleet.store.errors.set(`${second.nodeId} ${id}`, first.nodeId);
  const { status, body } = await first.ask(path, { headers: { "x-request-id": "loop" } });
  t.is(status, 200);
  t.is(body.session_id, id);
  const lines = fleet.replicas.flatMap((replica) =>
    replica.lines().filter(({ event, request_id }) => event === "request_answered" && request_id === "loop"),
  );
  // Whether they have it is asked and told at the level debug.
  const passed = lines.filter(({ level }) => level === 30);
  t.deepEqual(
    passed.map(({ proxied_to, proxied_from, status }) => [proxied_to, proxied_from, status]),
    [
      [third.nodeId, undefined, 200],
      [undefined, first.nodeId, 404],
      [undefined, first.nodeId, 200],
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
