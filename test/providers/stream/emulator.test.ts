import { StreamClient } from "@stream-io/node-sdk";
import test from "ava";
import { RtpHeader, RtpPacket } from "werift";
import { ErrorCode, PeerType, TrackType } from "../../../src/providers/stream/wire/enums.ts";
import { signToken } from "../../emulators/stream/coordinator/token.ts";
import { ContinuousRtp, SoundPath } from "../../emulators/stream/media/sound-path.ts";
import { type StreamEmulator, StreamFaults, startStream, tokenExpired } from "../../emulators/stream.ts";
import { askCoordinator, joinCall, StreamSocket } from "../../fixtures/stream/socket.ts";

// The rules of the emulator itself. official-client/ shows that Stream's own client accepts it.

const cid = "default:demo";

/** Joined, and told so. */
async function enter(stream: StreamEmulator, userId: string, body: object = {}): Promise<StreamSocket> {
  const socket = await StreamSocket.open(await joinCall(stream, userId, body), `${userId}-1`);
  await socket.event("joinResponse");
  return socket;
}

test("the server's SDK works with it", async (t) => {
  await using stream = await startStream();
  const { apiKey, apiSecret, url } = stream;
  const client = new StreamClient(apiKey, apiSecret, { basePath: url });
  const { users } = await client.upsertUsers([{ id: "agent", name: "Agent" }]);
  t.is(users.agent?.name, "Agent");
  const call = client.video.call("default", "demo");
  t.true((await call.getOrCreate({ data: { created_by_id: "agent", custom: { a: 1 } } })).created);
  t.false((await call.getOrCreate({ data: { created_by_id: "agent" } })).created);
  t.is((await call.get()).call.cid, cid);
  await call.sendCallEvent({ user_id: "agent", custom: { type: "greenroom" } });
  const { event } = await stream.log.seen("coordinator_event");
  t.like(event, { type: "custom", call_cid: cid, custom: { type: "greenroom" }, user: { id: "agent" } });
  await t.throwsAsync(call.sendCallEvent({ user_id: "agent", custom: { text: "x".repeat(6_000) } }), {
    message: /5KB/,
  });
  const token = client.generateUserToken({ user_id: "ann" });
  const joined = await askCoordinator(stream, "/video/call/default/demo/join", {
    token,
    body: { location: "auto" },
  });
  t.is(joined.status, 201);
  const ann = await enter(stream, "ann");
  await call.end();
  t.is((await ann.event("callEnded")).reason, 1);
  t.is(await ann.closed(), 1000);
  await t.throwsAsync(client.video.call("default", "other").get(), { message: /not found/ });
});

test("tokens and joins are checked as by Stream", async (t) => {
  await using stream = await startStream();
  const path = "/video/call/default/demo/join";
  const body = { location: "auto", create: true };
  const code = async (options: object) =>
    (await askCoordinator(stream, path, { body, ...options })).body.code;
  t.is(await code({ token: signToken({ user_id: "ann", exp: 1 }, stream.apiSecret) }), 40);
  t.is(await code({ token: "none" }), 41);
  t.is(await code({ token: signToken({ user_id: "ann" }, "another secret") }), 43);
  t.is(await code({ token: signToken({ server: true }, stream.apiSecret) }), 4);
  t.is(await code({ body: { create: true } }), 4);
  t.is(await code({ body: { location: "auto" } }), 16);
  t.is((await askCoordinator(stream, path, { body })).status, 201);
  stream.faults.coordinator.push({ path: "/join", ...tokenExpired });
  t.is(await code({}), 40);
  t.is(await code({}), undefined);
  stream.call(cid).end();
  t.is(await code({}), 17);
});

test("only leaving removes a participant at once; otherwise it remains until its deadline", async (t) => {
  await using stream = await startStream({ rules: { fastReconnectDeadlineSeconds: 0.5 } });
  const call = stream.call(cid);
  const ann = await enter(stream, "ann");
  const users = () => call.participants.map(({ userId }) => userId);

  const bob = await enter(stream, "bob");
  t.is((await ann.event("participantJoined")).participant?.userId, "bob");
  await bob.close(1000);
  t.is((await ann.event("participantLeft")).participant?.userId, "bob");
  t.deepEqual(users(), ["ann"]);

  const carl = await enter(stream, "carl");
  carl.send({ leaveCallRequest: { sessionId: carl.sessionId, reason: "bye" } });
  t.is((await ann.event("participantLeft")).participant?.userId, "carl");
  await carl.close(1000);

  const dora = await enter(stream, "dora");
  dora.terminate();
  await stream.log.find("close", ({ user }) => user === "dora");
  t.deepEqual(
    call.ghosts.map(({ userId }) => userId),
    ["dora"],
  );
  t.is((await ann.event("participantLeft")).participant?.userId, "dora");
  t.deepEqual(users(), ["ann"]);
  t.is(stream.log.of("gone").at(-1)?.reason, "signal_lost");
  ann.terminate();
});

test("until its deadline a participant can resume its session, and not after it", async (t) => {
  await using stream = await startStream();
  const ann = await enter(stream, "ann");
  const bob = await enter(stream, "bob");
  await bob.close(4001);
  const again = await StreamSocket.open(bob.credentials, bob.sessionId, { fastReconnect: true });
  t.true((await again.event("joinResponse")).reconnected);
  t.deepEqual(stream.call(cid).ghosts, []);
  t.is(stream.call(cid).sessions.size, 2);

  stream.call(cid).participant("bob").killSocket({ forget: true });
  t.is((await ann.event("participantLeft")).participant?.userId, "bob");
  const late = await StreamSocket.open(bob.credentials, bob.sessionId, { fastReconnect: true });
  t.like(await late.event("error"), {
    error: { code: ErrorCode.PARTICIPANT_RECONNECT_FAILED },
    reconnectStrategy: 3,
  });
  stream.faults.joins.push({ forgets: true });
  const fresh = await StreamSocket.open(bob.credentials, bob.sessionId, { fastReconnect: true });
  t.false((await fresh.event("joinResponse")).reconnected);

  // Another session in place of a former one: the former goes.
  const rejoined = await StreamSocket.open(bob.credentials, "bob-2", {
    reconnectDetails: { strategy: 3, previousSessionId: bob.sessionId },
  });
  const { callState } = await rejoined.event("joinResponse");
  t.deepEqual(
    callState?.participants.map(({ sessionId }) => sessionId),
    ["ann-1", "bob-2"],
  );
  for (const socket of [ann, late, fresh, rejoined]) socket.terminate();
});

test("a migrating participant has a session on both SFUs until it leaves the former one", async (t) => {
  await using stream = await startStream();
  const ann = await enter(stream, "ann");
  const bob = await enter(stream, "bob");
  await ann.event("participantJoined");
  t.is(bob.credentials.server.edge_name, "sfu-1");
  stream.edges[0]?.goAway();
  t.is((await bob.event("goAway")).reason, 2);
  const credentials = await joinCall(stream, "bob", {
    migrating_from: "sfu-1",
    migrating_from_list: ["sfu-1"],
  });
  t.is(credentials.server.edge_name, "sfu-2");
  const moved = await StreamSocket.open(credentials, bob.sessionId, {
    reconnectDetails: { strategy: 4, fromSfuId: "sfu-1" },
  });
  t.false((await moved.event("joinResponse")).reconnected);
  await bob.event("participantMigrationComplete");
  t.is(stream.edges[0]?.connections.size, 2);
  await bob.close(1000);
  await stream.log.seen("moved");
  t.is(stream.edges[0]?.connections.size, 1);
  t.is(stream.call(cid).participant("bob").connection?.edge.name, "sfu-2");
  t.is(stream.call(cid).sessions.size, 2);
  const told = ann.events.flatMap((event) => Object.keys(event));
  t.false(told.includes("participantLeft") || told.includes("participantJoined"));
  await moved.close(1000);
  t.is((await ann.event("participantLeft")).participant?.userId, "bob");
  ann.terminate();
});

test("joins that an SFU refuses, leaves unanswered, or cuts", async (t) => {
  await using stream = await startStream();
  const credentials = await joinCall(stream, "ann");
  const refusal = async () => (await StreamSocket.open(credentials, "ann-1")).event("error");
  stream.edges[0]!.full = true;
  t.is((await refusal()).error?.code, ErrorCode.SFU_FULL);
  stream.edges[0]!.full = false;
  stream.edges[0]!.shuttingDown = true;
  t.is((await refusal()).error?.code, ErrorCode.SFU_SHUTTING_DOWN);
  stream.edges[0]!.shuttingDown = false;
  stream.faults.joins.push({ code: 301, reconnectStrategy: 1, message: "enough" }, { cuts: true });
  t.like(await refusal(), { error: { code: 301, message: "enough" }, reconnectStrategy: 1 });
  t.is(await (await StreamSocket.open(credentials, "ann-1")).closed(), 1006);
  stream.faults.joins.push({ status: 503 });
  await t.throwsAsync(StreamSocket.open(credentials, "ann-1"), { message: /503/ });
  const forged = signToken({ user_id: "ann", call_cid: cid, edge: "sfu-1" }, "another secret");
  const socket = await StreamSocket.open({ ...credentials, token: forged }, "ann-1");
  t.like(await socket.event("error"), {
    error: { code: ErrorCode.UNAUTHENTICATED },
    reconnectStrategy: 1,
  });
  t.is(stream.call(cid).sessions.size, 0);
});

test("a silent socket remains open; a socket that receives nothing is closed", async (t) => {
  await using stream = await startStream({ rules: { signalTimeoutMs: 3_000 } });
  const ann = await enter(stream, "ann");
  ann.send({ healthCheckRequest: {} });
  t.is((await ann.event("healthCheckResponse")).participantCount?.total, 1);
  stream.call(cid).participant("ann").silence();
  ann.send({ healthCheckRequest: {} });
  stream.call(cid).participant("ann").goAway();
  t.is(await ann.closed(), 1006);
  t.deepEqual(ann.events, []);
  await stream.log.seen("close");
  t.is(stream.call(cid).ghosts.length, 1);
});

test("requests in JSON and in protobuf have the same effect; faults hit the requests they name", async (t) => {
  await using stream = await startStream();
  const ann = await enter(stream, "ann");
  const { url } = ann.credentials.server;
  const inJson = async (method: string, body: object) => {
    const response = await fetch(`${url}/stream.video.sfu.signal.SignalServer/${method}`, {
      method: "POST",
      headers: { authorization: ann.credentials.token, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const tracks = [{ userId: "bob", sessionId: "bob-1", trackType: TrackType.AUDIO }];
  await ann.ask("UpdateSubscriptions", { tracks });
  const snake = [{ user_id: "bob", session_id: "bob-1", track_type: "TRACK_TYPE_AUDIO" }];
  t.deepEqual(await inJson("UpdateSubscriptions", { session_id: "ann-1", tracks: snake }), {
    status: 200,
    body: {},
  });
  await inJson("UpdateSubscriptions", {
    sessionId: "ann-1",
    tracks: [{ ...tracks[0], trackType: 1, odd: 1 }],
  });
  const [binary, named, numbered] = stream.log.of("rpc");
  t.like(binary?.request as object, { sessionId: "ann-1", tracks });
  t.deepEqual(named?.request, binary?.request);
  t.deepEqual(numbered?.request, binary?.request);
  t.deepEqual(numbered?.unknown, ["tracks.odd"]);

  t.deepEqual((await inJson("IceRestart", { session_id: "nobody" })).body.error, {
    code: "ERROR_CODE_PARTICIPANT_NOT_FOUND",
    message: "participant not found",
    should_retry: false,
  });
  stream.faults.rpcs.push({ method: "IceRestart", code: 500, shouldRetry: true }, { status: 503 });
  t.is((await inJson("SendStats", { session_id: "ann-1" })).status, 503);
  const { error } = await ann.ask("IceRestart", { peerType: PeerType.SUBSCRIBER });
  t.like(error, { code: 500, shouldRetry: true });
  t.is((await ann.ask("IceRestart", { peerType: PeerType.SUBSCRIBER })).error, undefined);
  t.is((await inJson("Nothing", {})).status, 404);
  ann.terminate();
});

test("announced tracks must be in the offer, and permitted", async (t) => {
  await using stream = await startStream();
  const ann = await enter(stream, "ann");
  const sdp = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=msid:s track\r\n";
  const publish = async (trackId: string, mid: string) => {
    const tracks = [{ trackId, mid, trackType: TrackType.AUDIO }];
    return (await ann.ask("SetPublisher", { sdp, tracks })).error?.code;
  };
  t.is(await publish("track", "7"), ErrorCode.PUBLISH_TRACK_NOT_FOUND);
  t.is(await publish("other", "0"), ErrorCode.PUBLISH_TRACKS_MISMATCH);
  stream.call(cid).participant("ann").setGrants({ canPublishAudio: false });
  t.false((await ann.event("callGrantsUpdated")).currentGrants?.canPublishAudio);
  t.is(await publish("track", "0"), ErrorCode.PERMISSION_DENIED);
  const muteStates = [{ trackType: TrackType.AUDIO, muted: false }];
  t.is((await ann.ask("UpdateMuteStates", { muteStates })).error?.code, ErrorCode.PERMISSION_DENIED);
  ann.terminate();
});

test("a participant that is kicked is told so and removed", async (t) => {
  await using stream = await startStream();
  const ann = await enter(stream, "ann");
  const bob = await enter(stream, "bob");
  await askCoordinator(stream, "/video/call/default/demo/kick", { body: { user_id: "bob" } });
  t.is((await bob.event("callEnded")).reason, 3);
  t.is(await bob.closed(), 1000);
  t.is((await ann.event("participantLeft")).participant?.userId, "bob");
  ann.terminate();
});

const packet = (sequenceNumber: number, timestamp: number) =>
  new RtpPacket(new RtpHeader({ sequenceNumber, timestamp, payloadType: 111 }), Buffer.from([1]));

test("a track that moves to another connection continues its packet numbers", (t) => {
  const track = new ContinuousRtp();
  const passed: [number, number][] = [];
  const next = (sequenceNumber: number, timestamp: number, source: string, at: number) => {
    const { header } = track.next(packet(sequenceNumber, timestamp), source, at);
    passed.push([header.sequenceNumber, header.timestamp]);
  };
  next(65_534, 1_000, "first", 0);
  // Overtaken by the one after it, as on the way in.
  next(0, 2_920, "first", 40);
  next(65_535, 1_960, "first", 41);
  next(500, 77, "second", 140);
  next(501, 1_037, "second", 160);
  t.deepEqual(passed, [
    [65_534, 1_000],
    [0, 2_920],
    [65_535, 1_960],
    [1, 2_920 + 4_800],
    [2, 2_920 + 5_760],
  ]);
});

test("the loss has the given share, and is the same in every run", (t) => {
  const lost = () => {
    const faults = new StreamFaults();
    faults.downlink = { lossPercent: 2, doublePercent: 10 };
    const path = new SoundPath(faults, "downlink");
    const arrived: number[] = [];
    for (let index = 0; index < 10_000; index += 1) {
      path.send(packet(index, 0), ({ header }) => arrived.push(header.sequenceNumber));
    }
    return arrived;
  };
  const arrived = lost();
  t.deepEqual(lost(), arrived);
  const different = new Set(arrived).size;
  t.true(different > 9_700 && different < 9_900, `${different} of 10000 arrived`);
  t.true(arrived.length > different + 800, `${arrived.length - different} arrived twice`);
});
