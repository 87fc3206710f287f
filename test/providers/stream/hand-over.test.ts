import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { startStream } from "../../emulators/stream.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { pairOf } from "../../fixtures/fleet/fleet-of-test.ts";
import { placesOf } from "../../fixtures/http/open-fleet.ts";
import { StreamPerson } from "../../fixtures/stream/person.ts";

/** Declares tests that run one after another: each has servers of its own, and there are two cores. */
const test = (anyTest as TestFn).serial;

/** Two replicas, and a call on Stream in which one of them has greeted Ada. */
async function inCall(t: ExecutionContext) {
  const stream = await startStream();
  t.teardown(() => stream.close());
  const agentEnvironment = { ...process.env, ...stream.environment } as Record<string, string>;
  const launcher = { agent: agentUrl("calls/come-back"), agentEnvironment, maxResumes: 3 };
  const pair = await pairOf(t, { launcher });
  const { session_id: id } = await pair.replicas[0].start({ call_id: "c1", config: { edge: "stream" } });
  const { owner, foreign } = placesOf(pair, id);
  const supervisor = await supervisorOf(owner.launcher);
  const session = supervisor.getSession(id)!;
  const ada = await StreamPerson.join(t, stream, "ada");
  await ada.hears("agent");
  const call = stream.call("default:c1");
  const agents = () => call.participants.filter(({ userId }) => userId === "agent");
  return { stream, pair, id, owner, foreign, supervisor, session, ada, call, agents };
}

test("as a call on Stream changes hands the other agent joins as the same user, and the one before leaves", async (t) => {
  const { stream, id, foreign, supervisor, ada, call, agents } = await inCall(t);
  const [before] = agents();
  await ada.hearsNothingOf("agent");
  await supervisor.drain({ timeoutMs: 60_000 });
  await eventually("one agent is in the call", () => agents().length === 1);
  t.not(agents()[0]?.sessionId, before?.sessionId);
  t.deepEqual(call.ghosts, []);
  // For Ada the agent was there all the time, and each of the two left or joined the SFU once.
  const { events } = ada.caller.log;
  t.deepEqual(
    events.filter(({ type }) => type === "participant_left"),
    [],
  );
  t.is(stream.log.of("gone").filter(({ user }) => user === "agent").length, 1);
  t.is(stream.log.of("joined").filter(({ user }) => user === "agent").length, 2);
  const { body } = await foreign.ask(`/sessions/${id}`);
  t.like(body, { state: "live", resumes: 1, node_id: foreign.nodeId });
  await foreign.ask(`/sessions/${id}/messages`, { json: { text: "and now?" } });
  await ada.hears("agent");
  await foreign.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
  t.deepEqual(agents(), []);
});

for (const moment of ["between two turns", "while the agent speaks"] as const)
  test(`where a user can be in a call only once, a call that changes hands ${moment} goes on, with one agent`, async (t) => {
    const { stream, pair, id, owner, supervisor, ada, agents } = await inCall(t);
    await ada.hearsNothingOf("agent");
    stream.rules.oneSessionPerUser = true;
    if (moment === "while the agent speaks") {
      const json = { text: "This is a sentence of some words. ".repeat(20) };
      await owner.ask(`/sessions/${id}/messages`, { json });
      await ada.hears("agent");
    }
    const hurry = new AbortController();
    const drained = supervisor.drain({ timeoutMs: 60_000, signal: hurry.signal });
    // The agent that has the call comes back into it, by which the other one is put out and gives up; or that one has the call by then.
    const lines = () => pair.replicas.flatMap((replica) => replica.lines());
    await eventually("it is moved, or is not", () =>
      lines().some(({ event }) => event === "hand_over_failed" || event === "session_handed_over"),
    );
    hurry.abort();
    const hasMoved = lines().some(({ event }) => event === "session_handed_over");
    t.log(hasMoved ? "it has moved" : "it has not moved");
    if (hasMoved) {
      const there = pair.replicas.find((replica) => replica !== owner)!;
      await there.ask(`/sessions/${id}/messages`, { json: { text: "and now?" } });
      await ada.hears("agent");
      t.is((await there.ask(`/sessions/${id}`)).body.state, "live");
      t.is(agents().length, 1);
      await there.ask(`/sessions/${id}?wait=true`, { method: "DELETE" });
    }
    await drained;
    const ends = lines().flatMap((line) => (line.event === "session_ended" ? [line.end_reason] : []));
    t.deepEqual(ends, [hasMoved ? "closed" : "drained"]);
    await eventually("nobody is left", () => agents().length === 0);
  });
