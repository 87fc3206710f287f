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
import type { JoinRequest } from "../../../src/providers/stream/wire/messages.ts";
import type { WireEntry } from "../../emulators/emulator.ts";
import { type StreamEmulator, startStream } from "../../emulators/stream.ts";
import { SeatLog, sit } from "../../fixtures/stream/caller.ts";

const cid = "default:c1";

/** The requests to join that edges got, in order. */
const joins = (stream: StreamEmulator): readonly JoinRequest[] =>
  stream.log.of("join").map(({ request }) => request as JoinRequest);

const edgesOf = (entries: readonly WireEntry[]) => entries.map(({ edge }) => edge);

const { DISCONNECT, FAST, REJOIN, MIGRATE } = WebsocketReconnectStrategy;

test.serial("two join, see each other and hear each other; one leaves and is gone", async (t) => {
  await using stream = await startStream();
  const ada = await sit(t, stream, "ada");
  const bob = await sit(t, stream, "bob");
  t.deepEqual([...bob.seat.participants.values()], [{ id: "ada", name: "ADA" }]);
  t.deepEqual((await ada.log.seen("participant_joined")).participant, { id: "bob", name: "BOB" });
  await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
  await bob.seat.leave("bye");
  t.deepEqual((await ada.log.seen("participant_left")).participant, { id: "bob", name: "BOB" });
  t.is(ada.seat.participants.size, 0);
  t.like(bob.log.events.at(-1), { type: "ended", reason: "left" });
  t.is((await stream.log.seen("leave")).reason, "bye");
  t.deepEqual(stream.call(cid).ghosts, []);
  // The muted state is told once, and candidates go up.
  const mutes = stream.log.of("rpc").filter(({ method }) => method === "UpdateMuteStates");
  t.is(mutes.length, 2);
});

test.serial("a full edge is left for another one at once", async (t) => {
  await using stream = await startStream();
  stream.edges[0]!.full = true;
  const { seat } = await sit(t, stream, "ada");
  t.is(seat.place?.edge, "sfu-2");
  const [, second] = stream.log.of("request").filter(({ path }) => String(path).endsWith("/join"));
  t.like(second?.body, { migrating_from: "sfu-1", migrating_from_list: ["sfu-1"] });
});

test.serial("an edge that fails twice is left for another one", async (t) => {
  await using stream = await startStream();
  stream.faults.joins.push({ status: 503 }, { cuts: true });
  const { seat } = await sit(t, stream, "ada");
  t.is(seat.place?.edge, "sfu-2");
});

test.serial("a join that the SFU refuses for good, or too often, fails with its reason", async (t) => {
  await using stream = await startStream();
  stream.faults.joins.push({ code: ErrorCode.PERMISSION_DENIED, reconnectStrategy: DISCONNECT });
  const log = new SeatLog();
  const denied = await t.throwsAsync(sit(t, stream, "ada", { log }), { instanceOf: StreamError });
  t.like(denied, { code: "PERMISSION_DENIED", retryable: false });
  t.is(joins(stream).length, 1);
  t.like(log.events.at(-1), { type: "ended" });
  stream.faults.joins.push({ code: 500 }, { code: 500 });
  await t.throwsAsync(sit(t, stream, "ada", { attempts: 2 }), { instanceOf: StreamError });
  t.is(joins(stream).length, 3);
  t.deepEqual(stream.call(cid).participants, []);
});

test.serial("a join that is not wanted any more leaves nobody behind", async (t) => {
  await using stream = await startStream();
  const over = new AbortController();
  const reason = new Error("the session closes");
  stream.faults.joins.push({ delayMs: 100 });
  const joining = sit(t, stream, "ada", { signal: over.signal });
  await stream.log.seen("join");
  over.abort(reason);
  t.is(await t.throwsAsync(joining), reason);
  await stream.log.seen("close");
  t.deepEqual(stream.call(cid).participants, []);
});

test.serial("a cut socket is replaced: the same session, the same sound, and nobody notices", async (t) => {
  await using stream = await startStream();
  const ada = await sit(t, stream, "ada");
  const bob = await sit(t, stream, "bob");
  await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
  const { sessionId } = stream.call(cid).participant("ada");
  stream.call(cid).participant("ada").killSocket();
  t.like(await ada.log.seen("reconnecting"), { strategy: "fast", why: "signal_lost" });
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
});

test.serial(
  "where the SFU forgot the session, a new one is begun, and to the others nobody left",
  async (t) => {
    await using stream = await startStream();
    const ada = await sit(t, stream, "ada");
    const bob = await sit(t, stream, "bob");
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

test.serial(
  "a fast reconnection that does not get through is tried three times, then given up for a new session",
  async (t) => {
    await using stream = await startStream();
    const ada = await sit(t, stream, "ada");
    stream.faults.joins.push({ status: 503 }, { status: 503 }, { cuts: true });
    stream.call(cid).participant("ada").killSocket();
    t.like(await ada.log.seen("reconnected"), { strategy: "rejoin" });
    t.is(stream.call(cid).participants.length, 1);
  },
);

test.serial("after a go-away the agent sits on another edge, with the same session", async (t) => {
  await using stream = await startStream();
  const ada = await sit(t, stream, "ada");
  const bob = await sit(t, stream, "bob");
  await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
  const { sessionId } = stream.call(cid).participant("ada");
  // Once and once more: it goes once.
  stream.call(cid).participant("ada").goAway();
  stream.call(cid).participant("ada").goAway();
  t.like(await ada.log.seen("reconnected"), { strategy: "migrate" });
  t.is(ada.seat.place?.edge, "sfu-2");
  t.is(ada.seat.place?.sessionId, sessionId);
  t.like(joins(stream).at(-1), { reconnectDetails: { strategy: MIGRATE, fromSfuId: "sfu-1" } });
  await Promise.all([ada.log.hears("bob"), bob.log.hears("ada")]);
  t.is((await stream.log.seen("close")).code, 1_000);
  t.is(ada.log.of("reconnecting").length, 1);
  t.is(stream.call(cid).participants.length, 2);
});

test.serial("a migration of which the old edge knows no end becomes a new session", async (t) => {
  await using stream = await startStream({ rules: { migrationMs: null } });
  const ada = await sit(t, stream, "ada");
  stream.call(cid).participant("ada").goAway();
  t.like(await ada.log.seen("reconnected"), { strategy: "rejoin" });
  t.is(stream.call(cid).participants.length, 1);
});

test.serial("an error does what it asks for", async (t) => {
  await using stream = await startStream();
  const { seat, log } = await sit(t, stream, "ada");
  const fail = (code: number, reconnectStrategy: number) =>
    stream
      .call(cid)
      .participant("ada")
      .send({ error: { error: { code, message: "by a test" }, reconnectStrategy } });
  fail(ErrorCode.PARTICIPANT_SIGNAL_LOST, FAST);
  t.like(await log.seen("reconnected", 1), { strategy: "fast" });
  fail(ErrorCode.SFU_SHUTTING_DOWN, REJOIN);
  t.like(await log.seen("reconnected", 2), { strategy: "rejoin" });
  t.is(seat.place?.edge, "sfu-2");
  fail(ErrorCode.INTERNAL_SERVER_ERROR, 0);
  // What was under way when the session changed may have failed before.
  for (let count = 1; (await log.seen("warning", count)).what !== "The SFU reports an error"; ) count += 1;
  fail(ErrorCode.PERMISSION_DENIED, DISCONNECT);
  const ended = await log.seen("ended");
  t.is(ended.reason, "lost");
  t.like(ended.error, { code: "PERMISSION_DENIED" });
  await stream.log.seen("gone", 1);
});

test.serial("when the call ends, or the agent is sent away, it does not come back", async (t) => {
  await using stream = await startStream();
  const ada = await sit(t, stream, "ada");
  const bob = await sit(t, stream, "bob");
  stream.call(cid).kick("ada");
  t.is((await ada.log.seen("ended")).reason, "kicked");
  await bob.log.seen("participant_left");
  stream.call(cid).end(CallEndedReason.ENDED);
  t.is((await bob.log.seen("ended")).reason, "call_ended");
  await Promise.all([ada.seat.leave(), bob.seat.leave()]);
  t.is(joins(stream).length, 2);
  for (const { log } of [ada, bob]) t.deepEqual(log.of("reconnecting"), []);
});

test.serial("where coming back is refused for good, the seat is lost", async (t) => {
  await using stream = await startStream();
  const { log } = await sit(t, stream, "ada");
  stream.faults.coordinator.push({ path: "/join", status: 403, code: 17 });
  stream.call(cid).participant("ada").killSocket({ forget: true });
  const ended = await log.seen("ended");
  t.is(ended.reason, "lost");
  t.like(ended.error, { status: 403 });
});

test.serial("a token that expired in the meantime is no obstacle to coming back", async (t) => {
  await using stream = await startStream();
  const { log } = await sit(t, stream, "ada");
  stream.faults.coordinator.push({ path: "/join", status: 401, code: 40 });
  stream.faults.rpcs.push({ method: "SetPublisher", status: 401 });
  stream.call(cid).participant("ada").restartIce("publisher");
  t.like(await log.seen("reconnecting"), { strategy: "rejoin", why: "session_lost" });
  await log.seen("reconnected");
  await sit(t, stream, "bob");
  await log.hears("bob");
});

test.serial("without the right to speak the agent is silent, and speaks again once it has it", async (t) => {
  await using stream = await startStream();
  const ada = await sit(t, stream, "ada");
  const bob = await sit(t, stream, "bob");
  await bob.log.hears("ada");
  const inCall = stream.call(cid).participant("ada");
  inCall.setGrants({ canPublishAudio: false });
  t.is((await ada.log.seen("muted")).why, "grants");
  inCall.setGrants({ canPublishAudio: true });
  t.is((await ada.log.seen("muted", 2)).why, null);
  await bob.log.hears("ada");
});

test.serial("whom a moderator muted speaks again by an own decision only", async (t) => {
  await using stream = await startStream();
  const ada = await sit(t, stream, "ada");
  const bob = await sit(t, stream, "bob");
  await bob.log.hears("ada");
  const inCall = stream.call(cid).participant("ada");
  inCall.setMuted(TrackType.AUDIO, true, TrackUnpublishReason.MODERATION);
  t.is((await ada.log.seen("muted")).why, "moderation");
  inCall.setGrants({ canPublishVideo: false });
  inCall.killSocket({ forget: true });
  await ada.log.seen("reconnected");
  t.is(ada.log.of("muted").length, 1);
  ada.seat.unmute();
  t.is((await ada.log.seen("muted", 2)).why, null);
  await bob.log.hears("ada");
});

test.serial("a socket that fell silent is noticed, and replaced", async (t) => {
  await using stream = await startStream();
  const { log } = await sit(t, stream, "ada");
  stream.call(cid).participant("ada").silence();
  t.like(await log.seen("reconnected"), { strategy: "fast" });
  t.like(log.of("reconnecting"), [{ why: "signal_lost" }]);
});

test.serial("leaving without a connection still leaves no ghost", async (t) => {
  await using stream = await startStream();
  const ada = await sit(t, stream, "ada");
  const bob = await sit(t, stream, "bob");
  await ada.log.seen("participant_joined");
  stream.faults.joins.push({ hangs: true });
  stream.call(cid).participant("ada").killSocket();
  await ada.log.seen("reconnecting");
  await stream.log.seen("join", 3);
  await ada.seat.leave();
  await bob.log.seen("participant_left");
  t.deepEqual(
    stream.call(cid).participants.map(({ userId }) => userId),
    ["bob"],
  );
});

test.serial("goodbye can be said for an agent that cannot any more", async (t) => {
  await using stream = await startStream();
  const ada = await sit(t, stream, "ada");
  const bob = await sit(t, stream, "bob");
  const { place } = ada.seat;
  t.truthy(place);
  if (place === null) return;
  // Its own way back leads nowhere.
  stream.faults.joins.push({ hangs: true });
  stream.call(cid).participant("ada").killSocket();
  await stream.log.seen("join", 3);
  await leaveFor(await loadSdk(), structuredClone(place), "its thread died");
  await bob.log.seen("participant_left");
  t.deepEqual(edgesOf(stream.log.of("leave")), [place.edge]);
});
