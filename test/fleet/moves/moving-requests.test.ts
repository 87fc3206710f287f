import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { JsonValue } from "greenroom";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { allEndpoints } from "../../../src/control-plane/router.ts";
import { within } from "../../../src/shared/deadline.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { pairOf } from "../../fixtures/fleet/fleet-of-test.ts";
import { type Pair, placesOf, type Replica } from "../../fixtures/http/open-fleet.ts";
import { SocketClient } from "../../fixtures/http/socket-client.ts";

/** Declares tests that run one after another: each has servers of its own, and there are two cores. */
const test = (anyTest as TestFn).serial;

/** A route of a session: what it is sent, and its answer where the agent is asked, or where its answer is final. */
interface Row {
  readonly json?: JsonValue;
  readonly status: number;
}

const talks: Readonly<Record<string, Row>> = {
  "get ": { status: 200 },
  "get /metrics": { status: 200 },
  "get /events": { status: 200 },
  "post /messages": { json: { text: "typed" }, status: 202 },
  "post /say": { json: { text: "said" }, status: 202 },
  "post /respond": { json: { instruction: "go on" }, status: 202 },
  "post /interrupt": { status: 200 },
  "patch ": { json: { instructions: "Be brief." }, status: 200 },
  // This edge has no tokens, and takes no such offer.
  "post /join-token": { status: 409 },
  "post /offer": { json: { offer: { type: "offer" } }, status: 422 },
  "delete /offer/{resource}": { status: 422 },
  // Without the handshake of a WebSocket.
  "get /media": { status: 426 },
};
const closes: Readonly<Record<string, Row>> = { "delete ": { status: 204 }, "post /close": { status: 200 } };

/** The ways from a route's name to the routes that there are: those of a call have other statuses where they close. */
const roots = ["/sessions/{session_id}", "/calls/{call_id}/sessions/{session_id}"] as const;

test("every route of a session is in the table", (t) => {
  const endpoints = allEndpoints({ metricsPort: null, authenticated: true, strictBodies: false });
  const names = endpoints.flatMap(({ method, path }) => {
    const root = roots.find((one) => path.startsWith(one));
    return root === undefined ? [] : [`${method} ${path.slice(root.length)}`];
  });
  t.deepEqual([...new Set(names)].sort(), [...Object.keys(talks), ...Object.keys(closes)].sort());
});

interface Moving {
  readonly id: string;
  readonly owner: Replica;
  readonly foreign: Replica;
  /** Lets the hand-over go on. Resolves once the replica has drained, or once the call is tried again. */
  readonly release: () => void;
}

/** Starts a call, and holds it in the moment in which the other replica is about to take it over. */
async function moving(t: ExecutionContext, pair: Pair, isTaken: boolean): Promise<Moving> {
  const { session_id: id } = await pair.replicas[0].start({ call_id: "call", config: { edge: "browser" } });
  const { owner, foreign } = placesOf(pair, id);
  await eventually("it is live", async () => (await owner.ask(`/sessions/${id}`)).body.state === "live");
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let tries = 0;
  pair.store.mayMove = async () => {
    tries += 1;
    begun.resolve();
    await held.promise;
    // It is tried again soon.
    if (!isTaken && tries === 1) throw new Error("a test lets it fail");
  };
  const hurry = new AbortController();
  const supervisor = await supervisorOf(owner.launcher);
  const drained = supervisor.drain({ timeoutMs: 60_000, signal: hurry.signal });
  t.teardown(() => {
    hurry.abort();
    return drained;
  });
  await within(begun.promise, 45_000, "The hand-over");
  return { id, owner, foreign, release: held.resolve };
}

const open = (t: ExecutionContext) =>
  pairOf(t, { launcher: { agent: agentUrl("calls/come-back"), maxResumes: 3, agentIdleTimeoutMs: 0 } });

/** Sends a request. Resolves with the status, and whether it may be sent again. */
async function send({ url }: Replica, root: string, name: string, id: string, { json }: Row) {
  const [method = "", path = ""] = name.split(" ");
  const route = `${root}${path}`.replace("{session_id}", id).replace("{call_id}", "call");
  const over = new AbortController();
  const response = await fetch(url + route.replace("{resource}", "none"), {
    method: method.toUpperCase(),
    ...(json === undefined
      ? {}
      : { body: JSON.stringify(json), headers: { "content-type": "application/json" } }),
    signal: over.signal,
  });
  const { status, headers } = response;
  if (path === "/events") over.abort();
  else await response.arrayBuffer();
  return { status, again: headers.has("retry-after") };
}

/** Resolves with how often the agents of a call have said these words, as its owner tells. */
async function saidBy({ store, replicas }: Pair, id: string, text: string): Promise<number> {
  const owner = replicas.find(({ nodeId }) => nodeId === store.records.get(id)?.nodeId);
  const session = owner && (await supervisorOf(owner.launcher)).getSession(id);
  let count = 0;
  session?.events
    .subscribe(0, ({ event }) => {
      if (event.type === "transcript" && event.role === "agent" && event.final && event.text === text)
        count += 1;
    })
    .unsubscribe();
  return count;
}

for (const isTaken of [true, false]) {
  const how = isTaken ? "changes hands" : "is about to change hands, and does not";
  test(`while a call ${how}, what is asked of it is done once, by the agent that has it then`, async (t) => {
    const pair = await open(t);
    const { id, owner, foreign, release } = await moving(t, pair, isTaken);
    const asked = [owner, foreign].flatMap((replica) =>
      roots.flatMap((root) =>
        Object.entries(talks).map(async ([name, row]) => ({
          name: `${name} by ${replica.nodeId}`,
          wanted: row.status,
          ...(await send(replica, root, name, id, row)),
        })),
      ),
    );
    await new Promise((resolve) => setImmediate(resolve));
    release();
    for (const { name, wanted, status, again } of await Promise.all(asked)) {
      // Metrics and events are of no call.
      if (status === 404 && /metrics|events/.test(name)) continue;
      if (status === 503 || (status === 409 && again)) t.true(again, name);
      else t.is(status, wanted, name);
    }
    const accepted = (await Promise.all(asked)).filter(({ status }) => status === 202);
    const acceptedBy = (path: string) => accepted.filter(({ name }) => name.includes(path)).length;
    const said = (text: string) => saidBy(pair, id, text);
    await eventually(
      "all that was accepted is said",
      async () => (await said("said")) === acceptedBy("/say"),
    );
    await eventually(
      "each message is answered",
      async () => (await said("You said: typed")) === acceptedBy("/messages"),
    );
    t.true(acceptedBy("/messages") > 0 && acceptedBy("/say") > 0);
  });
}

for (const [name, way, isTaken] of [
  ["delete ", "owner", true],
  ["post /close", "foreign", true],
  ["delete ", "owner", false],
] as const)
  test(`a close (${name}, by the ${way}) in that moment ends the call, or is refused for now (it changes hands: ${isTaken})`, async (t) => {
    const pair = await open(t);
    const places = await moving(t, pair, isTaken);
    const { id, release } = places;
    const asked = send(places[way], roots[0], name, id, closes[name] as Row);
    await new Promise((resolve) => setImmediate(resolve));
    release();
    const { status, again } = await asked;
    const isDone = status === closes[name]?.status;
    t.true(isDone || (status === 503 && again), String(status));
    if (isDone) await eventually("it is over", () => pair.store.records.get(id)?.end?.reason === "closed");
  });

test("while a call changes hands, a client that comes by a WebSocket is in it afterwards, or is told to come again", async (t) => {
  const pair = await open(t);
  const { id, owner, foreign, release } = await moving(t, pair, true);
  const handshakes = [owner, foreign].map(async ({ url }) => {
    const client = new SocketClient(t, `${url}/sessions/${id}/media`, { protocols: ["greenroom.v1"] });
    return client.opened.then(
      () => 101,
      async () => (await SocketClient.refused(t, `${url}/sessions/${id}/media`)).status,
    );
  });
  await new Promise((resolve) => setImmediate(resolve));
  release();
  for (const status of await Promise.all(handshakes)) t.true([101, 503].includes(status), String(status));
});
