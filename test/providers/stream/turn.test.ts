import test, { type ExecutionContext } from "ava";
import { serversFor } from "../../../src/media/relay.ts";
import { shareOf } from "../../../src/providers/memory/tone.ts";
import type { WeriftMediaOptions } from "../../../src/providers/stream/media/werift-media.ts";
import { within } from "../../../src/shared/deadline.ts";
import { MediaThread } from "../../fixtures/media/media-caller.ts";
import { noRelay, Relay, relayUser, slowWay } from "../../fixtures/media/relay.ts";
import { PlainSfu } from "../../fixtures/stream/plain-sfu.ts";

let relay: Relay | null = null;
test.before(async () => {
  if (noRelay === null) relay = await Relay.start();
});
test.after.always(() => relay?.stop());

/** Connects both ways through a relay, and through nothing else. */
async function throughRelay(
  t: ExecutionContext,
  urls: readonly string[],
  options: WeriftMediaOptions = {},
): Promise<{ readonly media: MediaThread; readonly sfu: PlainSfu }> {
  const media = await MediaThread.start({
    iceServers: [{ urls, ...relayUser }],
    media: { iceTransportPolicy: "relay", ...options },
  });
  const sfu = new PlainSfu(media);
  t.teardown(async () => {
    await sfu.close();
    await media.kill();
  });
  await sfu.addSpeaker("anna:TRACK_TYPE_AUDIO:0", 440);
  await media.ask({ action: "say", hertz: 880 });
  return { media, sfu };
}

async function eachHearsTheOther(media: MediaThread, sfu: PlainSfu): Promise<void> {
  const [said, heard] = [sfu.received.length, media.sounds.length];
  const loud = (hertz: number, frames: readonly { readonly samples: Int16Array }[]) =>
    frames.filter(({ samples }) => shareOf(hertz, { samples, sampleRate: 16_000 }) > 0.8).length;
  await media.until("both voices", () => {
    return loud(880, sfu.received.slice(said)) >= 20 && loud(440, media.sounds.slice(heard)) >= 20;
  });
}

const relayTest = noRelay === null ? test.serial : test.serial.skip;
if (noRelay !== null) test(`left out: ${noRelay}`, (t) => t.pass());

for (const transport of ["udp", "tcp"]) {
  relayTest(`relay only, over ${transport}: publishing, subscribing, and ICE restarts of both`, async (t) => {
    const { media, sfu } = await throughRelay(t, [`turn:127.0.0.1:${relay?.port}?transport=${transport}`]);
    await Promise.all([sfu.publish(), sfu.subscribe()]);
    await eachHearsTheOther(media, sfu);
    t.true(media.candidates.length > 0);
    t.true(media.candidates.every(({ candidate }) => candidate.includes(" typ relay ")));
    await sfu.publish(true);
    await sfu.subscribe(true);
    await eachHearsTheOther(media, sfu);
    t.is(await media.end(), 0);
  });
}

relayTest(
  "a relay over TCP that is reached long after the SFU's candidates came is tried with them",
  async (t) => {
    const way = await slowWay(relay?.port ?? 0, 40);
    t.teardown(() => way.close());
    const { media, sfu } = await throughRelay(t, [`turn:127.0.0.1:${way.port}?transport=tcp`]);
    const given: number[] = [];
    sfu.toClient = (_, candidate) => {
      given.push(media.candidates.length);
      return candidate;
    };
    await Promise.all([sfu.publish(), sfu.subscribe()]);
    await eachHearsTheOther(media, sfu);
    t.true(given.length >= 2 && given.every((relayed) => relayed === 0));
  },
);

relayTest("addresses of the relay are released as a call closes", async (t) => {
  const scarce = await Relay.start({ quota: 2 });
  t.teardown(() => scarce.stop());
  const { media, sfu } = await throughRelay(t, [`turn:127.0.0.1:${scarce.port}?transport=udp`]);
  await Promise.all([sfu.publish(), sfu.subscribe()]);
  await eachHearsTheOther(media, sfu);
  t.false(await scarce.hasRoom());
  t.is(await media.end(), 0);
  // By itself an address is free after 10 minutes; given back, after the second in which coturn looks again.
  await within(scarce.room(), 10_000, "a free address");
});

relayTest("where the relay over UDP does not answer, the next session uses TCP", async (t) => {
  const urls = ["turn:127.0.0.1:9?transport=udp", `turn:127.0.0.1:${relay?.port}?transport=tcp`];
  const { media, sfu } = await throughRelay(t, urls, { times: { connectTimeoutMs: 5_000 } });
  await sfu.publish();
  await media.until("the failure", () => media.state("publisher") === "failed");
  await media.ask({ action: "reopen" });
  const next = new PlainSfu(media);
  t.teardown(() => next.close());
  await next.publish();
  await media.until("the connection", () => media.state("publisher") === "connected");
  await media.until("the voice", () => next.received.length >= 20);
  t.pass();
});

test("one STUN server and one relay are used: over UDP first, then TCP, then TLS", (t) => {
  const [username, password] = ["user", "secret"];
  const turn = (urls: string) => ({ urls, username, credential: password });
  const given = [
    {
      urls: ["turns:relay.test:443?transport=tcp", "turn:relay.test:3478?transport=tcp"],
      username,
      password,
    },
    { urls: ["stun:stun.test:3478", "turn:relay.test:3478?transport=udp"], username, password },
    { urls: ["turn:other.test:3478"], username: "other", password: "other" },
  ];
  const stun = { urls: "stun:stun.test:3478" };
  t.deepEqual(serversFor(given, 0), [stun, turn("turn:relay.test:3478?transport=udp")]);
  t.deepEqual(serversFor(given, 1), [stun, turn("turn:relay.test:3478?transport=tcp")]);
  t.deepEqual(serversFor(given, 2), [stun, turn("turns:relay.test:443?transport=tcp")]);
  t.deepEqual(serversFor(given, 3), serversFor(given, 0));
  t.deepEqual(serversFor([], 5), []);
});
