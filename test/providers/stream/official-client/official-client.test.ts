import { setTimeout as sleep } from "node:timers/promises";
import { StreamClient } from "@stream-io/node-sdk";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import * as testing from "greenroom/testing";
import { SfuRequest } from "../../../../src/providers/stream/wire/messages.ts";
import { decode, encode } from "../../../../src/providers/stream/wire/protobuf.ts";
import { startStream } from "../../../emulators/stream.ts";
import { eventually } from "../../../fixtures/eventually.ts";
import { testCall } from "../../../fixtures/stream/caller.ts";
import { SessionLog, StreamStage } from "../../../fixtures/stream/stage.ts";
import { missing, OfficialBrowser, type OfficialClient } from "./browser.ts";
import { likeOurs, officialEnum, officialMessage, ourEnums, ourMessages, samples } from "./tables.ts";
import { unknownFields } from "./unknown-fields.ts";

// Stream's official client, as it is, in a browser, joins the fake: this is what proves the fake.

const test = anyTest as TestFn<{ browser: OfficialBrowser }>;
const why = await missing();
const inBrowser = why === null ? test.serial : test.serial.skip;
/** The way to declare tests that mostly wait, together with others. */
const besideOthers = why === null ? test : test.skip;
const titled = (title: string) => (why === null ? title : `${title} — not run: ${why}`);

const ann = 440;
const bob = 880;
const cid = "default:demo";

if (why === null) {
  test.before(async (t) => {
    t.context.browser = await OfficialBrowser.launch();
  });
  test.after.always(async (t) => {
    await t.context.browser?.[Symbol.asyncDispose]();
  });
}

async function hearEachOther(ann: OfficialClient, bob: OfficialClient): Promise<void> {
  await Promise.all([ann.untilHears("bob", bob.hertz), bob.untilHears("ann", ann.hertz)]);
}

inBrowser(titled("two people hear each other and see joins, mutes and leaves"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await one.untilSees("bob", "on");
  await two.untilSees("ann", "on");
  await hearEachOther(one, two);

  await two.mute();
  await one.untilSees("bob", "off");
  await one.untilHears("bob", null);
  await two.unmute();
  await one.untilSees("bob", "on");
  await one.untilHears("bob", bob);

  await two.leave();
  await one.untilSees("bob", null);
  t.is(stream.call(cid).sessions.size, 1);
  t.deepEqual(stream.call(cid).ghosts, []);
  await one.leave();
  await stream.log.seen("close", 2);
  t.is(stream.call(cid).sessions.size, 0);
  for (const { sockets, seats } of stream.edges) t.is(sockets.size + seats.size, 0);

  // All that it sent is known here to the last field.
  const frames = [...stream.log.of("join"), ...stream.log.of("health"), ...stream.log.of("leave")];
  t.true(frames.length >= 4);
  for (const { bytes } of frames) t.deepEqual(unknownFields(SfuRequest, bytes as Uint8Array), []);
  const requests = stream.log.of("rpc");
  t.deepEqual([...new Set(requests.map(({ encoding }) => encoding))], ["json"]);
  for (const { method, unknown } of requests) t.deepEqual(unknown, [], `${method}`);
  for (const kind of ["unknown", "failed", "rpc_refused", "candidate_ignored", "offer_failed"]) {
    t.deepEqual(stream.log.of(kind), [], kind);
  }
});

inBrowser(titled("after a killed socket it comes back into the same session"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  const { session } = (await one.others()).bob!;

  stream.call(cid).participant("bob").killSocket();
  await stream.log.find("joined", ({ reconnected }) => reconnected === true);
  await stream.log.find("answered", ({ iceRestart }) => iceRestart === true);
  await two.until("stage.callingState() === 'joined'");
  await hearEachOther(one, two);
  t.is((await one.others()).bob?.session, session);
  // What is signalled from now on goes over the new socket.
  await one.mute();
  await two.untilSees("ann", "off");
  await one.unmute();
  await two.untilSees("ann", "on");
  await hearEachOther(one, two);
  t.deepEqual(stream.log.of("gone"), []);
});

besideOthers(
  titled("where nothing is left to come back to, it joins again as another session"),
  async (t) => {
    await using stream = await startStream();
    await using one = await t.context.browser.open("ann", ann);
    await using two = await t.context.browser.open("bob", bob);
    await one.join(stream, "demo");
    await two.join(stream, "demo");
    await hearEachOther(one, two);
    const { session } = (await one.others()).bob!;

    stream.call(cid).participant("bob").killSocket({ forget: true });
    await one.until(`(stage.others().bob?.session ?? "${session}") !== "${session}"`);
    await one.untilSees("bob", "on");
    await hearEachOther(one, two);
    t.is(stream.call(cid).sessions.size, 2);
  },
);

inBrowser(titled("after a go-away it sits on another edge, and nobody saw it leave"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);

  stream.call(cid).participant("bob").goAway();
  await stream.log.find("moved", ({ user }) => user === "bob");
  await two.until("stage.callingState() === 'joined'");
  t.is(stream.call(cid).participant("bob").seat?.edge.name, "sfu-2");
  t.is(stream.call(cid).participant("ann").seat?.edge.name, "sfu-1");
  await hearEachOther(one, two);
  await two.mute();
  await one.untilSees("bob", "off");
  await two.unmute();
  await hearEachOther(one, two);
  t.deepEqual(stream.log.of("gone"), []);
  t.deepEqual(
    stream.log.of("sent").filter(({ event }) => event === "participantLeft"),
    [],
  );
});

besideOthers(titled("it notices a silent socket, and that its media is cut"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  const { session } = (await two.others()).ann!;

  stream.call(cid).participant("bob").silence();
  stream.call(cid).participant("ann").cutMedia();
  const back = "stage.callingStates().includes('reconnecting') && stage.callingState() === 'joined'";
  await Promise.all([one.until(back), two.until(back)]);
  // A cut connection is made anew in another session; a silent socket is only replaced.
  await two.until(`(stage.others().ann?.session ?? "${session}") !== "${session}"`);
  t.true(stream.log.of("close").some(({ user, code }) => user === "bob" && code === 4001));
  t.true(stream.log.of("joined").some(({ user, reconnected }) => user === "bob" && reconnected));
  await hearEachOther(one, two);
});

inBrowser(titled("from an edge that is full it goes to the next one"), async (t) => {
  await using stream = await startStream();
  stream.edges[0]!.full = true;
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await Promise.all([one.join(stream, "demo"), two.join(stream, "demo")]);
  await hearEachOther(one, two);
  t.true(stream.log.of("join_refused").every(({ code, edge }) => code === 700 && edge === "sfu-1"));
  t.is(stream.call(cid).participant("ann").seat?.edge.name, "sfu-2");
});

inBrowser(titled("kicked, or the call ended: it leaves and does not come back"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  stream.call(cid).kick("bob");
  await two.until("stage.callingState() === 'left'");
  await one.untilSees("bob", null);
  await one.endCall();
  await one.until("stage.callingState() === 'left'");
  t.is(stream.call(cid).sessions.size, 0);
  t.is(stream.log.of("joined").length, 2);
});

inBrowser(titled("custom events of the call reach it"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await one.join(stream, "demo");
  const client = new StreamClient(stream.apiKey, stream.apiSecret, { basePath: stream.url });
  const custom = { type: "transcript", text: "Hello" };
  await client.video.call("default", "demo").sendCallEvent({ user_id: "agent", custom });
  await one.until("stage.customEvents().length > 0");
  t.deepEqual(await one.customEvents(), [custom]);
});

inBrowser(titled("a permission that is revoked silences it"), async (t) => {
  await using stream = await startStream();
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  stream.call(cid).participant("bob").setGrants({ canPublishAudio: false });
  await one.untilSees("bob", "off");
  await one.untilHears("bob", null);
  await two.untilHears("ann", ann);
  t.pass();
});

inBrowser(titled("a tab that vanishes stays as a ghost until its deadline"), async (t) => {
  await using stream = await startStream({ rules: { fastReconnectDeadlineSeconds: 2 } });
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await one.join(stream, "demo");
  await two.join(stream, "demo");
  await hearEachOther(one, two);
  await two.vanish();
  const closed = await stream.log.find("close", ({ user }) => user === "bob");
  await one.untilSees("bob", null);
  const gone = await stream.log.find("gone", ({ user }) => user === "bob");
  t.is(gone.why, closed.code === 1000 ? "closed" : "signal_lost");
});

for (const order of ["early", "late", "stale"] as const) {
  inBrowser(titled(`candidates that come ${order} do not keep it from hearing`), async (t) => {
    await using stream = await startStream();
    stream.faults.candidates = order;
    stream.faults.offers = { twice: true, delayMs: order === "late" ? 300 : 0 };
    await using one = await t.context.browser.open("ann", ann);
    await using two = await t.context.browser.open("bob", bob);
    await Promise.all([one.join(stream, "demo"), two.join(stream, "demo")]);
    await hearEachOther(one, two);
    t.pass();
  });
}

inBrowser(titled("loss and jitter on the way: it is still heard"), async (t) => {
  await using stream = await startStream();
  stream.faults.downlink = { lossPercent: 5, jitterMs: 30 };
  stream.faults.uplink = { lossPercent: 2, doublePercent: 2 };
  await using one = await t.context.browser.open("ann", ann);
  await using two = await t.context.browser.open("bob", bob);
  await Promise.all([one.join(stream, "demo"), two.join(stream, "demo")]);
  await hearEachOther(one, two);
  t.pass();
});

/**
 * Answers that are long enough to be heard through whatever happens; and enough of them, since a browser on a busy
 * machine has gaps in what it sends, each of which may end a turn.
 */
const answers = Array(20).fill(`${"I have so much to tell you about my day ".repeat(60)}and so on.`);
/** The agent's first tone; the next piece of what it says has another one. */
const firstTone = testing.TTS.frequencyOf(0);

/** Our agent, in its thread, beside somebody who uses the official client. The agent hears a turn when they fall silent. */
async function besideAgent(t: ExecutionContext<{ browser: OfficialBrowser }>) {
  const stage = await StreamStage.open(t);
  const client = await t.context.browser.open("ann", ann);
  t.teardown(() => client[Symbol.asyncDispose]());
  await client.join(stage.stream, testCall.callId);
  // Its recogniser gives words at the end of a turn only: a sound has to silence it, or nobody could hear that it listens.
  const session = await stage.session({
    answers,
    transcripts: answers.map(() => "Hello agent."),
    duckingDb: 60,
  });
  const log = new SessionLog(session);
  await client.untilSees("agent", "on");
  return { stage, client, session, log };
}

/** Returns how often the agent has heard the person out. */
const heardByAgent = ({ transcript }: SessionLog) =>
  transcript.filter((line) => line.endsWith(": Hello agent.")).length;

/** She falls silent, and the agent takes her turn: where it did not hear her yet, she says it again. */
async function saysSomething(client: OfficialClient, log: SessionLog): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    await client.mute();
    try {
      return await eventually("the agent has heard her", () => heardByAgent(log) > 0, 5_000);
    } catch (error) {
      if (tries === 5) throw error;
    }
    await client.unmute();
    await sleep(1_000);
  }
}

/** Words over the agent: it falls silent, hears them out and answers. */
async function speakOver(client: OfficialClient, log: SessionLog): Promise<void> {
  const before = heardByAgent(log);
  await client.unmute();
  await client.untilHears("agent", null);
  await client.mute();
  await eventually("the agent has heard more", () => heardByAgent(log) > before);
  await client.untilHearsSomething("agent");
}

inBrowser(titled("beside our agent: each hears the other, and sees joins, mutes and leaves"), async (t) => {
  const { stage, client, session, log } = await besideAgent(t);
  await saysSomething(client, log);
  await client.untilHears("agent", firstTone);

  const agent = stage.call.participant("agent");
  agent.setGrants({ canPublishAudio: false });
  await client.untilSees("agent", "off");
  await client.untilHears("agent", null);
  agent.setGrants({ canPublishAudio: true });
  await client.untilSees("agent", "on");
  await client.untilHearsSomething("agent");

  await speakOver(client, log);
  await stage.launcher.closeSession(session.id, { wait: true });
  await client.untilSees("agent", null);
  await client.leave();
  await stage.stream.log.find("gone", ({ user }) => user === "ann");
  t.deepEqual(stage.call.participants, []);
  for (const kind of ["unknown", "failed", "rpc_refused", "candidate_ignored", "offer_failed"]) {
    t.deepEqual(stage.stream.log.of(kind), [], kind);
  }
});

inBrowser(titled("beside our agent: after killed sockets both come back"), async (t) => {
  const { stage, client, session, log } = await besideAgent(t);
  const { stream, call } = stage;
  await saysSomething(client, log);
  await client.untilHears("agent", firstTone);
  for (const user of ["agent", "ann"]) call.participant(user).killSocket();
  for (const user of ["agent", "ann"]) {
    await stream.log.find("joined", (entry) => entry.user === user && entry.reconnected === true);
  }
  await client.until("stage.callingState() === 'joined'");
  await client.untilSees("agent", "on");
  await client.untilHearsSomething("agent");
  await speakOver(client, log);
  t.deepEqual(stream.log.of("gone"), []);
  await stage.launcher.closeSession(session.id, { wait: true });
  await client.untilSees("agent", null);
  t.deepEqual(call.ghosts, []);
});

inBrowser(titled("beside our agent: after a go-away both sit on another edge"), async (t) => {
  const { stage, client, log } = await besideAgent(t);
  const { stream, call } = stage;
  await saysSomething(client, log);
  await client.untilHears("agent", firstTone);
  stream.edges[0]?.goAway();
  for (const user of ["agent", "ann"]) await stream.log.find("moved", (entry) => entry.user === user);
  await client.until("stage.callingState() === 'joined'");
  t.deepEqual(
    call.participants.map(({ seat }) => seat?.edge.name),
    ["sfu-2", "sfu-2"],
  );
  await client.untilHearsSomething("agent");
  await speakOver(client, log);
  t.deepEqual(stream.log.of("gone"), []);
});

/**
 * The messages that the package keeps to itself. The first three are within others; of the rest, what it sends is read
 * above, in JSON.
 */
const notExported = [
  "Empty",
  "Timestamp",
  "TrackSubscriptionDetails",
  "SetPublisherRequest",
  "SetPublisherResponse",
  "SendAnswerRequest",
  "SendAnswerResponse",
  "IceTrickleResponse",
  "UpdateSubscriptionsRequest",
  "UpdateSubscriptionsResponse",
  "TrackMuteState",
  "UpdateMuteStatesRequest",
  "UpdateMuteStatesResponse",
  "IceRestartRequest",
  "IceRestartResponse",
];

test("our messages are those of the official package: each reads what the other wrote", (t) => {
  const missing = ourMessages.filter(([name]) => officialMessage(name) === undefined);
  t.deepEqual(missing.map(([name]) => name).toSorted(), notExported.toSorted());
  let compared = 0;
  for (const [name, type] of ourMessages) {
    const official = officialMessage(name);
    if (official === undefined) continue;
    for (const sample of samples(type)) {
      const written = encode(type, sample as never);
      const read = official.fromBinary(written, { readUnknownField: "throw" });
      t.deepEqual(likeOurs(type, read), sample, `${name}: theirs of ours`);
      t.deepEqual(decode(type, official.toBinary(read)) as unknown, decode(type, written) as unknown, name);
      t.deepEqual(decode(type, official.toBinary(read)) as unknown, sample, `${name}: ours of theirs`);
      compared += 1;
    }
  }
  t.true(compared > 100);
});

test("our enumerations are those of the official package", (t) => {
  for (const [name, ours] of ourEnums) {
    const official = officialEnum(name);
    t.truthy(official, name);
    for (const [value, number] of Object.entries(ours)) t.is(official?.[value], number, `${name}.${value}`);
    // The app SDKs are of no interest to an agent.
    if (name === "SdkType") continue;
    const names = Object.keys(official ?? {}).filter((key) => !/^\d+$/.test(key));
    t.deepEqual(Object.keys(ours).toSorted(), names.toSorted(), name);
  }
});
