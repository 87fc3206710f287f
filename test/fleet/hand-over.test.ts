import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { agentUrl } from "../fixtures/agent-url.ts";
import type { ComeBackConfig } from "../fixtures/agents/come-back.ts";
import { eventually } from "../fixtures/eventually.ts";
import { pairOf } from "../fixtures/fleet/fleet-of-test.ts";
import { placesOf } from "../fixtures/http/open-fleet.ts";

/** Declares tests that run one after another: each has servers of its own, and there are two cores. */
const test = (anyTest as TestFn).serial;

async function talking(t: ExecutionContext, config: ComeBackConfig) {
  const pair = await pairOf(t, { launcher: { agent: agentUrl("come-back"), maxResumes: 3 } });
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
  return { id, owner, foreign, supervisor, session, exchange };
}

test("a drain hands a call over: it ends nowhere, and goes on in the other replica", async (t) => {
  const { id, owner, foreign, supervisor, session, exchange } = await talking(t, {});
  await exchange("before");
  await supervisor.drain({ timeoutMs: 60_000 });
  t.true(session.isElsewhere);
  const { body } = await foreign.ask(`/sessions/${id}`);
  t.like(body, { state: "live", resumes: 1, node_id: foreign.nodeId });
  const ends = [...owner.lines(), ...foreign.lines()].filter(({ event }) => event === "session_ended");
  t.deepEqual(ends, []);
  t.is((await foreign.ask(`/sessions/${id}?wait=true`, { method: "DELETE" })).status, 204);
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
