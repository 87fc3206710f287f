import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { Dependency, ServeOptions } from "greenroom";
import { type Hop, PeerMarks } from "../../../src/control-plane/peers/connection/mark.ts";
import { PeerClient } from "../../../src/control-plane/peers/connection/peer-client.ts";
import { PeerError } from "../../../src/control-plane/peers/connection/peer-error.ts";
import { answerAsPeer } from "../../fixtures/fleet/stand-in-peer.ts";
import { type Fleet, openFleet, openPair, type Pair, placesOf } from "../../fixtures/http/open-fleet.ts";

/** Declares tests that run one after another: each has servers of its own, and there are two cores. */
const test = anyTest.serial as TestFn;

async function fleetOf(t: ExecutionContext, serve: ServeOptions): Promise<Fleet> {
  const fleet = await openFleet({ serve: () => serve });
  t.teardown(() => fleet.close());
  return fleet;
}

async function pairOf(t: ExecutionContext, serve: ServeOptions): Promise<Pair> {
  const pair = await openPair({ serve: () => serve });
  t.teardown(() => pair.close());
  return pair;
}

async function serverOf(t: ExecutionContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const user: Dependency<string | null> = ({ headers }) => headers.get("x-user");

test("a session whose owner is out of reach is judged by what the registry knows", async (t) => {
  const fleet = await pairOf(t, {
    getCurrentUser: user,
    canViewSession: async ({ session, resolve }) => session().createdBy === (await resolve(user)),
  });
  const ann = { headers: { "x-user": "ann" } };
  const { session_id, session_token, call_id } = await fleet.replicas[0].start(
    { config: { a: 1 } },
    ann.headers,
  );
  const { owner, foreign } = placesOf(fleet, session_id);
  owner.cut();
  const path = `/sessions/${session_id}`;
  const bob = { headers: { "x-user": "bob" } };
  const unknownPath = "/sessions/00000000-0000-4000-8000-000000000000";
  const nobody = await foreign.ask(unknownPath, bob);

  const unreachable = await foreign.ask(path, ann);
  t.deepEqual([unreachable.status, unreachable.body.code], [503, "PEER_UNREACHABLE"]);
  t.is(unreachable.headers.get("retry-after"), "1");
  t.is((await foreign.ask(`${path}?token=${session_token}`)).status, 503);
  t.is((await foreign.ask(`/calls/${call_id}/sessions/${session_id}/metrics`, ann)).status, 503);
  t.is((await foreign.ask(`/calls/other/sessions/${session_id}`, ann)).status, 503);
  // To who may not view it, it is as one of which nobody can tell whether the owner has it.
  const unseen = await foreign.ask(path, bob);
  t.deepEqual([unseen.status, unseen.body.code], [503, "PEER_UNREACHABLE"]);
  t.is(unseen.text.replace(session_id, ""), nobody.text.replace("00000000-0000-4000-8000-000000000000", ""));

  // An EventSource would give up for good at a 503.
  const stream = { headers: { ...ann.headers, accept: "text/event-stream" } };
  const empty = await foreign.ask(`${path}/events`, stream);
  t.deepEqual([empty.status, empty.headers.get("content-type")], [200, "text/event-stream; charset=utf-8"]);
  t.is(empty.text, "retry: 2000\n\n: PEER_UNREACHABLE\n\n");
  t.is((await foreign.ask(path, stream)).status, 503);
  const seenByBob = await foreign.ask(`${path}/events`, { headers: { ...stream.headers, "x-user": "bob" } });
  t.is(seenByBob.text, empty.text);

  fleet.store.expire(owner.nodeId);
  for (const request of [ann, { ...ann, method: "DELETE" }]) {
    const lost = await foreign.ask(path, request);
    t.is(lost.status, 404);
    t.is(lost.body.end_reason, "lost");
    t.deepEqual(lost.body.error, {
      name: "Error",
      message: `The process ${owner.nodeId} ended unexpectedly, stood still, or was cut off`,
    });
    t.truthy(lost.body.session_ended_at);
  }
  t.is((await foreign.ask(`${path}?token=${session_token}`)).body.end_reason, "lost");
  t.is((await foreign.ask(`${path}/metrics?token=${session_token}`)).body.end_reason, undefined);
  const [gone, never] = await Promise.all([foreign.ask(path, bob), foreign.ask(unknownPath, bob)]);
  t.is(gone.status, 404);
  t.is(gone.text.replace(session_id, ""), never.text.replace(unknownPath.slice("/sessions/".length), ""));
});

test("of a session out of reach the bearer of its token hears no more than its starter may view", async (t) => {
  const fleet = await pairOf(t, { canViewSession: ({ headers }) => headers.get("x-user") === "ann" });
  const { session_id, session_token } = await fleet.replicas[0].start({}, { "x-user": "ann" });
  const { owner, foreign } = placesOf(fleet, session_id);
  const path = `/sessions/${session_id}?token=${session_token}`;
  t.is((await foreign.ask(path)).status, 200);
  owner.cut();
  // What its starter's request held, which permits it, is not known here.
  t.is((await foreign.ask(path)).status, 503);
  fleet.store.expire(owner.nodeId);
  const lost = await foreign.ask(path);
  t.deepEqual([lost.status, lost.body.end_reason], [404, undefined]);
});

test("a stranger at a peer's address is not believed", async (t) => {
  const fleet = await fleetOf(t, {});
  const { session_id } = await fleet.replicas[0].start();
  const { owner, foreign } = placesOf(fleet, session_id);
  const address = await serverOf(
    t,
    createServer((_request, response) => response.end('{"sessions":[],"next_cursor":null}')),
  );
  const member = fleet.store.members.get(owner.nodeId)!;
  fleet.store.members.set(owner.nodeId, { ...member, node: { ...member.node, address } });
  t.is((await foreign.ask(`/sessions/${session_id}`)).status, 503);
  t.is((await foreign.ask("/sessions")).headers.get("greenroom-incomplete"), owner.nodeId);
  await foreign.launcher.stop();
  const started = await foreign.start();
  t.not(placesOf(fleet, started.session_id).owner, foreign);
});

test("a stranger at a peer's address learns nothing of a caller: no header, query or body, whatever it answers", async (t) => {
  const fleet = await fleetOf(t, {});
  const { session_id } = await fleet.replicas[0].start();
  const { owner, foreign } = placesOf(fleet, session_id);
  let heard = "";
  let answers = 0;
  const stranger = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      heard += chunk;
      answers += 1;
      // An agreeable one, that says whatever opens a body, or turns words round.
      const mark = /greenroom-peer: (\S+)/i.exec(String(chunk))?.[1] ?? "";
      socket.write(
        [
          `HTTP/1.1 204 No Content\r\nGreenroom-Peer: ${mark}\r\n\r\n`,
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
          "HTTP/1.1 102 Processing\r\n\r\n",
          "\u0000\r\n\r\n",
        ][answers % 4]!,
      );
    });
  });
  await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
  t.teardown(() => stranger.close());
  const address = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
  const member = fleet.store.members.get(owner.nodeId)!;
  const moved = { ...member, node: { ...member.node, address } };
  const headers = {
    authorization: "Bearer secret-of-the-caller",
    cookie: "session=secret-of-the-caller",
    "x-api-key": "secret-of-the-caller",
    "x-anything": "secret-of-the-caller",
  };
  const path = `/sessions/${session_id}`;
  const ask = async () => {
    await foreign.ask(`${path}?token=secret-of-the-caller`, { headers });
    await foreign.ask(`${path}/messages`, { headers, json: { text: "secret-of-the-caller" } });
    await foreign.ask(`${path}/close`, { headers, method: "POST", body: "secret-of-the-caller" });
    await foreign.ask(path, { headers, method: "DELETE" });
    await foreign.ask("/sessions", { headers });
    await foreign.ask("/calls/secret-of-the-caller/sessions", { headers, method: "DELETE" });
  };
  // What was proved before, over connections that are kept, helps nobody who takes the address over.
  await foreign.ask(path, { headers });
  fleet.store.members.set(owner.nodeId, moved);
  for (let round = 0; round < 4; round += 1) await ask();
  await foreign.launcher.stop();
  for (let round = 0; round < 4; round += 1)
    await foreign.ask("/sessions", {
      headers,
      json: { call_id: "c", config: { key: "secret-of-the-caller" } },
    });
  t.true(answers >= 20);
  t.notRegex(heard, /secret-of-the-caller|authorization|cookie/i);
  t.notRegex(heard, new RegExp(session_id));
  for (const line of heard.split("\r\n").filter((text) => text !== ""))
    t.regex(line, /^(HEAD \/health HTTP\/1\.1|Host: 127\.0\.0\.1:\d+|Greenroom-Peer: [\w.-]+)$/);
});

test("an owner that keeps silent is not waited for once it is declared dead", async (t) => {
  const fleet = await pairOf(t, {});
  const { session_id } = await fleet.replicas[0].start();
  const { owner, foreign } = placesOf(fleet, session_id);
  const asked = Promise.withResolvers<void>();
  const address = await serverOf(
    t,
    createServer(() => asked.resolve()),
  );
  const member = fleet.store.members.get(owner.nodeId)!;
  fleet.store.members.set(owner.nodeId, { ...member, node: { ...member.node, address } });
  const answers = Promise.all([
    foreign.ask(`/sessions/${session_id}`),
    foreign.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" }),
  ]);
  await asked.promise;
  fleet.store.expire(owner.nodeId);
  for (const { status, body } of await answers) t.deepEqual([status, body.end_reason], [404, "lost"]);
});

test("without a secret nothing is passed on, and the log says so", async (t) => {
  const fleet = await pairOf(t, { peerSecret: undefined } as unknown as ServeOptions);
  const { session_id } = await fleet.replicas[0].start();
  const { owner, foreign } = placesOf(fleet, session_id);
  t.is((await owner.ask(`/sessions/${session_id}`)).status, 200);
  t.is((await foreign.ask(`/sessions/${session_id}`)).status, 503);
  const list = await foreign.ask("/sessions");
  t.deepEqual(
    new Set(list.headers.get("greenroom-incomplete")?.split(", ")),
    new Set(fleet.replicas.filter((replica) => replica !== foreign).map(({ nodeId }) => nodeId)),
  );
  const metrics = (await foreign.ask("/metrics")).text;
  for (const kind of ["proxied", "listed"])
    t.regex(metrics, new RegExp(`peer_request_failures_total\\{kind="${kind}"\\} [12]\n`));
  t.is((await owner.ask("/sessions", { headers: { "greenroom-peer": "x.y" } })).status, 403);
  t.true(owner.lines().some(({ level, msg }) => level === 40 && /GREENROOM_PEER_SECRET/.test(String(msg))));
});

test("a wrong address is told by who answers there", async (t) => {
  const fleet = await fleetOf(t, {});
  const { session_id } = await fleet.replicas[0].start();
  const { owner, foreign } = placesOf(fleet, session_id);
  const third = fleet.replicas.find((replica) => replica !== owner && replica !== foreign)!;
  const stranger = await serverOf(
    t,
    createServer((_request, response) => response.end("{}")),
  );
  const others = await openPair({
    serve: () => ({ peerSecret: "the-secret-of-quite-another-fleet-than-that" }),
  });
  t.teardown(() => others.close());
  const member = fleet.store.members.get(owner.nodeId)!;
  for (const [address, says] of [
    [third.url, `It was answered by another replica (${third.nodeId}): its --advertised-address`],
    [stranger, "It was answered 200 by no Greenroom there: its --advertised-address"],
    [others.replicas[0].url, "It was answered 403 by a Greenroom with another GREENROOM_PEER_SECRET"],
  ] as const) {
    fleet.store.members.set(owner.nodeId, { ...member, node: { ...member.node, address } });
    t.is((await foreign.ask(`/sessions/${session_id}`)).status, 503);
    const { cause } = foreign.lines().findLast(({ event }) => event === "peer_silent")!;
    t.true(String(cause).startsWith(`PeerError: ${says}`), String(cause));
  }
});

const marks = new PeerMarks(["a secret of this test"]);
const request = (kind: Hop["kind"], body: string | null = null) => ({
  hop: { kind, from: "a", to: "b", ip: "::1", host: null },
  method: body === null ? "GET" : "POST",
  target: "/",
  mount: "",
  headers: [],
  body: body === null ? null : Buffer.from(body),
  signTimeoutMs: 30_000,
  answerTimeoutMs: 30_000,
  signal: new AbortController().signal,
});
test("a peer that is not there, or dies, cannot have acted; one that keeps silent may have", async (t) => {
  const client = new PeerClient(marks);
  const undone = async (address: string, answerTimeoutMs = 30_000) => {
    const error = await t.throwsAsync(
      client.ask({ nodeId: "b", address }, { ...request("forwarded", "{}"), answerTimeoutMs }),
      { instanceOf: PeerError },
    );
    return (error as PeerError).surelyUndone;
  };
  const closed = createServer();
  const address = await serverOf(t, closed);
  await new Promise((resolve) => closed.close(resolve));
  t.true(await undone(address));
  t.true(
    await undone(
      await serverOf(
        t,
        createServer(({ socket }) => socket.destroy()),
      ),
    ),
  );
  t.false(
    await undone(
      await serverOf(
        t,
        createServer((incoming, response) => void answerAsPeer(marks, incoming, response)),
      ),
      50,
    ),
  );
});

test("a kept connection that the peer closes is no loss to what can be asked again", async (t) => {
  const client = new PeerClient(marks);
  const perConnection: number[] = [];
  const server = createServer((incoming, response) => {
    const { socket } = incoming;
    if (incoming.url === "/health") return answerAsPeer(marks, incoming, response);
    const requests = (Reflect.get(socket, "requests") ?? 0) + 1;
    Reflect.set(socket, "requests", requests);
    perConnection.push(requests);
    if (requests === 2) return socket.destroy();
    incoming.resume();
    answerAsPeer(marks, incoming, response);
    return response.end("{}");
  });
  const peer = { nodeId: "b", address: await serverOf(t, server) };
  for (const asked of [
    request("proxied"),
    request("listed"),
    request("proxied", "{}"),
    request("proxied", "{}"),
  ]) {
    const answer = await client.ask(peer, asked);
    await answer.toArray();
    t.is(answer.statusCode, 200);
  }
  // The second was asked again over a connection of its own, as are those with a body.
  t.deepEqual(perConnection, [1, 2, 1, 1, 1]);
});

test("who does not wait any longer ends the request to the peer", async (t) => {
  const client = new PeerClient(marks);
  const left = Promise.withResolvers<void>();
  const controller = new AbortController();
  const address = await serverOf(
    t,
    createServer((incoming, response) => {
      if (answerAsPeer(marks, incoming, response)) return;
      incoming.socket.once("close", () => left.resolve());
      controller.abort(new Error("gone"));
    }),
  );
  const asked = client.ask({ nodeId: "b", address }, { ...request("proxied"), signal: controller.signal });
  await t.throwsAsync(asked, { message: "gone" });
  await left.promise;
});
