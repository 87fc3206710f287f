import anyTest, { type TestFn } from "ava";
import type { JsonObject } from "greenroom";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { agentUrl } from "../fixtures/agent-url.ts";
import { eventually } from "../fixtures/eventually.ts";
import { carrierRoutes, signature } from "../fixtures/http/carrier.ts";
import {
  type Fleet,
  openFleet,
  openPair,
  type Pair,
  placesOf,
  type Replica,
} from "../fixtures/http/open-fleet.ts";
import { SocketClient } from "../fixtures/http/socket-client.ts";

/** One after another, since they share a fleet. */
const test = anyTest.serial as TestFn<{ fleet: Fleet }>;

const launcher = { agent: agentUrl("calls/sockets"), threadWaitTimeoutMs: 60_000 };
const serve = () => ({
  getCurrentUser: ({ headers }: { readonly headers: Headers }) => headers.get("x-user") ?? "nobody",
  canJoinCall: ({ headers }: { readonly headers: Headers }) => headers.get("x-user") === "ann",
});
const asAnn = { "x-user": "ann" };

test.before(async (t) => {
  t.timeout(120_000);
  t.context.fleet = await openFleet({ launcher, serve });
});
test.after.always((t) => t.context.fleet?.close());

/** A session, the replica that has it, and the URL of its socket at another one. */
async function started(fleet: Fleet | Pair, config: JsonObject = {}) {
  const { session_id: id, session_token: token } = await fleet.replicas[0].start({ config }, asAnn);
  const { owner, foreign } = placesOf(fleet, id);
  return {
    id: String(id),
    token: String(token),
    owner,
    foreign,
    media: `${foreign.url}/sessions/${id}/media`,
  };
}

async function metric({ launcher }: Replica, series: string): Promise<number> {
  const text = await (await supervisorOf(launcher)).metrics.text();
  const line = text.split("\n").find((line) => line.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

test("any replica brings a client to the session, and bytes go both ways unchanged", async (t) => {
  const { owner, foreign, media, token, id } = await started(t.context.fleet);
  const { client, joined } = await SocketClient.open(t, media, { token });
  t.regex(joined.participant_id, /^guest-/);
  t.is(client.socket.protocol, "greenroom.pcm16");
  t.is(await client.ask("héllo"), "héllo");
  const bytes = Buffer.from(Array.from({ length: 60_000 }, (_, at) => (at * 7) % 256));
  t.deepEqual(await client.ask(bytes), bytes);
  t.is(await metric(foreign, 'greenroom_media_sockets_open{leg="relay"}'), 1);
  t.is(await metric(owner, 'greenroom_media_sockets_open{leg="session"}'), 1);
  await owner.launcher.closeSession(id);
  t.deepEqual(await client.closed, { code: 1_000, reason: "closed" });
  await eventually(
    "both legs are over",
    async () =>
      (await metric(foreign, 'greenroom_media_sockets_open{leg="relay"}')) === 0 &&
      (await metric(owner, 'greenroom_media_sockets_open{leg="session"}')) === 0,
  );
});

test("the owner judges, and its refusals come through as they are", async (t) => {
  const { owner, foreign, media, token, id } = await started(t.context.fleet);
  t.is((await SocketClient.open(t, media, { options: { headers: asAnn } })).joined.participant_id, "ann");
  t.like(await SocketClient.refused(t, media), { status: 403, body: { code: "FORBIDDEN" } });
  t.like(await SocketClient.refused(t, media, { token, protocols: ["other"] }), {
    status: 422,
    body: { code: "EDGE_REFUSED" },
  });
  t.like(await foreign.ask(`/sessions/${id}/media?token=${token}`), {
    status: 426,
    body: { code: "UPGRADE_REQUIRED" },
  });
  t.like(await foreign.ask(`/sessions/${id}/offer?token=${token}`, { json: { offer: { sdp: "v=0" } } }), {
    status: 200,
    body: { answer: { to: { sdp: "v=0" } } },
  });
  await owner.launcher.closeSession(id, { wait: true });
  t.like(await SocketClient.refused(t, media, { options: { headers: asAnn } }), {
    status: 404,
    body: { code: "SESSION_NOT_FOUND", end_reason: "closed" },
  });
});

test("a client that leaves by another replica has left the call", async (t) => {
  const { owner, media, id } = await started(t.context.fleet);
  const { client } = await SocketClient.open(t, media, { options: { headers: asAnn } });
  t.is(owner.launcher.getSession(id)?.aloneSince, null);
  client.socket.terminate();
  await eventually("the agent is alone", () => (owner.launcher.getSession(id)?.aloneSince ?? null) !== null);
});

test("a page of another origin brings no cookies to the owner either", async (t) => {
  const fleet = await openPair({
    launcher,
    serve: () => ({ canJoinCall: ({ cookies }) => cookies.get("user") === "ann" }),
  });
  t.teardown(() => fleet.close());
  const { media } = await started(fleet);
  const from = (origin: string) => ({ options: { headers: { cookie: "user=ann" }, origin } });
  await SocketClient.open(t, media, from(new URL(media).origin));
  t.like(await SocketClient.refused(t, media, from("https://evil.example")), { status: 403 });
});

test("where the owner is gone the socket is cut", async (t) => {
  const fleet = await openPair({ launcher, serve });
  t.teardown(() => fleet.close());
  const { owner, media, id, foreign } = await started(fleet);
  const { client } = await SocketClient.open(t, media, { options: { headers: asAnn } });
  owner.cut();
  t.is((await client.closed).code, 1_006);
  t.like(await SocketClient.refused(t, media, { options: { headers: asAnn } }), {
    status: 503,
    body: { code: "PEER_UNREACHABLE" },
  });
  t.is(await metric(foreign, 'greenroom_media_sockets_closed_total{leg="relay",reason="session"}'), 1);
  await owner.launcher.closeSession(id, { wait: true });
});

test("a provider's stream and status find the session at any replica, and its webhook a replica with room", async (t) => {
  const fleet = await openFleet({
    launcher: { ...launcher, maxConcurrentSessions: 1 },
    serve: () => ({ providerRoutes: carrierRoutes, canStartSession: () => false }),
  });
  t.teardown(() => fleet.close());
  const [first] = fleet.replicas;
  const post = ({ ask }: Replica, path: string, body: string) =>
    ask(path, { method: "POST", body, headers: { "x-signature": signature(path, body) } });
  const owners = new Set<Replica>();
  for (const call of ["CA1", "CA2", "CA3"]) {
    const answer = await post(first, "/phone/carrier/voice", `call=${call}`);
    const path = /url="([^"]+)"/.exec(answer.text)?.[1] ?? "";
    const { owner, foreign } = placesOf(fleet, path.slice(path.lastIndexOf("/") + 1));
    owners.add(owner);
    const headers = { "x-signature": signature(path) };
    const { client, joined } = await SocketClient.open(t, foreign.url + path, { options: { headers } });
    t.is(joined.participant_id, "caller");
    t.is(await client.ask("hello"), "hello");
    t.like(await SocketClient.refused(t, foreign.url + path), { status: 403 });
  }
  t.is(owners.size, 3, "each has one, though one replica was asked for all");
  t.regex((await post(first, "/phone/carrier/voice", "call=CA4")).text, /All lines are busy/);

  const [owner] = owners;
  const session = owner?.launcher.listSessions()[0];
  const other = fleet.replicas.find((replica) => replica !== owner);
  t.is((await post(other!, `/phone/carrier/status/${session?.id}`, "")).status, 204);
  await eventually("it has ended", () => session?.state === "ended");
  const target = "/phone/carrier/answer?call=CA5";
  const answer = await other!.ask(target, { headers: { "x-signature": signature(target) } });
  t.is(answer.status, 200);
  t.truthy(owner?.launcher.getSession(answer.body[0].connect));
});
