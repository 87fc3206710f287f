import { connect } from "node:net";
import anyTest, { type TestFn } from "ava";
import { HttpError, type Scope } from "greenroom";
import { type Fleet, openFleet, placesOf, type Replica } from "../fixtures/http/open-fleet.ts";
import type { Answer } from "../fixtures/http/open-server.ts";
import { reached } from "../fixtures/session-watch.ts";

interface Seen {
  readonly at: number;
  readonly scope: Scope;
  readonly callId: string | undefined;
}

/** Declares tests that run one after another, since they share a fleet. */
const test = anyTest.serial as TestFn<{ fleet: Fleet; seen: Seen[] }>;

test.before(async (t) => {
  const seen: Seen[] = [];
  t.context.seen = seen;
  t.context.fleet = await openFleet({
    serve: (at) => ({
      trustedProxyCount: 1,
      getCurrentUser: ({ headers }) => {
        const user = headers.get("x-user");
        if (user === null) throw new HttpError(401, "Who?", { headers: { "WWW-Authenticate": "Test" } });
        return user;
      },
      canViewSession: (scope) => {
        seen.push({ at, scope, callId: scope.session().callId });
        return scope.session().createdBy === scope.headers.get("x-user") || scope.headers.has("x-support");
      },
      canCloseSession: (scope) => scope.session().createdBy === scope.headers.get("x-user"),
    }),
  });
});
test.after.always((t) => t.context.fleet.close());

const ann = { "x-user": "ann" };

async function started(t: { context: { fleet: Fleet } }, body: Record<string, string> = {}) {
  const { fleet } = t.context;
  const session: Answer["body"] = await fleet.replicas[0].start(body, ann);
  return { session, path: `/sessions/${session.session_id}`, ...placesOf(fleet, session.session_id) };
}

test("any replica shows a session, as its owner does", async (t) => {
  const { session, path, owner, foreign } = await started(t);
  await reached(owner.launcher.getSession(session.session_id)!, "live");
  const at = await owner.ask(path, { headers: ann });
  const elsewhere = await foreign.ask(path, { headers: ann });
  t.is(elsewhere.status, 200);
  t.like(elsewhere.body, { session_id: session.session_id, created_by: "ann", state: at.body.state });
  t.is(elsewhere.headers.get("content-type"), at.headers.get("content-type"));
  t.is(elsewhere.headers.get("greenroom-peer"), null);
  const head = await foreign.ask(path, { method: "HEAD", headers: ann });
  t.is(head.status, 200);
  t.is(head.text, "");
});

test("its metrics too, and it takes messages there", async (t) => {
  const { path, owner, foreign, session } = await started(t);
  const metrics = await foreign.ask(`${path}/metrics`, { headers: ann });
  t.is(metrics.body.session_id, session.session_id);
  const sent = await foreign.ask(`${path}/messages`, { headers: ann, json: { text: "hello" } });
  t.is(sent.status, 202);
  t.truthy(sent.body.message_id);
  const invalid = await foreign.ask(`${path}/messages`, { headers: ann, json: { text: "" } });
  t.is(invalid.status, 422);
  const notJson = await foreign.ask(`${path}/messages`, { method: "POST", headers: ann, body: "hello" });
  t.is(notJson.status, 415);
  const bare = await foreign.ask(`${path}/messages`, { method: "POST", headers: ann });
  const bareAtHome = await owner.ask(`${path}/messages`, { method: "POST", headers: ann });
  t.deepEqual([bare.status, bare.body], [bareAtHome.status, bareAtHome.body]);
  const large = await foreign.ask(`${path}/messages`, { headers: ann, json: { text: "x".repeat(70_000) } });
  t.is(large.status, 413);
});

test("a body without a length is passed on as it comes", async (t) => {
  const { path, foreign } = await started(t);
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"text":'));
      controller.enqueue(new TextEncoder().encode('"hello"}'));
      controller.close();
    },
  });
  const headers = { ...ann, "content-type": "application/json" };
  t.is((await foreign.ask(`${path}/messages`, { method: "POST", headers, body })).status, 202);
});

test("a body without an end is refused, or ignored, as at home", async (t) => {
  const { path, owner, foreign, session } = await started(t);
  const asked = (replica: Replica, target: string) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connect(replica.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer.slice(0, answer.indexOf("\r\n"))));
    socket.write(`POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: ann\r\n`);
    socket.write("Content-Type: application/json\r\nContent-Length: 99000000\r\n\r\n");
    const chunk = "x".repeat(65_536);
    const write = () => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on("drain", write);
    write();
    return promise;
  };
  for (const replica of [owner, foreign]) {
    t.is(await asked(replica, `${path}/messages`), "HTTP/1.1 413 Payload Too Large", replica.nodeId);
  }
  t.is(await asked(foreign, `${path}/close`), "HTTP/1.1 200 OK");
  await owner.launcher.getSession(session.session_id)!.ended;
});

test("under the paths of its call, and under no other call's", async (t) => {
  const { session, foreign } = await started(t, { call_id: "a call/of hers".replace("/", "-") });
  const path = `/calls/${encodeURIComponent(session.call_id)}/sessions/${session.session_id}`;
  t.is((await foreign.ask(path, { headers: ann })).body.call_id, session.call_id);
  t.is((await foreign.ask(`${path}/metrics`, { headers: ann })).status, 200);
  const other = `/calls/other/sessions/${session.session_id}`;
  t.is((await foreign.ask(other, { headers: ann })).status, 404);
  const closed = await foreign.ask(`${path}?wait=true`, { method: "DELETE", headers: ann });
  t.is(closed.status, 202);
  t.is((await foreign.ask(path, { headers: ann })).body.end_reason, "closed");
});

test("it is closed from anywhere: at once, waited for, and by a beacon", async (t) => {
  const atOnce = await started(t);
  t.is((await atOnce.foreign.ask(atOnce.path, { method: "DELETE", headers: ann })).status, 204);
  await atOnce.owner.launcher.getSession(atOnce.session.session_id)!.ended;

  const waited = await started(t);
  t.is(
    (await waited.foreign.ask(`${waited.path}?wait=true`, { method: "DELETE", headers: ann })).status,
    204,
  );
  const ended = waited.owner.launcher.getSession(waited.session.session_id)!;
  t.is(ended.state, "ended");
  t.is(ended.closeRequestedBy, "ann");

  const beacon = await started(t);
  const { session_token } = beacon.session;
  const closed = await beacon.foreign.ask(`${beacon.path}/close?token=${session_token}`, {
    method: "POST",
    body: "whatever a page sends",
  });
  t.is(closed.status, 200);
  await beacon.owner.launcher.getSession(beacon.session.session_id)!.ended;
});

test("an ended session says at any replica why it ended", async (t) => {
  const { path, foreign } = await started(t);
  await foreign.ask(`${path}?wait=true`, { method: "DELETE", headers: ann });
  const { status, body } = await foreign.ask(path, { headers: ann });
  t.is(status, 404);
  t.is(body.end_reason, "closed");
  t.is((await foreign.ask(`${path}/metrics`, { headers: ann })).status, 200);
});

test("a session token is good at any replica, although no secret of its own is given", async (t) => {
  const { session, path, foreign } = await started(t);
  const token = `token=${session.session_token}`;
  const shown = await foreign.ask(`${path}?${token}`);
  t.is(shown.status, 200);
  t.is(shown.body.created_by, null);
  t.is((await foreign.ask(`${path}/metrics?${token}`)).status, 401);
  t.is((await foreign.ask(`${path}?token=${"A".repeat(43)}`)).status, 401);
});

test("who may not is told so as at home: 401, 403, and 404 where they may not view", async (t) => {
  const { path, owner, foreign } = await started(t);
  const asks: [string, object][] = [
    [path, {}],
    [path, { headers: { "x-user": "bob" } }],
    [path, { method: "DELETE", headers: { "x-user": "bob" } }],
    [path, { method: "DELETE", headers: { "x-user": "bob", "x-support": "yes" } }],
    [`${path}/close`, { method: "POST", headers: { "x-user": "bob", "x-support": "yes" } }],
  ];
  const statuses: number[] = [];
  for (const [target, request] of asks) {
    const atHome = await owner.ask(target, request);
    const elsewhere = await foreign.ask(target, request);
    t.is(elsewhere.status, atHome.status);
    t.is(elsewhere.text, atHome.text);
    t.is(elsewhere.headers.get("www-authenticate"), atHome.headers.get("www-authenticate"));
    statuses.push(elsewhere.status);
  }
  t.deepEqual(statuses, [401, 404, 404, 403, 403]);
});

test("the owner's callbacks see the client's request: address, headers, query, cookies, path and session", async (t) => {
  const { session, path, owner, foreign } = await started(t);
  const { seen, fleet } = t.context;
  seen.length = 0;
  await foreign.ask(`${path}?a=1&a=2`, {
    headers: {
      ...ann,
      "x-forwarded-for": "198.51.100.9, 203.0.113.7",
      cookie: "one=1; two=zwei",
      "x-odd": "\u00e4 \u00ff",
      "x-request-id": "trace-7",
    },
  });
  t.is(seen.length, 1);
  const [{ at, scope, callId }] = seen as [Seen];
  t.is(fleet.replicas[at], owner);
  t.is(callId, session.call_id);
  t.is(scope.ip, "203.0.113.7");
  t.is(scope.path, path);
  t.deepEqual(scope.query.getAll("a"), ["1", "2"]);
  t.is(scope.cookies.get("two"), "zwei");
  t.is(scope.headers.get("x-odd"), "\u00e4 \u00ff");
  t.is(scope.headers.get("host"), `127.0.0.1:${foreign.port}`);
  t.is(scope.headers.get("x-forwarded-for"), "198.51.100.9, 203.0.113.7");
  t.false([...scope.headers.keys()].some((name) => name.startsWith("greenroom")));
});

test("the logs say who passed it on to whom, under one request id", async (t) => {
  const { path, owner, foreign } = await started(t);
  await foreign.ask(path, { headers: { ...ann, "x-request-id": "trace-8" } });
  const line = ({ lines }: typeof owner) =>
    lines().find(({ event, request_id }) => event === "request_answered" && request_id === "trace-8");
  t.like(line(foreign), { route: "/sessions/{session_id}", status: 200, proxied_to: owner.nodeId });
  t.like(line(owner), { route: "/sessions/{session_id}", status: 200, proxied_from: foreign.nodeId });
  t.is(line(owner)!.proxied_to, undefined);
});

test("the metrics tell requests of clients from those of peers", async (t) => {
  const { path, owner, foreign } = await started(t);
  const failures = async () =>
    /greenroom_peer_request_failures_total\{kind="proxied"\} (\d+)/.exec(
      (await foreign.ask("/metrics")).text,
    )?.[1];
  const failuresBefore = await failures();
  await foreign.ask(path, { headers: ann });
  const ofOwner = (await owner.ask("/metrics")).text;
  const ofForeign = (await foreign.ask("/metrics")).text;
  t.regex(ofOwner, /route="\/sessions\/\{session_id\}",method="GET",status="200",from="peer"\} [1-9]/);
  t.regex(ofForeign, /route="\/sessions\/\{session_id\}",method="GET",status="200",from="client"\} [1-9]/);
  t.regex(ofForeign, /greenroom_peer_request_seconds_count\{kind="proxied"\} [1-9]/);
  t.is(await failures(), failuresBefore);
});

test("an id that no replica knows is not found, and one that cannot be one is not looked up", async (t) => {
  const [first] = t.context.fleet.replicas;
  for (const id of ["00000000-0000-4000-8000-000000000000", "nobody"]) {
    t.is((await first.ask(`/sessions/${id}`, { headers: ann })).status, 404);
  }
  t.context.fleet.store.away = true;
  t.teardown(() => {
    t.context.fleet.store.away = false;
  });
  t.is((await first.ask("/sessions/nobody", { headers: ann })).status, 404);
  const unknown = await first.ask("/sessions/00000000-0000-4000-8000-000000000000", { headers: ann });
  t.is(unknown.status, 503);
  t.is(unknown.body.code, "REGISTRY_UNAVAILABLE");
});
