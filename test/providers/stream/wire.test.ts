import test from "ava";
import { WebSocket } from "ws";
import { StreamError } from "../../../src/providers/stream/error.ts";
import { ErrorCode, WebsocketReconnectStrategy } from "../../../src/providers/stream/wire/enums.ts";
import {
  IceTrickle,
  SetPublisherResponse,
  type SfuEvent,
  UpdateSubscriptionsResponse,
} from "../../../src/providers/stream/wire/messages.ts";
import { decode, encode } from "../../../src/providers/stream/wire/protobuf.ts";
import { SfuSocket, type SocketLoss, socketTimes } from "../../../src/providers/stream/wire/sfu-socket.ts";
import { SignalClient } from "../../../src/providers/stream/wire/twirp.ts";
import { SfuEnd } from "../../fixtures/stream/sfu.ts";
import {
  likeOurs,
  officialEnum,
  officialMessage,
  ourEnums,
  ourMessages,
  samples,
} from "./official-client/tables.ts";

function dial(sfu: SfuEnd, times: Partial<typeof socketTimes> = {}) {
  const events: SfuEvent[] = [];
  const unreadable: unknown[] = [];
  const lost = Promise.withResolvers<SocketLoss>();
  const seen = Promise.withResolvers<SfuEvent>();
  const socket = new SfuSocket(WebSocket, {
    url: sfu.webSocketUrl,
    onEvent: (event) => {
      events.push(event);
      seen.resolve(event);
    },
    onLost: lost.resolve,
    onUnreadable: (error) => unreadable.push(error),
    times: { ...socketTimes, ...times },
  });
  return { socket, events, unreadable, lost: lost.promise, seen: seen.promise };
}

async function joined(sfu: SfuEnd, times: Partial<typeof socketTimes> = {}) {
  const dialled = dial(sfu, times);
  const joining = dialled.socket.join({ sessionId: "s1", token: "t" });
  await sfu.request();
  sfu.send({ joinResponse: { fastReconnectDeadlineSeconds: 10 } });
  await joining;
  return dialled;
}

const client = (sfu: SfuEnd, signal = new AbortController().signal) =>
  new SignalClient({ url: sfu.url, token: "the-token", signal });

const fault = (code: number, shouldRetry = false) => ({ error: { code, message: "as told", shouldRetry } });

test("a join is answered, and events meanwhile are delivered in order", async (t) => {
  await using sfu = await SfuEnd.open();
  const { socket, events } = dial(sfu);
  const joining = socket.join({ sessionId: "s1", token: "t", fastReconnect: true });
  t.is(await sfu.opened(), "/ws?attempt=0");
  const request = await sfu.request();
  t.like(request, { type: "joinRequest", value: { sessionId: "s1", token: "t", fastReconnect: true } });
  sfu.send({ subscriberOffer: { sdp: "early", negotiationId: 1 } });
  sfu.send({ joinResponse: { reconnected: true, publishOptions: [{ id: 7 }] } });
  sfu.send({ goAway: { reason: 1 } });
  const response = await joining;
  t.true(response.reconnected);
  t.is(response.publishOptions[0]?.id, 7);
  await sfu.socket?.ping();
  await socket.close("left");
  t.deepEqual(
    events.map(({ type }) => type),
    ["subscriberOffer", "goAway"],
  );
});

test("a refused join has its reason, and the reaction that the SFU asks for", async (t) => {
  await using sfu = await SfuEnd.open();
  const { socket, events } = dial(sfu);
  const joining = socket.join({ sessionId: "s1" });
  await sfu.request();
  const { DISCONNECT } = WebsocketReconnectStrategy;
  sfu.send({ error: { ...fault(ErrorCode.SFU_FULL), reconnectStrategy: DISCONNECT } });
  const error = await t.throwsAsync(joining, { instanceOf: StreamError });
  t.like(error, { code: "SFU_FULL", number: 700, strategy: DISCONNECT, retryable: false });
  t.deepEqual(events, []);
  await socket.close("joinFailed");
  t.is((await sfu.closed()).code, 4_101);
});

test("a join without an answer, and a socket that does not open, fail at their deadlines", async (t) => {
  await using sfu = await SfuEnd.open();
  const { socket, lost } = dial(sfu, { joinTimeoutMs: 50 });
  await t.throwsAsync(socket.join({}), { instanceOf: StreamError, code: "ETIMEDOUT" });
  await socket.close("joinFailed");
  sfu.refusals.push(503);
  const refused = await t.throwsAsync(dial(sfu).socket.join({}), { instanceOf: StreamError });
  t.like(refused, { status: 503, retryable: true });
  const gone = new SfuSocket(WebSocket, {
    url: "ws://127.0.0.1:1/ws",
    onEvent: () => t.fail(),
    onLost: () => t.fail(),
  });
  const unreachable = await t.throwsAsync(gone.join({}), { instanceOf: StreamError });
  t.like(unreachable, { code: "ECONNREFUSED", retryable: true });
  await gone.close("joinFailed");
  // Never joined: nothing to lose.
  t.is(await Promise.race([lost, Promise.resolve("not lost")]), "not lost");
});

test("a socket that is cut during a join rejects it", async (t) => {
  await using sfu = await SfuEnd.open();
  const { socket } = dial(sfu);
  const joining = socket.join({});
  await sfu.request();
  sfu.socket?.terminate();
  await t.throwsAsync(joining, { instanceOf: StreamError, code: "ECONNRESET" });
});

test("once joined, health checks are sent; their answers are no events", async (t) => {
  await using sfu = await SfuEnd.open();
  const { socket, events } = await joined(sfu, { healthIntervalMs: 10 });
  t.is((await sfu.request()).type, "healthCheckRequest");
  sfu.send({ healthCheckResponse: { participantCount: { total: 2 } } });
  t.is((await sfu.request()).type, "healthCheckRequest");
  await socket.close("left");
  t.deepEqual(events, []);
});

test("a socket that the other side closes or cuts is reported as lost, once", async (t) => {
  await using sfu = await SfuEnd.open();
  const closed = await joined(sfu);
  sfu.socket?.close(1_011, "bye");
  t.deepEqual(await closed.lost, { kind: "closed", code: 1_011, reason: "bye" });
  const cut = await joined(sfu);
  sfu.socket?.terminate();
  t.like(await cut.lost, { code: 1_006 });
});

test("a silent socket is lost, and closed with 4001", async (t) => {
  await using sfu = await SfuEnd.open();
  const { lost, socket } = await joined(sfu, { silenceMs: 50 });
  t.like(await lost, { kind: "silent" });
  t.false(socket.joined);
  t.is((await sfu.closed()).code, 4_001);
});

test("any frame keeps a socket alive", async (t) => {
  await using sfu = await SfuEnd.open();
  const { lost, socket } = await joined(sfu, { healthIntervalMs: 60, silenceMs: 3_000 });
  for (let count = 0; count < 60; count++) {
    await sfu.request();
    sfu.send({ healthCheckResponse: {} });
  }
  t.is(await Promise.race([lost, Promise.resolve("alive")]), "alive");
  t.true(socket.joined);
  await socket.close("left");
});

test("a superseded socket delivers no event", async (t) => {
  await using sfu = await SfuEnd.open();
  const { socket, events, lost } = await joined(sfu);
  const closing = socket.close("superseded");
  sfu.send({ subscriberOffer: { sdp: "of a thrown-away session" } });
  sfu.send({ goAway: { reason: 1 } });
  await closing;
  t.deepEqual(await sfu.closed(), { code: 4_100, reason: "superseded" });
  t.deepEqual(events, []);
  t.is(await Promise.race([lost, Promise.resolve("not lost")]), "not lost");
});

test("leaving sends a leave request before it closes with 1000", async (t) => {
  await using sfu = await SfuEnd.open();
  const { socket } = await joined(sfu);
  await socket.leave("s1", "the call is over");
  t.deepEqual(await sfu.request(), {
    type: "leaveCallRequest",
    value: { sessionId: "s1", reason: "the call is over" },
  });
  t.is((await sfu.closed()).code, 1_000);
});

test("leaving does not wait for a server that does not complete the close", async (t) => {
  await using sfu = await SfuEnd.open();
  const { socket } = await joined(sfu);
  sfu.socket?.pause();
  await socket.leave("s1", "bye");
  t.pass();
});

test("an unreadable frame is skipped and reported", async (t) => {
  await using sfu = await SfuEnd.open();
  const { socket, unreadable, seen } = await joined(sfu);
  sfu.socket?.send(Buffer.from([0x0a, 0x7f]));
  sfu.socket?.send("{}");
  sfu.socket?.send(Buffer.from([0xd2, 0x3f, 0x00]));
  sfu.send({ callEnded: { reason: 1 } });
  t.deepEqual(await seen, { type: "callEnded", value: { reason: 1 } });
  t.is(unreadable.length, 1);
  await socket.close("left");
});

test("a request goes to its method in protobuf, with the token", async (t) => {
  await using sfu = await SfuEnd.open();
  const calling = client(sfu).call("IceTrickle", { peerType: 1, iceCandidate: "{}", sessionId: "s1" });
  const { path, headers, body, answer } = await sfu.twirp();
  t.is(path, "/twirp/stream.video.sfu.signal.SignalServer/IceTrickle");
  t.is(headers["content-type"], "application/protobuf");
  t.is(headers.authorization, "Bearer the-token");
  t.like(decode(IceTrickle, body), { peerType: 1, iceCandidate: "{}", sessionId: "s1" });
  answer(200, "");
  t.deepEqual(await calling, {});
});

test("an error within a 200 is one; code 0 is none", async (t) => {
  await using sfu = await SfuEnd.open();
  const refused = client(sfu).call("SetPublisher", { sdp: "v=0" });
  (await sfu.twirp()).answer(200, encode(SetPublisherResponse, fault(ErrorCode.PUBLISH_TRACKS_MISMATCH)));
  t.like(await t.throwsAsync(refused), { code: "PUBLISH_TRACKS_MISMATCH", number: 101, retryable: false });
  const fine = client(sfu).call("SetPublisher", { sdp: "v=0" });
  (await sfu.twirp()).answer(200, encode(SetPublisherResponse, { sdp: "answer", error: { message: "ok" } }));
  t.is((await fine).sdp, "answer");
});

test("a passing failure is retried, a limited number of times", async (t) => {
  await using sfu = await SfuEnd.open();
  const late = client(sfu).call("UpdateSubscriptions", { sessionId: "s1" });
  (await sfu.twirp()).answer(200, encode(UpdateSubscriptionsResponse, fault(500, true)));
  (await sfu.twirp()).answer(503, '{"code":"unavailable","msg":"soon"}');
  (await sfu.twirp()).answer(200, "");
  t.deepEqual(await late, {});
  const never = client(sfu).call("UpdateSubscriptions", { sessionId: "s1" });
  for (let count = 0; count < 4; count++) {
    (await sfu.twirp()).answer(503, '{"code":"unavailable","msg":"never"}');
  }
  const error = await t.throwsAsync(never, { instanceOf: StreamError });
  t.like(error, { status: 503, code: "unavailable" });
  t.regex(error?.message ?? "", /never/);
});

test("a lasting refusal is not repeated", async (t) => {
  await using sfu = await SfuEnd.open();
  const calling = client(sfu).call("SendAnswer", { sdp: "v=0" });
  (await sfu.twirp()).answer(401, '{"code":"unauthenticated","msg":"token: expired"}');
  t.like(await t.throwsAsync(calling), { status: 401, code: "unauthenticated", retryable: false });
});

test("an unreadable response is an error of its own", async (t) => {
  await using sfu = await SfuEnd.open();
  const calling = client(sfu).call("SetPublisher", { sdp: "v=0" });
  for (let count = 0; count < 4; count++) (await sfu.twirp()).answer(200, "\xff\xff no message");
  t.like(await t.throwsAsync(calling), { code: "BAD_ANSWER" });
});

test("the end of a session aborts its requests", async (t) => {
  await using sfu = await SfuEnd.open();
  const over = new AbortController();
  const calling = client(sfu, over.signal).call("SetPublisher", { sdp: "v=0" });
  await sfu.twirp();
  const reason = new Error("over");
  over.abort(reason);
  t.is(await t.throwsAsync(calling), reason);
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
