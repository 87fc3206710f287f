import test from "ava";
import { loadSdk } from "../../../src/providers/stream/coordinator/sdk.ts";
import { StreamError } from "../../../src/providers/stream/error.ts";
import { leaveFor } from "../../../src/providers/stream/leave-on-behalf.ts";
import {
  CallEndedReason,
  ErrorCode,
  TrackType,
  TrackUnpublishReason,
  WebsocketReconnectStrategy,
} from "../../../src/providers/stream/wire/enums.ts";
import type { SfuJoinRequest } from "../../../src/providers/stream/wire/messages.ts";
import type { WireEntry } from "../../emulators/emulator.ts";
import { type StreamEmulator, startStream } from "../../emulators/stream.ts";
import { ConnectionLog, joinTestCall } from "../../fixtures/stream/caller.ts";

const cid = "default:c1";

/** The requests to join that edges got, in order. */
const joins = (stream: StreamEmulator): readonly SfuJoinRequest[] =>
  stream.log.of("join").map(({ request }) => request as SfuJoinRequest);

const edgesOf = (entries: readonly WireEntry[]) => entries.map(({ edge }) => edge);

const { DISCONNECT, FAST, REJOIN, MIGRATE } = WebsocketReconnectStrategy;

test.serial("two participants join, see and hear each other, and one leaves", async (t) => {
  await using stream = await startStream();
  const ada = await joinTestCall(t, stream, "ada");
  const bob = await joinTestCall(t, stream, "bob");
  t.deepEqual([...bob.connection.participants.values()], [{ id: "ada", name: "ADA" }]);
  t.deepEqual((await ada.log.seen("participant_joined")).participant, { id: "bob", name: "BOB" });
  await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
  await bob.connection.leave("bye");
  t.deepEqual((await ada.log.seen("participant_left")).participant, { id: "bob", name: "BOB" });
  t.is(ada.connection.participants.size, 0);
  t.like(bob.log.events.at(-1), { type: "ended", reason: "left" });
  t.is((await stream.log.seen("leave")).reason, "bye");
  t.deepEqual(stream.call(cid).ghosts, []);
  // The muted state is told once, and candidates go up.
  const mutes = stream.log.of("rpc").filter(({ method }) => method === "UpdateMuteStates");
  t.is(mutes.length, 2);
});

test.serial("a full SFU is replaced by another one at once", async (t) => {
  await using stream = await startStream();
  stream.edges[0]!.full = true;
  const { connection } = await joinTestCall(t, stream, "ada");
  t.is(connection.address?.edge, "sfu-2");
  const [, second] = stream.log.of("request").filter(({ path }) => String(path).endsWith("/join"));
  t.like(second?.body, { migrating_from: "sfu-1", migrating_from_list: ["sfu-1"] });
});

test.serial("an SFU that fails twice is replaced by another one", async (t) => {
  await using stream = await startStream();
  stream.faults.joins.push({ status: 503 }, { cuts: true });
  const { connection } = await joinTestCall(t, stream, "ada");
  t.is(connection.address?.edge, "sfu-2");
});

test.serial("a join that the SFU refuses for good, or too often, fails with its reason", async (t) => {
  await using stream = await startStream();
  stream.faults.joins.push({ code: ErrorCode.PERMISSION_DENIED, reconnectStrategy: DISCONNECT });
  const log = new ConnectionLog();
  const denied = await t.throwsAsync(joinTestCall(t, stream, "ada", { log }), { instanceOf: StreamError });
  t.like(denied, { code: "PERMISSION_DENIED", retryable: false });
  t.is(joins(stream).length, 1);
  t.like(log.events.at(-1), { type: "ended" });
  stream.faults.joins.push({ code: 500 }, { code: 500 });
  await t.throwsAsync(joinTestCall(t, stream, "ada", { attempts: 2 }), { instanceOf: StreamError });
  t.is(joins(stream).length, 3);
  t.deepEqual(stream.call(cid).participants, []);
});

test.serial("an aborted join leaves no participant behind", async (t) => {
  await using stream = await startStream();
  const over = new AbortController();
  const reason = new Error("the session closes");
  stream.faults.joins.push({ delayMs: 100 });
  const joining = joinTestCall(t, stream, "ada", { signal: over.signal });
  await stream.log.seen("join");
  over.abort(reason);
  t.is(await t.throwsAsync(joining), reason);
  await stream.log.seen("close");
  t.deepEqual(stream.call(cid).participants, []);
});

test.serial(
  "a cut socket is replaced: session and sound continue, and the others see no change",
  async (t) => {
    await using stream = await startStream();
    const ada = await joinTestCall(t, stream, "ada");
    const bob = await joinTestCall(t, stream, "bob");
    await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
    const { sessionId } = stream.call(cid).participant("ada");
    stream.call(cid).participant("ada").killSocket();
    t.like(await ada.log.seen("reconnecting"), { strategy: "fast", reason: "signal_lost" });
    t.like(await ada.log.seen("reconnected"), { strategy: "fast" });
    t.like(joins(stream).at(-1), {
      sessionId,
      fastReconnect: true,
      reconnectDetails: { strategy: FAST, reconnectAttempt: 0, fromSfuId: "sfu-1" },
    });
    t.is(joins(stream).at(-1)?.reconnectDetails?.announcedTracks?.length, 1);
    t.is(joins(stream).at(-1)?.reconnectDetails?.subscriptions?.length, 1);
    await Promise.all([ada.log.hears("bob", 50), bob.log.hears("ada", 50)]);
    t.is(stream.call(cid).participants.length, 2);
    for (const { log } of [ada, bob]) t.deepEqual(log.of("participant_left"), []);
  },
);

test.serial(
  "where the SFU lost the session, a new one is begun, and the others see nobody leave",
  async (t) => {
    await using stream = await startStream();
    const ada = await joinTestCall(t, stream, "ada");
    const bob = await joinTestCall(t, stream, "bob");
    await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
    const { sessionId } = stream.call(cid).participant("ada");
    stream.call(cid).participant("ada").killSocket({ forget: true });
    t.like(await ada.log.seen("reconnected"), { strategy: "rejoin" });
    const last = joins(stream).at(-1);
    t.like(last, {
      reconnectDetails: { strategy: REJOIN, previousSessionId: sessionId, reconnectAttempt: 1 },
    });
    t.not(last?.sessionId, sessionId);
    t.is(last?.unifiedSessionId, joins(stream)[0]?.unifiedSessionId);
    await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
    t.is(stream.call(cid).participants.length, 2);
    // The SFU waits for a second.
    if ((await ada.log.seen("reconnected")).tookMs < 500)
      for (const { log } of [ada, bob]) t.deepEqual(log.of("participant_left"), []);
  },
);

test.serial("a fast reconnect that fails is tried three times, then replaced by a new session", async (t) => {
  await using stream = await startStream();
  const ada = await joinTestCall(t, stream, "ada");
  stream.faults.joins.push({ status: 503 }, { status: 503 }, { cuts: true });
  stream.call(cid).participant("ada").killSocket();
  t.like(await ada.log.seen("reconnected"), { strategy: "rejoin" });
  t.is(stream.call(cid).participants.length, 1);
});

test.serial("after a go-away the agent is on another SFU, with the same session", async (t) => {
  await using stream = await startStream();
  const ada = await joinTestCall(t, stream, "ada");
  const bob = await joinTestCall(t, stream, "bob");
  await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
  const { sessionId } = stream.call(cid).participant("ada");
  // Once and once more: it goes once.
  stream.call(cid).participant("ada").goAway();
  stream.call(cid).participant("ada").goAway();
  t.like(await ada.log.seen("reconnected"), { strategy: "migrate" });
  t.is(ada.connection.address?.edge, "sfu-2");
  t.is(ada.connection.address?.sessionId, sessionId);
  t.like(joins(stream).at(-1), { reconnectDetails: { strategy: MIGRATE, fromSfuId: "sfu-1" } });
  await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
  t.is((await stream.log.seen("close")).code, 1_000);
  t.is(ada.log.of("reconnecting").length, 1);
  t.is(stream.call(cid).participants.length, 2);
});

test.serial("a migration whose end the former SFU does not report becomes a new session", async (t) => {
  await using stream = await startStream({ rules: { migrationMs: null } });
  const ada = await joinTestCall(t, stream, "ada");
  stream.call(cid).participant("ada").goAway();
  t.like(await ada.log.seen("reconnected"), { strategy: "rejoin" });
  t.is(stream.call(cid).participants.length, 1);
});

test.serial("an error leads to the reaction that it asks for", async (t) => {
  await using stream = await startStream();
  const { connection, log } = await joinTestCall(t, stream, "ada");
  const fail = (code: number, reconnectStrategy: number) =>
    stream
      .call(cid)
      .participant("ada")
      .send({ error: { error: { code, message: "by a test" }, reconnectStrategy } });
  fail(ErrorCode.PARTICIPANT_SIGNAL_LOST, FAST);
  t.like(await log.seen("reconnected", 1), { strategy: "fast" });
  fail(ErrorCode.SFU_SHUTTING_DOWN, REJOIN);
  t.like(await log.seen("reconnected", 2), { strategy: "rejoin" });
  t.is(connection.address?.edge, "sfu-2");
  fail(ErrorCode.INTERNAL_SERVER_ERROR, 0);
  // What was under way when the session changed may have failed before.
  for (let count = 1; (await log.seen("warning", count)).message !== "The SFU reports an error"; ) count += 1;
  fail(ErrorCode.PERMISSION_DENIED, DISCONNECT);
  const ended = await log.seen("ended");
  t.is(ended.reason, "lost");
  t.like(ended.error, { code: "PERMISSION_DENIED" });
  await stream.log.seen("gone", 1);
});

test.serial("when the call ends, or the agent is removed, it does not reconnect", async (t) => {
  await using stream = await startStream();
  const ada = await joinTestCall(t, stream, "ada");
  const bob = await joinTestCall(t, stream, "bob");
  stream.call(cid).kick("ada");
  t.is((await ada.log.seen("ended")).reason, "kicked");
  await bob.log.seen("participant_left");
  stream.call(cid).end(CallEndedReason.ENDED);
  t.is((await bob.log.seen("ended")).reason, "call_ended");
  await Promise.all([ada.connection.leave(), bob.connection.leave()]);
  t.is(joins(stream).length, 2);
  for (const { log } of [ada, bob]) t.deepEqual(log.of("reconnecting"), []);
});

test.serial("where a reconnect is refused for good, the connection is lost", async (t) => {
  await using stream = await startStream();
  const { log } = await joinTestCall(t, stream, "ada");
  stream.faults.coordinator.push({ path: "/join", status: 403, code: 17 });
  stream.call(cid).participant("ada").killSocket({ forget: true });
  const ended = await log.seen("ended");
  t.is(ended.reason, "lost");
  t.like(ended.error, { status: 403 });
});

test.serial("a token that expired in the meantime does not prevent a reconnect", async (t) => {
  await using stream = await startStream();
  const { log } = await joinTestCall(t, stream, "ada");
  stream.faults.coordinator.push({ path: "/join", status: 401, code: 40 });
  stream.faults.rpcs.push({ method: "SetPublisher", status: 401 });
  stream.call(cid).participant("ada").restartIce("publisher");
  t.like(await log.seen("reconnecting"), { strategy: "rejoin", reason: "session_lost" });
  await log.seen("reconnected");
  await joinTestCall(t, stream, "bob");
  await log.hears("bob");
});

test.serial(
  "without permission to speak the agent is muted, and is heard again once it has it",
  async (t) => {
    await using stream = await startStream();
    const ada = await joinTestCall(t, stream, "ada");
    const bob = await joinTestCall(t, stream, "bob");
    await bob.log.hears("ada");
    const inCall = stream.call(cid).participant("ada");
    inCall.setGrants({ canPublishAudio: false });
    t.is((await ada.log.seen("muted")).by, "grants");
    inCall.setGrants({ canPublishAudio: true });
    t.is((await ada.log.seen("muted", 2)).by, null);
    await bob.log.hears("ada");
  },
);

test.serial("an agent that a moderator muted is heard again by its own decision only", async (t) => {
  await using stream = await startStream();
  const ada = await joinTestCall(t, stream, "ada");
  const bob = await joinTestCall(t, stream, "bob");
  await bob.log.hears("ada");
  const inCall = stream.call(cid).participant("ada");
  inCall.setMuted(TrackType.AUDIO, true, TrackUnpublishReason.MODERATION);
  t.is((await ada.log.seen("muted")).by, "moderation");
  inCall.setGrants({ canPublishVideo: false });
  inCall.killSocket({ forget: true });
  await ada.log.seen("reconnected");
  t.is(ada.log.of("muted").length, 1);
  ada.connection.unmute();
  t.is((await ada.log.seen("muted", 2)).by, null);
  await bob.log.hears("ada");
});

test.serial("a silent socket is noticed and replaced", async (t) => {
  await using stream = await startStream();
  const { log } = await joinTestCall(t, stream, "ada");
  stream.call(cid).participant("ada").silence();
  t.like(await log.seen("reconnected"), { strategy: "fast" });
  t.like(log.of("reconnecting"), [{ reason: "signal_lost" }]);
});

test.serial("an agent that leaves without a connection is gone for the others", async (t) => {
  await using stream = await startStream();
  const ada = await joinTestCall(t, stream, "ada");
  const bob = await joinTestCall(t, stream, "bob");
  await ada.log.seen("participant_joined");
  stream.faults.joins.push({ hangs: true });
  stream.call(cid).participant("ada").killSocket();
  await ada.log.seen("reconnecting");
  await stream.log.seen("join", 3);
  await ada.connection.leave();
  await bob.log.seen("participant_left");
  t.deepEqual(
    stream.call(cid).participants.map(({ userId }) => userId),
    ["bob"],
  );
});

test.serial("another process can leave on behalf of an agent that cannot", async (t) => {
  await using stream = await startStream();
  const ada = await joinTestCall(t, stream, "ada");
  const bob = await joinTestCall(t, stream, "bob");
  const { address } = ada.connection;
  t.truthy(address);
  if (address === null) return;
  // Its own way back leads nowhere.
  stream.faults.joins.push({ hangs: true });
  stream.call(cid).participant("ada").killSocket();
  await stream.log.seen("join", 3);
  await leaveFor(await loadSdk(), structuredClone(address), "its thread died");
  await bob.log.seen("participant_left");
  t.deepEqual(edgesOf(stream.log.of("leave")), [address.edge]);
});
