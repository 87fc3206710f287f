import { generateKeyPairSync } from "node:crypto";
import { createSocket } from "node:dgram";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { RTCCertificate, RtpHeader } from "werift";
import { Random } from "../../../chaos/random.ts";
import { EdgeRefusal } from "../../../src/agent/edge.ts";
import { crc32c } from "../../fixtures/browser/crc32c.ts";
import { EdgeStage, WeriftClient } from "../../fixtures/browser/werift-client.ts";
import { eventually } from "../../fixtures/eventually.ts";

/** One after another, since an error that nobody catches is of the process. */
const test = anyTest.serial as TestFn;
const packets = 1_500;

function bytesOf(random: Random, most: number): Buffer {
  return Buffer.from(Array.from({ length: random.between(0, most) }, () => random.between(0, 255)));
}

/** Returns a packet with some of its bytes changed, cut, or repeated. */
function damaged(random: Random, packet: Buffer): Buffer {
  const changed = Buffer.from(packet);
  for (let left = random.between(1, 6); left > 0 && changed.length > 0; left -= 1)
    changed[random.between(0, changed.length - 1)] = random.between(0, 255);
  if (random.chance(0.2)) return changed.subarray(0, random.between(0, changed.length));
  return random.chance(0.1) ? Buffer.concat([changed, changed]) : changed;
}

/** Two are in a call. One sends what it should not; the other one's text still comes. */
async function besideOthers(
  t: ExecutionContext,
  harm: (client: WeriftClient, random: Random) => Promise<void>,
): Promise<void> {
  const stage = await EdgeStage.open();
  const [ann, eve] = [new WeriftClient("ann"), new WeriftClient("eve")];
  t.teardown(async () => {
    await Promise.all([ann.close(), eve.close()]);
    await stage.close();
  });
  await ann.join(stage);
  await eve.join(stage);
  await harm(eve, new Random(7));
  ann.channel.send(JSON.stringify({ type: "text", text: "I am here" }));
  await stage.until("Ann's text", () =>
    stage.events.some((event) => event.type === "message" && event.participantId === "ann"),
  );
  t.true(stage.connection.participants.has("ann"));
}

/** Returns whether a UDP port of this machine is nobody's. */
function isFree(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once("listening", () => resolve(true));
  socket.once("error", () => resolve(false));
  socket.bind(port, "127.0.0.1");
  return promise.finally(() => socket.close());
}

/** Gives werift's loop its turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("packets of strangers: nothing happens", async (t) => {
  await besideOthers(t, async (eve, random) => {
    const socket = createSocket("udp4");
    // The beginning of a request of STUN, with a user name of nobody.
    const stun = Buffer.concat([
      Buffer.from([0, 1, 0, 16, 0x21, 0x12, 0xa4, 0x42]),
      Buffer.alloc(12, 1),
      Buffer.from([0, 6, 0, 9]),
      Buffer.from("abcd:efgh\0\0\0"),
    ]);
    for (let left = packets; left > 0; left -= 1) {
      socket.send(random.chance(0.5) ? bytesOf(random, 100) : damaged(random, stun), eve.port, "127.0.0.1");
      if (left % 50 === 0) await turn();
    }
    socket.close();
  });
});

test("packets of a participant that are none of STUN, DTLS or RTP", async (t) => {
  await besideOthers(t, async (eve, random) => {
    const [ice] = eve.connection.iceTransports;
    for (let left = packets; left > 0; left -= 1) {
      const packet = bytesOf(random, 200);
      if (packet.length > 0) packet[0] = random.pick([0, 1, 20, 21, 22, 23, 25, 128, 144, 191, 255]);
      await ice?.connection.send(packet);
      if (left % 50 === 0) await turn();
    }
  });
});

test("RTP that is well encrypted, and makes no sense", async (t) => {
  await besideOthers(t, async (eve, random) => {
    const [dtls] = eve.connection.dtlsTransports;
    const [sender] = eve.connection.getSenders();
    for (let left = packets; left > 0; left -= 1) {
      const header = new RtpHeader({
        payloadType: random.pick([111, 96, 0, 127]),
        sequenceNumber: random.between(0, 65_535),
        timestamp: random.between(0, 2 ** 32 - 1),
        ssrc: random.chance(0.8) ? (sender?.ssrc ?? 1) : random.between(0, 2 ** 32 - 1),
        marker: random.chance(0.5),
        padding: random.chance(0.1),
        extension: random.chance(0.3),
        extensionProfile: random.pick([0xbede, 0x1000]),
        extensions: [{ id: random.between(1, 14), payload: bytesOf(random, 12) }],
      });
      await dtls?.sendRtp(bytesOf(random, 120), header);
      if (left % 50 === 0) await turn();
    }
  });
});

test("RTCP that is well encrypted, and makes no sense", async (t) => {
  await besideOthers(t, async (eve, random) => {
    const [dtls] = eve.connection.dtlsTransports;
    for (let left = packets; left > 0; left -= 1) {
      const body = bytesOf(random, 60);
      const words = random.chance(0.7) ? Math.floor(body.length / 4) : random.between(0, 40);
      const head = Buffer.from([128 + random.between(0, 31), random.between(199, 208), 0, words]);
      const packet = { serialize: () => Buffer.concat([head, body]) };
      await dtls?.sendRtcp([packet] as never).catch(() => undefined);
      if (left % 50 === 0) await turn();
    }
  });
});

test("packets of a data channel with flaws end nothing but the connection", async (t) => {
  await besideOthers(t, async (eve, random) => {
    const { sctpTransport, dtlsTransports } = eve.connection;
    const [dtls] = dtlsTransports;
    const sample: Buffer[] = [];
    const association = sctpTransport?.sctp as unknown as {
      transport: { send(data: Buffer): Promise<void> };
    };
    const { send } = association.transport;
    association.transport.send = async (data) => {
      sample.push(data);
      await send.call(association.transport, data);
    };
    for (let id = 0; id < 20; id += 1) {
      eve.channel.send(JSON.stringify({ type: "ping", id }));
      await turn();
    }
    t.true(sample.length > 0);
    for (let left = packets; left > 0; left -= 1) {
      const packet = random.chance(0.1) ? bytesOf(random, 100) : damaged(random, random.pick(sample));
      if (packet.length >= 12 && random.chance(0.95)) {
        packet.writeUInt32LE(0, 8);
        packet.writeUInt32LE(crc32c(packet), 8);
      }
      await dtls?.sendData(packet).catch(() => undefined);
      if (left % 50 === 0) await turn();
    }
  });
});

for (const [what, message] of [
  ["no JSON", "{"],
  ["of no known type", '{"type":"boss"}'],
  ["without its fields", '{"type":"text"}'],
  ["far too long", JSON.stringify({ type: "text", text: "x".repeat(50_000) })],
] as const) {
  test(`a message that is ${what} ends the connection of who sent it`, async (t) => {
    await besideOthers(t, async (eve) => {
      eve.channel.send(message);
      t.like(await eve.told("ended"), { end: "protocol_error" });
    });
  });
}

test("one who shows the certificate of another, and has not its key, gets no connection", async (t) => {
  const stage = await EdgeStage.open();
  const [ann, eve] = [new WeriftClient("ann"), new WeriftClient("eve")];
  t.teardown(async () => {
    await Promise.all([ann.close(), eve.close()]);
    await stage.close();
  });
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  await ann.join(stage);
  const offer = await eve.connection.createOffer();
  await eve.connection.setLocalDescription(offer);
  for (const transport of eve.connection.dtlsTransports) {
    const own = transport.localCertificate;
    t.truthy(own);
    if (own) transport.localCertificate = new RTCCertificate(privateKey, own.certPem, own.signatureHash);
  }
  const { sdp = "" } = eve.connection.localDescription ?? {};
  const answer = await stage.offer("eve", { type: "offer", sdp });
  const states: string[] = [];
  eve.connection.dtlsTransports[0]?.onStateChange.subscribe((state) => states.push(state));
  await eve.connection.setRemoteDescription({ type: "answer", sdp: String(answer.sdp) });
  const port = Number(/ 127\.0\.0\.1 (\d+) typ host/.exec(String(answer.sdp))?.[1]);
  t.false(await isFree(port));
  await eventually("the agent's side has given up, and its port is free", () => isFree(port));
  t.false(stage.events.some((event) => "participant" in event && event.participant.id === "eve"));
  t.true(states.includes("connecting") && !states.includes("connected"), states.join(" "));
});

test("an offer that is none is refused in words, and leaves nothing behind", async (t) => {
  const stage = await EdgeStage.open();
  const client = new WeriftClient("ann");
  t.teardown(() => Promise.all([client.close(), stage.close()]));
  await client.connection.setLocalDescription(await client.connection.createOffer());
  const { sdp = "" } = client.connection.localDescription ?? {};
  const random = new Random(3);
  const wrong: readonly (readonly [sdp: unknown, message: RegExp])[] = [
    [7, /holds no SDP/],
    ["", /holds no SDP/],
    [`v=0\r\n${"a=x\r\n".repeat(10_000)}`, /characters/],
    [sdp.replace(/^m=audio/m, "m=video"), /one audio section/],
    [sdp.replaceAll(/^a=ice-ufrag.*\r\n/gm, ""), /ice-ufrag/],
    [sdp.replaceAll("sha-256", "sha-1"), /SHA-256 fingerprint/],
    [sdp.replaceAll(/opus\/48000\/2/gi, "PCMU/8000"), /no Opus/],
    [sdp.replaceAll(/^a=ssrc.*\r\n/gm, ""), /a=ssrc/],
  ];
  for (const [offered, message] of wrong) {
    const error = await t.throwsAsync(stage.offer("ann", { type: "offer", sdp: offered as string }));
    t.true(error instanceof EdgeRefusal, String(error));
    t.regex(error?.message ?? "", message);
  }
  await t.throwsAsync(stage.offer("ann", {}), { instanceOf: EdgeRefusal });
  await t.throwsAsync(stage.offer("ann", { type: "leave", resource: "x" }), { instanceOf: EdgeRefusal });
  // Whatever comes of these, it is an answer or a refusal.
  let answered = 0;
  for (let left = 60; left > 0; left -= 1) {
    const damagedSdp = damaged(random, Buffer.from(sdp)).toString("latin1");
    try {
      const { resource = "" } = await stage.offer(`guest-${left}`, { type: "offer", sdp: damagedSdp });
      answered += 1;
      await stage.offer(`guest-${left}`, { type: "leave", resource });
    } catch (error) {
      t.true(error instanceof EdgeRefusal, String(error));
    }
  }
  t.true(answered > 0);
  await client.close();
});
