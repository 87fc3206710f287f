import test, { type ExecutionContext } from "ava";
import * as stream from "greenroom/stream";
import * as testing from "greenroom/testing";
import { pino } from "pino";
import type { ConnectionEvent } from "../../../src/agent/edge.ts";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import type { CallConnectionEvent } from "../../../src/providers/stream/call/call-connection-event.ts";
import { WebsocketReconnectStrategy } from "../../../src/providers/stream/wire/enums.ts";
import type { Measurement } from "../../../src/shared/session/measurement.ts";
import { type StreamEmulator, startStream } from "../../emulators/stream.ts";
import { launch } from "../../fixtures/launch.ts";
import { reached } from "../../fixtures/session-watch.ts";
import { testCall } from "../../fixtures/stream/caller.ts";
import { StreamPerson } from "../../fixtures/stream/person.ts";
import { SessionLog, StreamStage } from "../../fixtures/stream/stage.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

const cid = "default:c1";
const agentUser = { id: "agent", name: "My happy AI friend" };
const never = new AbortController().signal;

/** An edge in this thread, and what it tells. */
async function join(t: ExecutionContext, emulator: StreamEmulator, signal = never) {
  const { apiKey, apiSecret, url: baseUrl } = emulator;
  const edge = new stream.Edge({ apiKey, apiSecret, baseUrl });
  t.teardown(() => edge.close());
  const lines: object[] = [];
  const measured: Measurement[] = [];
  const line = (level: string) => (fields: object, message: string) =>
    lines.push({ level, message, ...fields });
  const log = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  const call = await edge.createCall({ ...testCall, agentUser, signal });
  const connection = await edge.join(call, {
    agentUser,
    signal,
    log,
    measure: (measurement) => measured.push(measurement),
  });
  const events: ConnectionEvent[] = [];
  connection.subscribe((event) => events.push(event));
  return { edge, call, connection, events, lines, measured };
}

test.serial("the agent's user and the call are created, and the agent joins", async (t) => {
  await using emulator = await startStream();
  const { edge, call, connection } = await join(t, emulator);
  t.deepEqual(call, testCall);
  t.is(edge.provider, "stream");
  t.is(emulator.call(cid).participant("agent").name, "My happy AI friend");
  t.is(emulator.call(cid).createdBy, "agent");
  t.is(connection.audio?.sampleRate, 24_000);
  t.true((connection.audio?.leadMs ?? 0) > 0);
  // A call that is there is found, and so is the user.
  t.deepEqual(await edge.createCall({ ...testCall, agentUser, signal: never }), testCall);
  t.is(emulator.calls.size, 1);
});

test.serial("participants join and leave, and hear each other", async (t) => {
  await using emulator = await startStream();
  const early = await StreamPerson.join(t, emulator, "early");
  const { connection, events } = await join(t, emulator);
  t.deepEqual([...connection.participants.values()], [{ id: "early", name: "EARLY" }]);
  const heard = new Set<string>();
  connection.audio?.listen((participantId, { sampleRate }) => heard.add(`${participantId} ${sampleRate}`));
  const late = await StreamPerson.join(t, emulator, "late");
  await until(() => events.length > 0, "an event");
  t.deepEqual(events, [{ type: "participant_joined", participant: { id: "late", name: "LATE" } }]);
  await Promise.all([early.say(testing.tone(400, 500)), late.say(testing.tone(500, 500))]);
  await until(() => heard.size === 2, "to hear both");
  t.deepEqual([...heard].toSorted(), ["early 16000", "late 16000"]);

  const { samples } = testing.tone(440, 20, { sampleRate: 24_000 });
  const voice = setInterval(() => connection.audio?.send({ samples, sampleRate: 24_000 }), 20);
  t.teardown(() => clearInterval(voice));
  await Promise.all([early.hears("agent"), late.hears("agent")]);
  await early.caller.connection.leave();
  await until(() => events.length > 1, "another event");
  t.like(events[1], { type: "participant_left", participant: { id: "early" } });
  t.deepEqual([...connection.participants.keys()], ["late"]);

  await connection.leave();
  await late.caller.log.seen("participant_left", 2);
  t.deepEqual(
    emulator.call(cid).participants.map(({ userId }) => userId),
    ["late"],
  );
  // Nothing happens any more.
  connection.audio?.send({ samples, sampleRate: 24_000 });
  t.is(events.length, 2);
});

test.serial("the end of the call is reported once, also to a later subscriber", async (t) => {
  await using emulator = await startStream();
  const { connection, events, lines } = await join(t, emulator);
  emulator.call(cid).end();
  await until(() => events.length > 0, "the end");
  const late: ConnectionEvent[] = [];
  connection.subscribe((event) => late.push(event));
  await until(() => late.length > 0, "the end again");
  t.deepEqual(events, [{ type: "ended" }, { type: "ended" }].slice(0, events.length));
  t.deepEqual(late, [{ type: "ended" }]);
  t.like(lines.at(-1), { level: "info", reason: "call_ended", message: "The call is over for the agent" });
  await connection.leave();
});

test.serial("an aborted join, or a closed edge, leaves no participant behind", async (t) => {
  await using emulator = await startStream();
  const over = new AbortController();
  emulator.faults.joins.push({ delayMs: 200 });
  const joining = join(t, emulator, over.signal);
  await emulator.log.seen("join");
  over.abort(new Error("the session closes"));
  await t.throwsAsync(joining, { message: "the session closes" });
  const { edge } = await join(t, emulator);
  t.is(emulator.call(cid).participants.length, 1);
  await edge.close();
  await until(() => emulator.call(cid).participants.length === 0, "the end of all participants");
  t.deepEqual(emulator.call(cid).ghosts, []);
});

test.serial(
  "a reconnect is one log line and one counted error; no line holds a token or the secret",
  async (t) => {
    await using emulator = await startStream({ apiSecret: "a-secret-that-nobody-may-read" });
    const { lines, measured } = await join(t, emulator);
    const inCall = () => emulator.call(cid).participant("agent");
    const logged = async (message: string, count = 1) => {
      const found = () => lines.filter((line) => (line as { message: string }).message === message);
      await until(() => found().length >= count, `${count} × ${message}`);
      return found()[count - 1];
    };
    const reconnected = "The connection to the call came back";
    inCall().killSocket();
    const first = {
      level: "info",
      provider: "stream",
      edge: "sfu-1",
      reason: "signal_lost",
      strategy: "fast",
    };
    t.like(await logged(reconnected), first);
    inCall().killSocket({ forget: true });
    t.like(await logged(reconnected, 2), {
      reason: "signal_lost",
      wanted_strategy: "fast",
      strategy: "rejoin",
    });
    inCall().goAway();
    t.like(await logged(reconnected, 3), { reason: "go_away", strategy: "migrate", edge: "sfu-2" });
    const counted = (error: string) => measured.filter((one) => "error" in one && one.error === error).length;
    t.is(counted("signal_lost"), 2);
    t.is(counted("go_away"), 0);

    const error = { error: { code: 500, message: "by a test" }, reconnectStrategy: 0 };
    inCall().send({ error });
    t.like(await logged("The SFU reports an error"), { level: "warn" });
    inCall().send({ error: { ...error, reconnectStrategy: WebsocketReconnectStrategy.DISCONNECT } });
    t.like(await logged("The connection to the call is lost"), { level: "error", edge: "sfu-2" });
    for (const one of measured) t.like(one, { kind: "error", component: "edge", provider: "stream" });
    const written = JSON.stringify(lines);
    t.false(/eyJ|a-secret/.test(written), written);
  },
);

test("an option that is wrong, or a key that is missing, is named", (t) => {
  const keys = { apiKey: "key", apiSecret: "secret" };
  t.throws(() => new stream.Edge({ ...keys, apiKey: "" }), { instanceOf: TypeError, message: /apiKey/ });
  t.throws(() => new stream.Edge({ ...keys, atempts: 3 } as stream.StreamOptions), {
    message: /atempts: did you mean attempts\?/,
  });
  t.throws(() => new stream.Edge(null as never), { message: /^stream.Edge: the options must be an object/ });
  t.throws(() => new stream.Edge({ apiSecret: "secret" }), { message: /^STREAM_API_KEY is not set/ });
});

test.serial("a wrong key, or an unreachable server, is known before a call", async (t) => {
  const emulator = await startStream();
  const { apiKey, apiSecret, url: baseUrl } = emulator;
  const warm = (options: stream.StreamOptions) =>
    new stream.Edge({ apiKey, apiSecret, baseUrl, ...options }).warm(never);
  await t.notThrowsAsync(warm({}));
  emulator.faults.coordinator.push({ path: "/app", status: 503 });
  await t.notThrowsAsync(warm({}));
  for (const wrong of [{ apiKey: "wrong" }, { apiSecret: "wrong" }]) {
    const error = await t.throwsAsync(warm(wrong), { instanceOf: stream.StreamError });
    t.like(error, { status: 401, retryable: false });
  }
  t.is(emulator.log.of("request").length, 4);
  await emulator.close();
  await t.throwsAsync(warm({}), { instanceOf: stream.StreamError, message: /ECONNREFUSED|failed/ });
});

test.serial("a wrong secret is one line at the start of the server", async (t) => {
  await using emulator = await startStream();
  const lines: string[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => lines.push(line) });
  const agentEnvironment = { ...process.env, ...emulator.environment, STREAM_API_SECRET: "a-wrong-secret" };
  await launch(t, "calls/stream", { logger, agentEnvironment: agentEnvironment as Record<string, string> });
  const complaints = lines.map((line) => JSON.parse(line)).filter(({ part }) => part === "edge");
  t.is(complaints.length, 1);
  t.regex(complaints[0].msg, /^edge stream does not work: To check the key: Stream refused with 401/);
  t.false(lines.join("").includes("a-wrong-secret"));
});

const connectionEvents = (person: StreamPerson): readonly CallConnectionEvent[] => person.caller.log.events;

test.serial(
  "in a thread: a participant is heard and answered; left alone, the session ends as idle",
  async (t) => {
    const stage = await StreamStage.open(t, { agentIdleTimeoutMs: 1_000, maintenanceIntervalMs: 50 });
    const ann = await StreamPerson.join(t, stage.stream, "ann");
    const greeting = "Hello there, whoever you are, I am glad that you came by today!";
    const session = await stage.session({ greeting, transcripts: ["How are you?"] });
    const log = new SessionLog(session);
    await ann.hears("agent");
    await log.turnsOver(1);
    await ann.say(testing.tone(400, 600));
    await log.turnsOver(2);
    t.deepEqual(log.transcript, [
      `agent: ${greeting}`,
      "ann: How are you?",
      `agent: agent: ${greeting}, participant: How are you?`,
    ]);
    t.deepEqual(log.outcomes, ["done", "done"]);
    await ann.caller.connection.leave();
    await session.ended;
    t.is(session.endReason, "idle");
    t.deepEqual(stage.call.participants, []);
    t.deepEqual(stage.call.ghosts, []);
    t.is((await stage.stream.log.find("gone", ({ user }) => user === "agent")).reason, "left");
  },
);

test.serial("in a thread: the last events are sent while the agent leaves", async (t) => {
  const stage = await StreamStage.open(t);
  const session = await stage.session({ greeting: "Good bye.", leaves: true, broadcastTranscripts: true });
  await session.ended;
  t.is(session.endReason, "finished");
  const told = stage.stream.log.of("request").filter(({ path }) => path === "/video/call/default/c1/event");
  t.is(told.length, 1);
  t.like(told[0]?.body, {
    user_id: "agent",
    custom: { type: "greenroom.transcript", participant_id: "agent", text: "Good bye." },
  });
});

for (const [what, end] of [
  ["the call ends", (stage: StreamStage) => stage.call.end()],
  ["it is sent away", (stage: StreamStage) => stage.call.kick("agent")],
] as const) {
  test.serial(`in a thread: ${what}, and the session is finished`, async (t) => {
    const stage = await StreamStage.open(t);
    const session = await stage.session();
    end(stage);
    await session.ended;
    t.is(session.endReason, "finished");
    t.deepEqual(stage.call.participants, []);
    t.is(stage.stream.log.of("joined").length, 1);
  });
}

test.serial("in a thread: the agent of a closed session is gone for the others", async (t) => {
  const stage = await StreamStage.open(t);
  const ann = await StreamPerson.join(t, stage.stream, "ann");
  const session = await stage.session({ greeting: "I have so much to tell. ".repeat(20) });
  await ann.hears("agent");
  await stage.launcher.closeSession(session.id, { wait: true });
  t.is(session.endReason, "closed");
  t.deepEqual(stage.call.ghosts, []);
  t.deepEqual(
    stage.call.participants.map(({ userId }) => userId),
    ["ann"],
  );
  t.is((await ann.caller.log.seen("participant_left")).participant.id, "agent");
  t.false(connectionEvents(ann).some(({ type }) => type === "reconnecting"));
});

test.serial("in a thread: a join that fails ends the session with the reason", async (t) => {
  const stage = await StreamStage.open(t);
  stage.stream.faults.coordinator.push({ path: "/join", status: 403, code: 17, message: "not allowed here" });
  const session = await stage.launcher.startSession({ callId: testCall.callId });
  await session.ended;
  t.is(session.endReason, "failed");
  t.regex(session.error?.message ?? "", /refused with 403: not allowed here/);
  const { launcher } = stage;
  const metrics = await (await supervisorOf(launcher)).metrics.text();
  t.regex(
    metrics,
    /greenroom_provider_errors_total\{[^}]*component="edge"[^}]*provider="stream"[^}]*error="code_17"[^}]*\} 1/,
  );
  t.deepEqual(stage.call.participants, []);
  const next = await stage.session();
  await reached(next, "live");
});
