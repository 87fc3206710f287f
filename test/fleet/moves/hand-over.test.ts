import { once } from "node:events";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import type { LoggedEvent } from "../../../src/api/session.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import type { ComeBackConfig } from "../../fixtures/agents/calls/come-back.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { pairOf } from "../../fixtures/fleet/fleet-of-test.ts";
import { placesOf } from "../../fixtures/http/open-fleet.ts";
import { SocketClient, told } from "../../fixtures/http/socket-client.ts";

/** Declares tests that run one after another: each has servers of its own, and there are two cores. */
const test = (anyTest as TestFn).serial;

async function talking(t: ExecutionContext, config: ComeBackConfig) {
  const pair = await pairOf(t, { launcher: { agent: agentUrl("calls/come-back"), maxResumes: 3 } });
  const { session_id: id } = await pair.replicas[0].start({ config: { ...config } });
  const { owner, foreign } = placesOf(pair, id);
  const supervisor = await supervisorOf(owner.launcher);
  const said: string[] = [];
  const session = supervisor.getSession(id)!;
  session.events.subscribe(0, ({ event }) => {
    if (event.type === "transcript" && event.role === "agent" && event.final) said.push(event.text ?? "");
  });
  const exchange = async (text: string) => {
    await owner.ask(`/sessions/${id}/messages`, { json: { text } });
    await eventually("it is answered", () => said.includes(`You said: ${text}`));
  };
  await eventually("it greets", () => said.includes("Hello there."));
  return { pair, id, owner, foreign, supervisor, session, exchange };
}

test("a drain hands a call over: it ends nowhere, and goes on in the other replica", async (t) => {
  const { id, owner, foreign, supervisor, session, exchange } = await talking(t, {});
  await exchange("before");
  t.is((await owner.ask(`/sessions/${id}`, { method: "PATCH", json: { role: "billing" } })).status, 200);
  await supervisor.drain({ timeoutMs: 60_000 });
  t.true(session.isElsewhere);
  const { body } = await foreign.ask(`/sessions/${id}`);
  t.like(body, { state: "live", role: "billing", resumes: 1, node_id: foreign.nodeId });
  const ends = [...owner.lines(), ...foreign.lines()].filter(({ event }) => event === "session_ended");
  t.deepEqual(ends, []);
  t.is((await foreign.ask(`/sessions/${id}?wait=true`, { method: "DELETE" })).status, 204);
});

test("a client is connected to the next agent before its call changes hands, by way of either replica", async (t) => {
  for (const way of ["owner", "foreign"] as const) {
    const pair = await pairOf(t, { launcher: { agent: agentUrl("calls/come-back"), maxResumes: 3 } });
    const { session_id: id, session_token: token } = await pair.replicas[0].start({
      config: { edge: "browser" },
    });
    const places = placesOf(pair, id);
    const enter = async (url: string, resume: string | null) => {
      const client = new SocketClient(t, url, { token, protocols: ["greenroom.v1"] });
      await once(client.socket, "open");
      client.socket.send(JSON.stringify({ type: "hello", resume }));
      return { client, joined: await told(client, { type: "joined" }) };
    };
    const media = `/sessions/${id}/media`;
    const before = await enter(`${places[way].url}${media}`, null);
    await told(before.client, { type: "transcript", role: "agent", final: true });
    const drained = (await supervisorOf(places.owner.launcher)).drain({ timeoutMs: 60_000 });
    const { to } = await told(before.client, { type: "moving" });
    t.is(to, places.foreign.nodeId);
    const after = await enter(`${places[way].url}${media}?successor=${to}`, String(before.joined.resume));
    t.deepEqual(after.joined.participant, before.joined.participant);
    before.client.socket.send('{"type":"ready"}');
    await told(before.client, { type: "moved" });
    if (way === "foreign") {
      after.client.socket.send('{"type":"text","text":"and now?"}');
      await told(after.client, {
        type: "transcript",
        role: "agent",
        final: true,
        text: "You said: and now?",
      });
    }
    await drained;
    await places.foreign.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
  }
});

test("while a call moves, only connections of clients reach the next agent: all else is for the one that has it", async (t) => {
  const pair = await pairOf(t, { launcher: { agent: agentUrl("calls/come-back"), maxResumes: 3 } });
  const { session_id: id, session_token: token } = await pair.replicas[0].start({
    config: { edge: "browser" },
  });
  const { owner, foreign } = placesOf(pair, id);
  const client = new SocketClient(t, `${owner.url}/sessions/${id}/media`, {
    token,
    protocols: ["greenroom.v1"],
  });
  await once(client.socket, "open");
  client.socket.send('{"type":"hello"}');
  await told(client, { type: "transcript", role: "agent", final: true });
  const drained = (await supervisorOf(owner.launcher)).drain({ timeoutMs: 60_000 });
  const { to } = await told(client, { type: "moving" });
  const there = (await supervisorOf(foreign.launcher)).arrivals;
  const prepared = there.prepared(id);
  t.truthy(prepared);
  for (const { ask } of [owner, foreign]) {
    const { body } = await ask(`/sessions/${id}?successor=${to}`);
    t.like(body, { node_id: owner.nodeId, resumes: 0 });
  }
  t.is((await foreign.ask(`/sessions/${id}?successor=${to}`, { method: "DELETE" })).status, 204);
  await told(client, { type: "ended" });
  await drained;
  const ends = [...owner.lines(), ...foreign.lines()].filter(({ event }) => event === "session_ended");
  t.deepEqual(
    ends.map(({ end_reason }) => end_reason),
    ["closed"],
  );
});

test("the other agent's thread ends as it is about to take over: the call goes on where it is, and moves at the next try", async (t) => {
  const { pair, id, owner, foreign, supervisor, session, exchange } = await talking(t, {});
  await exchange("before");
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  pair.store.mayMove = () => {
    begun.resolve();
    return held.promise;
  };
  const drained = supervisor.drain({ timeoutMs: 60_000 });
  await begun.promise;
  const prepared = (await supervisorOf(foreign.launcher)).arrivals.prepared(id)!;
  prepared.slot?.kill({ reason: "unresponsive", message: "a test ends it" });
  await prepared.ended;
  held.resolve();
  await drained;
  t.true(session.isElsewhere);
  t.true(owner.lines().some(({ event }) => event === "hand_over_failed"));
  const { body } = await foreign.ask(`/sessions/${id}`);
  t.like(body, { state: "live", node_id: foreign.nodeId });
  const ends = [...owner.lines(), ...foreign.lines()].filter(({ event }) => event === "session_ended");
  t.deepEqual(ends, []);
  t.is((await foreign.ask(`/sessions/${id}?wait=true`, { method: "DELETE" })).status, 204);
});

test("the other agent's thread ends before it has taken the call up: the next one does, and the call ends once it finishes", async (t) => {
  const { pair, id, foreign, supervisor, session, exchange } = await talking(t, {});
  await exchange("before");
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  pair.store.mayMove = () => {
    begun.resolve();
    return held.promise;
  };
  const drained = supervisor.drain({ timeoutMs: 60_000 });
  await begun.promise;
  const prepared = (await supervisorOf(foreign.launcher)).arrivals.prepared(id)!;
  // Its own events are told once more as it takes the session over, right before its agent is asked to take up the call.
  const { unsubscribe } = prepared.events.subscribe(prepared.events.lastId, () => {
    unsubscribe();
    prepared.slot?.kill({ reason: "unresponsive", message: "a test ends it" });
  });
  held.resolve();
  await drained;
  t.true(session.isElsewhere);
  await eventually("the next one is in the call", () => prepared.resumes === 2 && prepared.state === "live");
  await foreign.ask(`/sessions/${id}/messages`, { method: "POST", json: { text: "goodbye" } });
  await eventually("it is over", () => pair.store.records.get(id)?.end?.reason === "finished");
  t.is(prepared.resumes, 2);
});

test("nobody comes to an agent that is not about to take up the call", async (t) => {
  const { id, owner, foreign } = await talking(t, {});
  for (const { url, ask } of [owner, foreign]) {
    t.truthy(url);
    for (const successor of [owner.nodeId, foreign.nodeId, "nobody"]) {
      const { status, body } = await ask(`/sessions/${id}/offer?successor=${successor}`, {
        json: { offer: { type: "offer" } },
      });
      // The owner answers for itself: its edge takes no offers.
      t.is(status, 409);
      t.is(body.code, successor === owner.nodeId ? "EDGE_CANNOT_RECEIVE" : "NOT_IN_CALL");
    }
  }
  await owner.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
});

test("the new owner tells again what happened before the move, with the same numbers", async (t) => {
  const { id, foreign, supervisor, session, exchange } = await talking(t, {});
  await exchange("before");
  const told: LoggedEvent[] = [];
  session.events.subscribe(0, (entry) => told.push(entry));
  await supervisor.drain({ timeoutMs: 60_000 });
  const there = (await supervisorOf(foreign.launcher)).getSession(id)!;
  const again: LoggedEvent[] = [];
  const { gap } = there.events.subscribe(0, (entry) => again.push(entry));
  t.false(gap);
  t.deepEqual(again.slice(0, told.length), told);
  const ids = again.map(({ id: number }) => number);
  t.deepEqual(
    ids,
    [...new Set(ids)].sort((one, other) => one - other),
  );
  t.deepEqual(
    again.slice(told.length).flatMap(({ event }) => (event.type === "state" ? [event.state] : [event.type])),
    ["resuming", "interrupted", "joining", "live", "resumed"],
  );
  await foreign.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
});

test("a call that the other replica cannot take up goes on where it is, and the log says why", async (t) => {
  const { id, owner, foreign, supervisor, session, exchange } = await talking(t, { failsToResume: true });
  const hurry = new AbortController();
  const drained = supervisor.drain({ timeoutMs: 60_000, signal: hurry.signal });
  const failures = () => owner.lines().filter(({ event }) => event === "hand_over_failed");
  await eventually("it is tried twice", () => failures().length >= 2);
  for (const failure of failures()) {
    t.like(failure, { session_id: id, to_node: foreign.nodeId });
    t.regex(JSON.stringify(failure.err), /It answered 500 START_FAILED/);
  }
  await exchange("still here");
  const supervisorThere = await supervisorOf(foreign.launcher);
  t.is(supervisorThere.getSession(id), undefined);
  await eventually("its place there is free", () => supervisorThere.slots().running === 0);
  hurry.abort();
  await drained;
  t.is(session.endReason, "drained");
});
