import test from "ava";
import fc from "fast-check";
import {
  type Enumeration,
  type MessageFields,
  type MessageInput,
  MessageType,
  message,
  oneof,
  variantOf,
} from "../../../src/providers/stream/wire/message.ts";
import * as messages from "../../../src/providers/stream/wire/messages.ts";
import {
  JoinResponse,
  SfuEvent,
  SfuRequest,
  TrackInfo,
} from "../../../src/providers/stream/wire/messages.ts";
import { decode, encode, ProtobufError } from "../../../src/providers/stream/wire/protobuf.ts";
import { trials } from "../../fixtures/trials.ts";

const everyMessage = Object.entries(messages).filter(([, value]) => value instanceof MessageType) as [
  string,
  MessageType<MessageFields>,
][];

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** The length of a message below 128 bytes, as it stands before it. */
const size = (text: string) => hex(Uint8Array.of(bytes(text).length));

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: fc.string({ unit: "binary" }),
  bytes: fc.uint8Array(),
  bool: fc.boolean(),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int64: fc.maxSafeInteger(),
  float: fc.float(),
  double: fc.double(),
};

/** Returns arbitrary whole messages, as they look once decoded. */
function valuesOf(type: MessageType<MessageFields>): fc.Arbitrary<MessageInput<MessageType<MessageFields>>> {
  const fields = Object.entries(type.fields).map(([name, [, kind, repeated]]) => {
    const one =
      kind instanceof MessageType
        ? valuesOf(kind)
        : typeof kind === "string"
          ? (scalars[kind] as fc.Arbitrary<unknown>)
          : fc.oneof(fc.constantFrom(...Object.values(kind as Enumeration)), scalars.int32 as never);
    const required = repeated !== undefined || !(kind instanceof MessageType);
    return { name, value: repeated === undefined ? one : fc.array(one, { maxLength: 3 }), required };
  });
  if (type.exclusive) {
    return fc.oneof(...fields.map(({ name, value }) => value.map((one) => ({ [name]: one })))) as never;
  }
  const requiredKeys = fields.filter(({ required }) => required).map(({ name }) => name);
  const model = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  return fc.record(model, { requiredKeys, noNullPrototype: true }) as never;
}

const Inner = message({ id: [1, "uint32"], names: [2, "string", "repeated"] });
const Everything = message({
  text: [1, "string"],
  raw: [2, "bytes"],
  yes: [3, "bool"],
  signed: [4, "int32"],
  unsigned: [5, "uint32"],
  long: [6, "int64"],
  small: [7, "float"],
  large: [8, "double"],
  colour: [9, { NONE: 0, RED: 1 }],
  inner: [10, Inner],
  texts: [11, "string", "repeated"],
  floats: [12, "float", "repeated"],
  doubles: [13, "double", "repeated"],
  longs: [14, "int64", "repeated"],
  colours: [15, { NONE: 0, RED: 1 }, "repeated"],
  inners: [16, Inner, "repeated"],
  truths: [2_000, "bool", "repeated"],
});

test("every kind of field is decoded as it was encoded", (t) => {
  fc.assert(
    fc.property(valuesOf(Everything as never), (value) => {
      t.deepEqual(decode(Everything, encode(Everything, value)), value as never);
    }),
  );
});

test("every message of the signalling is decoded as it was encoded", (t) => {
  t.true(everyMessage.length > 50);
  for (const [, type] of everyMessage) {
    fc.assert(
      fc.property(valuesOf(type), (value) => {
        t.deepEqual(decode(type, encode(type, value)), value as never);
      }),
      { numRuns: 20 },
    );
  }
});

test("no two fields of a message share a number", (t) => {
  for (const [name, type] of everyMessage) {
    t.is(type.byNumber.size, Object.keys(type.fields).length, name);
  }
});

test("known bytes: a request to join, field by field", (t) => {
  const request = encode(SfuRequest, {
    joinRequest: {
      token: "tok",
      sessionId: "s1",
      subscriberSdp: "v=0",
      clientDetails: { sdk: { type: 9, major: "0" }, os: { name: "linux" } },
      fastReconnect: true,
      reconnectDetails: { strategy: 2, subscriptions: [{ userId: "u", trackType: 1 }], fromSfuId: "e" },
      publisherSdp: "v=1",
      unifiedSessionId: "s0",
    },
  });
  const joinRequest = [
    "0a 03 746f6b", // 1 token
    "12 02 7331", // 2 session_id
    "1a 03 763d30", // 3 subscriber_sdp
    "22 10 0a 05 08 09 12 01 30 12 07 0a 05 6c696e7578", // 4 client_details
    "30 01", // 6 fast_reconnect
    "3a 0c 08 02 22 05 0a 01 75 18 01 32 01 65", // 7 reconnect_details
    "42 03 763d31", // 8 publisher_sdp
    "6a 02 7330", // 13 unified_session_id
  ].join("");
  t.is(hex(request), hex(bytes(`0a ${size(joinRequest)} ${joinRequest}`)));
  t.is(hex(encode(SfuRequest, { healthCheckRequest: {} })), "1200");
  t.is(
    hex(encode(SfuRequest, { leaveCallRequest: { sessionId: "s1", reason: "bye" } })),
    "1a090a0273311203627965",
  );
});

test("known bytes: what an SFU answers to a join", (t) => {
  const participant = [
    "0a 02 7531", // 1 user_id
    "12 02 7331", // 2 session_id
    "1a 02 01 03", // 3 published_tracks, packed
    "22 06 08 80 e6 eb a5 06", // 4 joined_at, in seconds
    "2a 02 7078", // 5 track_lookup_prefix
    "30 02", // 6 connection_quality
    "38 01", // 7 is_speaking
    "4d 00 00 00 3f", // 9 audio_level 0.5
    "52 03 416461", // 10 name
    "62 04 0a 02 0a 00", // 12 custom, which is not in the table
    "6a 04 75736572", // 13 roles
  ].join("");
  const callState = `0a ${size(participant)} ${participant} 1a 04 08 03 10 01`;
  const option = "08 01 12 11 52 04 6f707573 62 02 613d 70 80 f7 02 80 01 6f 18 80 f4 03 40 07";
  const response = `0a ${size(callState)} ${callState} 10 01 18 0a 22 ${size(option)} ${option}`;
  const event = variantOf(decode(SfuEvent, bytes(`6a ${size(response)} ${response}`)));
  t.is(event?.type, "joinResponse");
  if (event?.type !== "joinResponse") return;
  const { callState: state, reconnected, fastReconnectDeadlineSeconds, publishOptions } = event.value;
  t.true(reconnected);
  t.is(fastReconnectDeadlineSeconds, 10);
  t.deepEqual(state?.participantCount, { total: 3, anonymous: 1 });
  t.like(state?.participants[0], {
    userId: "u1",
    sessionId: "s1",
    publishedTracks: [1, 3],
    joinedAt: { seconds: 1_689_973_504, nanos: 0 },
    trackLookupPrefix: "px",
    connectionQuality: 2,
    isSpeaking: true,
    isDominantSpeaker: false,
    audioLevel: 0.5,
    name: "Ada",
    roles: ["user"],
  });
  t.like(publishOptions[0], {
    trackType: 1,
    bitrate: 64_000,
    id: 7,
    codec: { name: "opus", clockRate: 48_000, payloadType: 111, fmtp: "a=" },
  });
});

test("known bytes: an error keeps to fields 4 and 5, and a publisher is not on the wire", (t) => {
  const error = variantOf(decode(SfuEvent, bytes("92 01 0d 22 09 08 bc 05 12 04 66756c6c 28 01")));
  t.deepEqual(error, {
    type: "error",
    value: { error: { code: 700, message: "full", shouldRetry: false }, reconnectStrategy: 1 },
  });
  t.is(hex(encode(messages.IceTrickle, { peerType: 0, iceCandidate: "{}" })), "12027b7d");
  t.is(
    hex(encode(messages.UpdateSubscriptionsRequest, { sessionId: "s", tracks: [{ trackType: 1 }] })),
    "1201731a021801",
  );
  t.is(
    hex(encode(messages.UpdateMuteStatesRequest, { sessionId: "s", muteStates: [{ trackType: 1 }] })),
    "0a01731a020801",
  );
  t.is(
    hex(encode(TrackInfo, { trackId: "t", trackType: 1, mid: "0", publishOptionId: 300 })),
    "0a0174100132013060ac02",
  );
});

test("a negative number takes ten bytes, and is decoded", (t) => {
  t.is(hex(encode(Everything, { signed: -1 })), "20ffffffffffffffffff01");
  t.is(decode(Everything, bytes("20 ff ff ff ff ff ff ff ff ff 01")).signed, -1);
  // Some encoders write 32 bits only.
  t.is(decode(Everything, bytes("20 ff ff ff ff 0f")).signed, -1);
});

test("a value that its field cannot hold is refused", (t) => {
  for (const input of [
    { signed: 2 ** 31 },
    { unsigned: -1 },
    { unsigned: 1.5 },
    { long: Number.NaN },
    { colour: 2 ** 40 },
  ]) {
    t.throws(() => encode(Everything, input), { instanceOf: ProtobufError });
  }
});

test("fields that are not known are skipped, wherever they stand", (t) => {
  const Older = message({ text: [1, "string"], inner: [10, message({ id: [1, "uint32"] })] });
  fc.assert(
    fc.property(valuesOf(Everything as never), (value: MessageInput<typeof Everything>) => {
      const { text, inner } = decode(Older, encode(Everything, value));
      t.is(text, value.text as string);
      t.is(inner?.id, value.inner?.id);
    }),
  );
});

test("numbers in a row may come packed or one by one", (t) => {
  const one = decode(Everything, bytes("78 01 78 00 78 05"));
  const packed = decode(Everything, bytes("7a 03 01 00 05"));
  const mixed = decode(Everything, bytes("7a 01 01 78 00 7a 01 05"));
  t.deepEqual(one.colours, [1, 0, 5]);
  t.deepEqual(packed, one);
  t.deepEqual(mixed, one);
  t.deepEqual(decode(Everything, bytes("65 00 00 00 3f 65 00 00 80 3f")).floats, [0.5, 1]);
});

test("a message in several parts is merged; of two scalars the last counts", (t) => {
  const { inner, signed } = decode(Everything, bytes("52 02 08 07 20 01 52 03 12 01 61 20 02"));
  t.deepEqual(inner, { id: 7, names: ["a"] });
  t.is(signed, 2);
});

test("of the fields of a oneof the last counts", (t) => {
  const Choice = oneof({ one: [1, Inner], other: [2, Inner] });
  const value = decode(Choice, bytes("0a 02 08 01 12 02 08 02"));
  t.deepEqual(variantOf(value), { type: "other", value: { id: 2, names: [] } });
  t.is(variantOf(decode(Choice, bytes("1a 00"))), null);
});

test("a field laid out in another way than its table says is skipped", (t) => {
  const { text, signed } = decode(Everything, bytes("08 05 22 01 61 20 03"));
  t.is(text, "");
  t.is(signed, 3);
});

test("bytes that are truncated or invalid throw a ProtobufError and never hang", (t) => {
  const attempt = (type: MessageType<MessageFields>, input: Uint8Array) => {
    try {
      decode(type, input);
    } catch (error) {
      t.true(error instanceof ProtobufError, String(error));
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
      for (const type of [Everything, SfuEvent, JoinResponse] as MessageType<MessageFields>[])
        attempt(type, input);
    }),
    { numRuns: trials(500, 2_000) },
  );
  fc.assert(
    fc.property(valuesOf(Everything as never), fc.nat(), fc.nat(255), (value, at, byte) => {
      const whole = encode(Everything, value);
      attempt(Everything as never, whole.subarray(0, at % (whole.length + 1)));
      whole[at % (whole.length + 1)] = byte;
      attempt(Everything as never, whole);
    }),
    { numRuns: trials(250, 1_000) },
  );
});

test("each kind of broken bytes says what is wrong", (t) => {
  const refused = (input: string) =>
    t.throws(() => decode(Everything, bytes(input)), { instanceOf: ProtobufError }).message;
  t.is(refused("0a 05 61"), "The message ends within a field");
  t.is(refused("0a ff ff ff ff ff ff ff ff 7f"), "The message ends within a field");
  t.is(refused("20"), "The message ends within a field");
  t.is(refused("3d 00 00"), "The message ends within a field");
  t.is(refused("00 01"), "MessageField number 0");
  t.is(refused("20 80 80 80 80 80 80 80 80 80 80 01"), "A varint of more than 10 bytes");
  t.is(refused("a3 06"), "Wire type 3");
  t.is(refused("52 02 0a 7f"), "The message ends within a field");
});

test("text that is not UTF-8 loses its invalid characters only", (t) => {
  t.is(decode(Everything, bytes("0a 03 61 ff 62")).text, "a\ufffdb");
});

test("bytes are copied, so that their buffer may be used again", (t) => {
  const buffer = bytes("12 02 01 02");
  const { raw } = decode(Everything, buffer);
  buffer.fill(9);
  t.deepEqual(raw, Uint8Array.of(1, 2));
});
