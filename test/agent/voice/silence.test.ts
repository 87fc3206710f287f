import test, { type ExecutionContext } from "ava";
import type { Agent } from "greenroom";
import * as testing from "greenroom/testing";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import type { AgentEvent } from "../../../src/shared/session/agent-event.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { EventReader } from "../../fixtures/http/event-reader.ts";
import { openServer } from "../../fixtures/http/open-server.ts";
import { launch } from "../../fixtures/launch.ts";
import { eventOf } from "../../fixtures/session-watch.ts";
import { until, VoiceCall, type VoiceCallOptions } from "../../fixtures/voice/voice-call.ts";

const userSilentAfterMs = 20;

/** A thread of a busy machine may stand still for a while: that is not what is tested here. */
const launched = { unresponsiveAfterMs: 30_000 };

const called = (t: ExecutionContext, { agent, ...options }: VoiceCallOptions = {}) =>
  VoiceCall.with(t, { ...options, agent: { userSilentAfterMs, ...agent } });

const silences = ({ events }: { readonly events: readonly AgentEvent[] }) =>
  events.filter((event) => event.type === "user_silent");

async function silent(of: Parameters<typeof silences>[0], count: number): Promise<readonly number[]> {
  await until(() => silences(of).length >= count, `${count} silences`);
  return silences(of).map(({ times }) => times);
}

/** Resolves when a silence that began at this moment has been told, and thereby any that began before it. */
async function silenceElsewhere(t: ExecutionContext): Promise<void> {
  const other = await called(t);
  other.edge.addParticipant("witness");
  await silent(other, 1);
}

test("a participant who says nothing: told once, and again after the agent has said something", async (t) => {
  const call = await called(t);
  await call.ear("alice");
  t.deepEqual(await silent(call, 1), [1]);
  await silenceElsewhere(t);
  t.is(silences(call).length, 1);
  t.is(await call.hosted.agent.say("Hey?"), "done");
  t.deepEqual(await silent(call, 2), [1, 2]);
  t.true(silences(call).every(({ silentMs, at }) => silentMs > 0 && at > 0));
});

test("words of the participant, spoken or typed, begin the count anew", async (t) => {
  const call = await called(t);
  const alice = await call.ear("alice");
  await silent(call, 1);
  alice.say("Hm, yes?");
  await call.turnsOver(1);
  t.deepEqual(await silent(call, 2), [1, 1]);
  await call.hosted.agent.say("Hey?");
  t.deepEqual(await silent(call, 3), [1, 1, 2]);
  call.hosted.type("yes");
  t.deepEqual(await silent(call, 4), [1, 1, 2, 1]);
});

test("a mhm over the agent is a word of the participant, a noise is none", async (t) => {
  const call = await called(t);
  const alice = await call.ear("alice");
  await silent(call, 1);
  const noise = call.hosted.agent.say("Hello? Hello?");
  await call.sounds(0);
  alice.started();
  alice.ended("");
  t.is(await noise, "done");
  t.deepEqual(await silent(call, 2), [1, 2]);
  const mhm = call.hosted.agent.say("Are you still there?");
  await call.sounds(1);
  alice.say("mhm");
  t.is(await mhm, "done");
  t.deepEqual(await silent(call, 3), [1, 2, 1]);
});

test("it is no silence while somebody speaks", async (t) => {
  const call = await called(t);
  const alice = await call.ear("alice");
  alice.say("Hm, yes?");
  await call.turnsOver(1);
  alice.started();
  alice.partial("Let me think");
  // What was told by hand has had its effect.
  await new Promise((resolve) => setImmediate(resolve));
  const before = silences(call).length;
  await silenceElsewhere(t);
  t.is(silences(call).length, before);
  alice.ended("Let me think");
  await call.turnsOver(2);
  await silent(call, before + 1);
  t.is(silences(call).at(-1)?.times, 1);
});

test("it is no silence while the agent thinks or speaks", async (t) => {
  const llm = new testing.LLM();
  const held = llm.hold();
  const call = await called(t, { llm });
  (await call.ear("alice")).say("What is the answer?");
  await held.request;
  const before = silences(call).length;
  await silenceElsewhere(t);
  held.text("It is this one here. And there is more");
  await call.sounds(0);
  await silenceElsewhere(t);
  t.is(call.turns.length, 0);
  t.is(silences(call).length, before);
  held.end();
  await call.turnsOver(1);
  await silent(call, before + 1);
});

test("where nobody is in the call nobody is silent; who comes and goes begins anew", async (t) => {
  const call = await called(t);
  await silenceElsewhere(t);
  t.is(silences(call).length, 0);
  const alice = call.edge.addParticipant("alice");
  t.deepEqual(await silent(call, 1), [1]);
  alice.leave();
  await call.hosted.agent.say("Hey?");
  await silenceElsewhere(t);
  t.is(silences(call).length, 1);
  call.edge.addParticipant("bob");
  t.deepEqual(await silent(call, 2), [1, 1]);
});

test("null turns it off, and the end of the call or of the session ends it", async (t) => {
  const off = await called(t, { agent: { userSilentAfterMs: null } });
  const [closed, left, hungUp] = await Promise.all(
    Array.from({ length: 3 }, () => called(t, { agent: { userSilentAfterMs: 1 } })),
  );
  for (const call of [off, closed!, left!, hungUp!]) call.edge.addParticipant("alice");
  closed!.hosted.handle.close(new Error("closed"));
  await left!.hosted.agent.close();
  hungUp!.edge.hangUp();
  const before = [closed!, left!, hungUp!].map((call) => silences(call).length);
  await silenceElsewhere(t);
  t.deepEqual(
    [closed!, left!, hungUp!].map((call) => silences(call).length),
    before,
  );
  t.is(silences(off).length, 0);
});

test("who only types is there from their first message on, and is no company for the idle time", async (t) => {
  const hosted = await new HostedAgent({ userSilentAfterMs }).join();
  t.teardown(() => hosted.agent.close());
  await silenceElsewhere(t);
  t.is(silences(hosted).length, 0);
  hosted.type("hello");
  t.deepEqual(await silent(hosted, 1), [1]);
  const alone = hosted.presence.at(-1);
  t.is(typeof alone, "number");
  await hosted.agent.say("Are you still there?");
  t.deepEqual(await silent(hosted, 2), [1, 2]);
  // The agent's own words are company for nobody: the clock goes on from where it stood.
  t.is(hosted.presence.at(-1), alone);
});

test("how long it takes is a whole number of milliseconds, or null", (t) => {
  for (const wrong of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 31, "15000" as never, undefined]) {
    const make = () =>
      new HostedAgent({ userSilentAfterMs: wrong } as ConstructorParameters<typeof Agent>[0]);
    if (wrong === undefined) t.notThrows(make);
    else t.throws(make, { instanceOf: TypeError, message: /^new Agent: userSilentAfterMs must be/ });
  }
});

for (const spoken of [false, true]) {
  test.serial(
    `an agent that goes the third time: ${spoken ? "spoken" : "text"}, in a session, over HTTP`,
    async (t) => {
      const launcher = await launch(t, "calls/silent-user", launched);
      const { url, ask, start } = await openServer(t, launcher);
      const { session_id: id } = await start({ config: { spoken } });
      if (spoken) {
        const line = await testing.dial(id);
        t.teardown(() => line.close());
        line.addParticipant("alice");
      } else await ask(`/sessions/${id}/messages`, { json: { text: "hello" } });
      const events = await (await EventReader.open(t, `${url}/sessions/${id}/events`)).rest();
      const told = events.filter(({ event }) => event === "user_silent").map(({ data }) => data);
      t.deepEqual(
        told.map(({ times }) => times),
        [1, 2, 3],
      );
      t.true(told.every(({ silent_ms, at }) => silent_ms > 0 && /Z$/.test(at)));
      t.is(events.at(-1)!.data.reason, "finished");
    },
  );
}

test.serial(
  "a session of somebody who typed once and is asked again and again is idle all the same",
  async (t) => {
    const launcher = await launch(t, "calls/silent-user", {
      ...launched,
      agentIdleTimeoutMs: 5_000,
      maintenanceIntervalMs: 20,
    });
    const supervisor = await supervisorOf(launcher);
    const session = await supervisor.startSession({ callId: "idle", config: { stays: true } });
    supervisor.sendMessage(session, { text: "hello", participantId: "alice" });
    await eventOf(session, (event) => event.type === "user_silent" && event.times === 2);
    await session.ended;
    t.is(session.endReason, "idle");
  },
);
