import test from "ava";
import * as testing from "greenroom/testing";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { launch } from "../../fixtures/launch.ts";
import { script } from "../../fixtures/scripted-llm.ts";
import { answer, reached } from "../../fixtures/session-watch.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

async function joining(participantWaitTimeoutMs: number | null) {
  const edge = new testing.Edge({ sound: false });
  const host = new HostedAgent({ edge });
  const call = await host.agent.createCall("default", "call-1");
  const joined = host.agent.join(call, { participantWaitTimeoutMs });
  await until(() => host.presence.length > 0, "the agent is in the call");
  return { edge, host, joined };
}

const long = 600_000;

test("a join waits for somebody who comes, and tells so", async (t) => {
  const { edge, host, joined } = await joining(long);
  edge.addParticipant("ann");
  t.true((await joined).accompanied);
  await host.agent.close();
});

test("who is there already, or types, is not waited for", async (t) => {
  const edge = new testing.Edge({ sound: false });
  edge.addParticipant("ann");
  const host = new HostedAgent({ edge });
  const call = await host.agent.createCall("default", "call-1");
  t.true((await host.agent.join(call, { participantWaitTimeoutMs: long })).accompanied);
  await host.agent.close();

  const typing = await joining(long);
  typing.host.type("hello");
  t.true((await typing.joined).accompanied);
  await until(() => typing.host.said.length === 1, "the answer, though nobody is seen");
  await typing.host.agent.close();
});

test("a join goes on after the wait, and does not wait where it is told not to", async (t) => {
  const waited = await joining(30);
  t.false((await waited.joined).accompanied);
  await waited.host.agent.close();
  const { host, joined } = await joining(null);
  t.false((await joined).accompanied);
  await host.agent.close();
});

test("the wait is over with the call, and with the session", async (t) => {
  const ended = await joining(long);
  ended.edge.hangUp();
  t.false((await ended.joined).accompanied);
  await ended.host.agent.finish();
  await ended.host.agent.close();

  const closed = await joining(long);
  closed.host.handle.close(new Error("closing"));
  t.false((await closed.joined).accompanied);
  await closed.host.agent.close();
});

test("by default a join waits where somebody could hear the agent, and nowhere else", async (t) => {
  const tts = new testing.TTS();
  const edge = new testing.Edge();
  const host = new HostedAgent({ edge, tts });
  const joined = host.agent.join(await host.agent.createCall("default", "call-1"));
  const greeted = joined.then(() => host.agent.say("Hello and welcome."));
  await until(() => host.presence.length > 0, "the agent is in the call");
  // Elsewhere others are greeted at once: a call of text keeps what is said in it.
  const text = new HostedAgent();
  await text.agent.join(await text.agent.createCall("default", "call-2"));
  t.is(await text.agent.say("Hello."), "done");
  await text.agent.close();
  t.is(edge.recording.frames.length, 0);
  edge.addParticipant("ann");
  t.is(await greeted, "done");
  t.true(edge.recording.durationMs > 0);
  t.true((await joined).accompanied);
  await host.agent.close();
});

test("what was typed before the agent had greeted does not cut its greeting, in a call of text", async (t) => {
  const host = new HostedAgent();
  host.type("Are you there?");
  await host.agent.join(await host.agent.createCall("default", "call-1"));
  const greeted = host.agent.simpleResponse(script([{ text: "Hello, I can tell you the time." }]));
  await until(() => host.events.length > 0, "the first of the greeting");
  host.type("What time is it?");
  t.is(await greeted, "done");
  await until(() => host.said.length === 3, "three answers");
  t.deepEqual(host.said, [
    "Hello, I can tell you the time.",
    "You said Are you there?",
    "You said What time is it?",
  ]);
  await host.agent.close();
});

test("a message that ends the wait is answered after the greeting", async (t) => {
  const { host, joined } = await joining(long);
  const greeted = joined.then(() => host.agent.say("Hello."));
  host.type("Are you there?");
  t.is(await greeted, "done");
  await until(() => host.said.length === 2, "two answers");
  t.deepEqual(host.said, ["Hello.", "You said Are you there?"]);
  await host.agent.close();
});

test("an option that cannot be is refused", async (t) => {
  const host = new HostedAgent();
  const call = await host.agent.createCall("default", "call-1");
  await t.throwsAsync(host.agent.join(call, { participantWaitTimeoutMs: -1 }), {
    instanceOf: TypeError,
    message: /participantWaitTimeoutMs/,
  });
  await t.throwsAsync(host.agent.join(call, { wait: 1 } as never), { message: /no option wait/ });
  await host.agent.close();
});

test("participants come and go: the agent is idle once all have left, and finishes when the call ends", async (t) => {
  const launcher = await launch(t, "calls/open-call", {
    agentIdleTimeoutMs: 4_000,
    maintenanceIntervalMs: 20,
  });
  const supervisor = await supervisorOf(launcher);
  const left = await supervisor.startSession({ callId: "left" });
  using leaving = await testing.dial(left.id);
  const [ann, bob] = [leaving.addParticipant("ann"), leaving.addParticipant("bob")];
  await reached(left, "live");
  await eventually("company", () => left.aloneSince === null);
  ann.leave();
  // Whoever answers has seen her leave.
  await answer((message) => supervisor.sendMessage(left, message), left, "hello");
  t.is(left.aloneSince, null);
  bob.leave();
  await left.ended;
  t.is(left.endReason, "idle");

  const over = await launcher.startSession({ callId: "over" });
  using ending = await testing.dial(over.id);
  ending.addParticipant("cyd");
  await reached(over, "live");
  ending.hangUp();
  await over.ended;
  t.is(over.endReason, "finished");
});
