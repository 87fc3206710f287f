import { BroadcastChannel } from "node:worker_threads";
import test from "ava";
import type { AgentOptions, JsonObject } from "greenroom";
import * as local from "greenroom/local";
import * as testing from "greenroom/testing";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { sessionMetricFields } from "../../../src/shared/session/session-metric-fields.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { launch } from "../../fixtures/launch.ts";
import { ScriptedLlm, script } from "../../fixtures/scripted-llm.ts";
import { reached } from "../../fixtures/session-watch.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

/** An edge whose calls take events as the test says. */
class EventEdge extends testing.Edge {
  sendEvent: (data: JsonObject) => Promise<void> = async (data) => void this.events.push(data);
  maxEventBytes = 5_120;

  override async join(...given: Parameters<testing.Edge["join"]>) {
    const { maxEventBytes } = this;
    return {
      ...(await super.join(...given)),
      sendEvent: (data: JsonObject) => this.sendEvent(data),
      maxEventBytes,
    };
  }
}

function hosted(options: Partial<AgentOptions> = {}): { edge: EventEdge; hosted: HostedAgent } {
  const edge = new EventEdge({ sound: false });
  return { edge, hosted: new HostedAgent({ edge, llm: new ScriptedLlm(), ...options }) };
}

const said = ({ events }: testing.Edge) => events.map(({ role, text }) => `${role}: ${text}`);

test("the agent's code sends data into the call, while it is in it", async (t) => {
  const { edge, hosted: host } = hosted();
  await t.throwsAsync(host.agent.sendEvent({ a: 1 }), { message: /not in a call/ });
  await host.join();
  await host.agent.sendEvent({ type: "score", points: [1, 2] });
  t.deepEqual(edge.events, [{ type: "score", points: [1, 2] }]);
  await host.agent.close();
  await t.throwsAsync(host.agent.sendEvent({ a: 1 }), { message: /not in a call/ });
});

test("what is too large, or no object, is refused; so is all where the edge takes no events", async (t) => {
  const { edge, hosted: host } = hosted();
  await host.join();
  const fits = { text: "ä".repeat((5_120 - '{"text":""}'.length) / 2) };
  await host.agent.sendEvent(fits);
  await t.throwsAsync(host.agent.sendEvent({ text: `${fits.text}aa` }), {
    instanceOf: RangeError,
    message: /5120/,
  });
  await t.throwsAsync(host.agent.sendEvent([1] as never), { instanceOf: TypeError });
  t.is(edge.events.length, 1);
  await host.agent.close();

  const typed = new HostedAgent({ edge: new local.Edge() });
  await typed.join();
  await t.throwsAsync(typed.agent.sendEvent({ a: 1 }), { message: /takes no events/ });
  await typed.agent.close();
});

test("what was said is told turn by turn, in order, where that is wanted", async (t) => {
  const { edge, hosted: host } = hosted({ broadcastTranscripts: true });
  await host.join();
  host.type(script([{ text: "One. " }, { text: "Two." }]));
  await until(() => host.said.length === 1, "an answer");
  host.type("hello");
  await until(() => host.said.length === 2, "two answers");
  await host.agent.close();
  t.deepEqual(said(edge).slice(1), ["agent: One. Two.", "user: hello", "agent: You said hello"]);
  const [, first] = edge.events;
  t.like(first, { type: "greenroom.transcript", participant_id: "agent" });
  t.regex(String(first?.at), /^\d{4}-.*Z$/);
  t.is(typeof first?.turn_id, "string");

  const silent = hosted();
  await silent.hosted.join();
  silent.hosted.type("hello");
  await until(() => silent.hosted.said.length === 1, "an answer");
  await silent.hosted.agent.close();
  t.deepEqual(silent.edge.events, []);
});

test("a text that is too long is cut to what fits", async (t) => {
  const { edge, hosted: host } = hosted({ broadcastTranscripts: true });
  edge.maxEventBytes = 400;
  await host.join();
  host.type(script([{ text: '"😀"'.repeat(200) }]));
  await until(() => host.said.length === 1, "an answer");
  await host.agent.close();
  t.is(edge.events.length, 2);
  const told = edge.events[1]!;
  const bytes = Buffer.byteLength(JSON.stringify(told));
  t.true(bytes <= 400 && bytes > 390, String(bytes));
  t.true(told.truncated);
  t.true('"😀"'.repeat(200).startsWith(String(told.text)));
});

test("a call that takes no events harms nobody, and is told of once", async (t) => {
  const { edge, hosted: host } = hosted({ broadcastTranscripts: true });
  edge.sendEvent = async () => {
    throw Object.assign(new Error("refused"), { status: 429 });
  };
  await host.join();
  for (const [index, text] of ["one", "two", "three"].entries()) {
    host.type(text);
    await until(() => host.said.length > index, "an answer");
  }
  await host.agent.close();
  t.deepEqual(host.said, ["You said one", "You said two", "You said three"]);
  const told = host.logged.filter(([, message]) => message === "An event could not be sent into the call");
  t.is(told.length, 1);
  const errors = host.measurements.filter(({ kind }) => kind === "error");
  t.is(errors.length, 6);
  t.like(errors[0], { component: "edge", provider: "testing", error: "http_429" });
});

test("an edge without events is told of once, and nothing is sent", async (t) => {
  const host = new HostedAgent({
    edge: new local.Edge(),
    broadcastTranscripts: true,
    broadcastMetrics: true,
  });
  await host.join();
  host.type("hello");
  await until(() => host.said.length === 1, "an answer");
  await host.agent.close();
  t.deepEqual(
    host.logged.map(([, message]) => message).filter((message) => message !== "A turn is over"),
    ["The edge of this call takes no events"],
  );
});

test("options that cannot be are refused", (t) => {
  t.throws(() => hosted({ broadcastMetricsIntervalMs: 0 }), { message: /broadcastMetricsIntervalMs/ });
  t.throws(() => hosted({ broadcastMetrics: 1 as never }), { message: /broadcastMetrics/ });
});

test("metrics are sent into the call every so often, as GET …/metrics tells them", async (t) => {
  const launcher = await launch(t, "calls/open-call");
  const events = `events ${Math.random()}`;
  const channel = new BroadcastChannel(events);
  t.teardown(() => channel.close());
  const heard: JsonObject[] = [];
  channel.onmessage = (event) => heard.push((event as { data: JsonObject }).data);
  const broadcast = { broadcastMetrics: true, broadcastMetricsIntervalMs: 20, broadcastTranscripts: true };
  const supervisor = await supervisorOf(launcher);
  const session = await supervisor.startSession({ callId: "c", config: { events, broadcast } });
  await reached(session, "live");
  supervisor.sendMessage(session, { text: "thanks", participantId: "ann" });
  const tokens = ({ type, metrics }: JsonObject) =>
    type === "greenroom.metrics" && Number((metrics as JsonObject).llm_output_tokens__total) > 0;
  await until(() => heard.some(tokens), "metrics of the turn");
  const last = heard.findLast(({ type }) => type === "greenroom.metrics")!;
  t.deepEqual(Object.keys(last.metrics as JsonObject), Object.keys(sessionMetricFields));
  t.deepEqual(last.metrics, { ...session.metrics.snapshot() });
  t.true(heard.some(({ type, role }) => type === "greenroom.transcript" && role === "agent"));
});
