import test from "ava";
import { level } from "../../../src/audio/pcm.ts";
import { begin, bridge, connected, heardOf, saidAt } from "../../fixtures/stream/media-stage.ts";
import { PlainSfu, type Received } from "../../fixtures/stream/plain-sfu.ts";
import { inLongForm } from "../../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

/**
 * Returns how much later the last packets came than their timestamps say, by those of them that came soonest, in
 * milliseconds: this thread may be late for others.
 */
function driftOf(received: readonly Received[]): number {
  const delayOf = (part: readonly Received[]) =>
    Math.min(
      ...part.map(
        ({ at, timestamp }) => at - ((timestamp - received[0]!.timestamp + 2 ** 32) % 2 ** 32) / 48,
      ),
    );
  return delayOf(received.slice(-50)) - delayOf(received.slice(0, 25));
}

test.serial("both sides hear each other", async (t) => {
  const { media, sfu } = await begin(t);
  await sfu.addSpeaker("anna-prefix:TRACK_TYPE_AUDIO:0", 440);
  await media.ask({ action: "say", hertz: 880 });
  await Promise.all([sfu.publish(), sfu.subscribe()]);
  await media.until("a second of both", () => {
    return saidAt(sfu, 880).length >= 50 && heardOf(media, "anna-prefix", 440).length >= 50;
  });
  t.deepEqual(media.states, {
    publisher: ["connecting", "connected"],
    subscriber: ["connecting", "connected"],
  });
  t.true(sfu.received.every(({ payloadType }) => payloadType === 111));
  t.true(media.sounds.every(({ samples, prefix }) => samples.length === 320 && prefix === "anna-prefix"));
});

test.serial(
  "an offer tells the SFU the track of each section, and the codecs are of audio and video",
  async (t) => {
    const { media } = await begin(t);
    const option = { trackType: 1, bitrate: 64_000, id: 7, codec: { name: "opus", payloadType: 111 } };
    const { sdp, tracks } = await media.ask({ action: "offer", option: option as never });
    t.is(tracks.length, 1);
    t.like(tracks[0], {
      trackType: 1,
      publishOptionId: 7,
      muted: false,
      dtx: false,
      red: false,
      stereo: false,
    });
    t.regex(sdp, new RegExp(`^a=msid:\\S+ ${tracks[0]!.trackId}\\r$`, "m"));
    t.regex(sdp, new RegExp(`^a=mid:${tracks[0]!.mid}\\r$`, "m"));
    t.regex(sdp, /^a=rtpmap:111 opus\/48000\/2\r$/m);
    t.regex(sdp, /^a=fmtp:111 .*useinbandfec=1/m);
    t.regex(sdp, /^a=sendonly\r$/m);
    const { publisherSdp, subscriberSdp } = await media.ask({ action: "codecs" });
    t.true(
      /^m=audio/m.test(publisherSdp) && /^m=video/m.test(publisherSdp) && /^a=sendonly/m.test(publisherSdp),
    );
    t.true(
      /^m=audio/m.test(subscriberSdp) &&
        /^m=video/m.test(subscriberSdp) &&
        /^a=recvonly/m.test(subscriberSdp),
    );
  },
);

test.serial(
  "silence is sent where there is no speech, and the timestamps follow the clock, also in a busy thread",
  async (t) => {
    const { media, sfu } = await begin(t);
    await sfu.publish();
    await media.until("silence", () => sfu.received.length >= 25);
    t.true(sfu.received.every(({ samples }) => level(samples) < 2));
    await media.ask({ action: "say", hertz: 880 });
    await media.until("a voice", () => saidAt(sfu, 880).length >= 10);
    await media.ask({ action: "block", ms: 400 });
    await media.ask({ action: "say", hertz: null });
    const before = sfu.received.length;
    await media.until("silence again", () => sfu.received.length >= before + 50);
    const { received } = sfu;
    received.forEach(({ sequenceNumber }, index) => {
      t.is(sequenceNumber, (received[0]!.sequenceNumber + index) % 2 ** 16);
    });
    const driftMs = driftOf(received);
    t.true(Math.abs(driftMs) < 150, `${driftMs.toFixed(0)} ms apart`);
  },
);

test.serial("a paused publisher sends nothing, and its timestamps go on", async (t) => {
  const { media, sfu } = await begin(t);
  await media.ask({ action: "say", hertz: 880 });
  await sfu.publish();
  await media.until("a voice", () => saidAt(sfu, 880).length >= 10);
  await media.ask({ action: "pause" });
  // What came before the answer is read.
  await new Promise((resolve) => setImmediate(resolve));
  const at = performance.now();
  const last = sfu.received.at(-1)!;
  // Whatever is done meanwhile takes its time.
  await sfu.addSpeaker("anna:TRACK_TYPE_AUDIO", 440);
  await sfu.subscribe();
  await media.until("what is heard meanwhile", () => heardOf(media, "anna", 440).length >= 30);
  const pausedMs = performance.now() - at;
  t.true(sfu.received.length <= sfu.received.indexOf(last) + 3);
  await media.ask({ action: "resume" });
  const paused = sfu.received.length;
  await media.until("the voice again", () => saidAt(sfu, 880, paused).length >= 10);
  const next = sfu.received[paused]!;
  t.is(next.sequenceNumber, (sfu.received[paused - 1]!.sequenceNumber + 1) % 2 ** 16);
  t.true(next.marker);
  t.true((next.timestamp - last.timestamp) / 48 >= pausedMs - 60);
});

test.serial(
  "an ICE restart of the publisher and one of the SFU: the sound continues, on the same clock",
  async (t) => {
    const { media, sfu } = await begin(t);
    await sfu.addSpeaker("anna:TRACK_TYPE_AUDIO:0", 440);
    await media.ask({ action: "say", hertz: 880 });
    await Promise.all([sfu.publish(), sfu.subscribe()]);
    await connected(media);
    await media.until("both", () => saidAt(sfu, 880).length > 0 && heardOf(media, "anna", 440).length > 0);
    for (let round = 0; round < 3; round += 1) {
      const said = sfu.received.length;
      await sfu.publish(true);
      await media.until("the voice after the restart", () => saidAt(sfu, 880, said).length >= 20);
      await sfu.subscribe(true);
      const heard = media.sounds.length;
      await media.until("what is heard after it", () => heardOf(media, "anna", 440, heard).length >= 20);
    }
    await connected(media);
    const restarted = ["connecting", "connected"] as const;
    const all = Array.from({ length: 4 }, () => restarted).flat();
    t.deepEqual(media.states, { publisher: all, subscriber: all });
    const { received } = sfu;
    const restarts = received.length;
    await media.until("some more of the voice", () => received.length >= restarts + 50);
    const driftMs = driftOf(received);
    t.true(Math.abs(driftMs) < 150, `${driftMs.toFixed(0)} ms apart`);
  },
);

test.serial(
  "participants join and leave: each is heard under their own name, though sections are used again",
  async (t) => {
    const { media, sfu } = await begin(t);
    await sfu.addSpeaker("anna:TRACK_TYPE_AUDIO:0", 440);
    await sfu.subscribe();
    await media.until("anna", () => heardOf(media, "anna", 440).length >= 10);
    await sfu.addSpeaker("ben:TRACK_TYPE_AUDIO:0", 660);
    await sfu.addSpeaker("cora:TRACK_TYPE_SCREEN_SHARE_AUDIO:0", 550);
    await sfu.subscribe();
    await media.until("ben", () => heardOf(media, "ben", 660).length >= 10);
    sfu.removeSpeaker("anna:TRACK_TYPE_AUDIO:0");
    await sfu.subscribe();
    await sfu.addSpeaker("dora:TRACK_TYPE_AUDIO:0", 770);
    await sfu.subscribe();
    await media.until("dora", () => heardOf(media, "dora", 770).length >= 10);
    const after = media.sounds.length;
    await media.until("both who are left", () => {
      return (
        heardOf(media, "dora", 770, after).length >= 10 && heardOf(media, "ben", 660, after).length >= 10
      );
    });
    t.deepEqual([...new Set(media.sounds.slice(after).map(({ prefix }) => prefix))].sort(), ["ben", "dora"]);
    t.false(media.sounds.some(({ prefix }) => prefix === "cora"));
  },
);

test.serial(
  "candidates: before their description, of the next one, of a past one, repeated, and invalid",
  async (t) => {
    const { media, sfu } = await begin(t);
    const given: string[] = [];
    let hold = true;
    const held: (() => void)[] = [];
    sfu.toClient = async (_, candidate) => {
      given.push(candidate);
      if (hold) await new Promise<void>((resolve) => held.push(resolve));
      return candidate;
    };
    const tell = (candidate: string) => media.ask({ action: "candidate", peer: "subscriber", candidate });
    await sfu.addSpeaker("anna:TRACK_TYPE_AUDIO:0", 440);
    const offer = await sfu.subscriber.createOffer();
    const gathered = sfu.subscriber.setLocalDescription(offer);
    await gathered;
    for (const nonsense of [
      "",
      "{",
      "null",
      "{}",
      '{"candidate":""}',
      '{"candidate":"candidate:nonsense"}',
    ]) {
      await tell(nonsense);
    }
    for (const candidate of given) await tell(candidate);
    t.true(given.length > 0);
    // The description comes after its candidates.
    const first = await media.ask({ action: "answer", sdp: offer.sdp });
    await sfu.subscriber.setRemoteDescription({ type: "answer", sdp: first });
    await media.until("anna", () => heardOf(media, "anna", 440).length >= 10);
    for (const candidate of given) await tell(candidate);
    const past = given.splice(0);
    // The candidates of a restart come before its description, those of the past between them.
    const next = await sfu.subscriber.createOffer({ iceRestart: true });
    await sfu.subscriber.setLocalDescription(next);
    for (const candidate of [...given, ...past]) await tell(candidate);
    const second = await media.ask({ action: "answer", sdp: next.sdp });
    await sfu.subscriber.setRemoteDescription({ type: "answer", sdp: second });
    for (const transport of sfu.subscriber.iceTransports) void transport.start().catch(() => {});
    for (const candidate of past) await tell(candidate);
    const heard = media.sounds.length;
    await media.until("anna again", () => heardOf(media, "anna", 440, heard).length >= 20);
    hold = false;
    for (const release of held) release();
  },
);

test.serial(
  "a repeated offer is answered again, and after an invalid one the next is answered",
  async (t) => {
    const { media, sfu } = await begin(t);
    await sfu.addSpeaker("anna:TRACK_TYPE_AUDIO:0", 440);
    await t.throwsAsync(media.ask({ action: "answer", sdp: "v=0\r\nnonsense" }));
    const offer = await sfu.subscriber.createOffer();
    void sfu.subscriber.setLocalDescription(offer).catch(() => {});
    const broken = offer.sdp.replace(/^a=fingerprint:.*\r\n/gm, "").replace(/^a=mid:.*\r\n/gm, "");
    await media.ask({ action: "answer", sdp: offer.sdp });
    const none = broken.replace(/^m=audio/m, "m=nonsense");
    await t.throwsAsync(media.ask({ action: "answer", sdp: none }));
    await media.ask({ action: "answer", sdp: offer.sdp });
    const sdp = await media.ask({ action: "answer", sdp: offer.sdp });
    await sfu.subscriber.setRemoteDescription({ type: "answer", sdp });
    await media.until("anna", () => heardOf(media, "anna", 440).length >= 10);
  },
);

test.serial("a cut is noticed, and the connection recovers when it ends", async (t) => {
  const { media, sfu } = await begin(t, { media: { times: { silenceMs: 1_500 } } });
  const links = await bridge(t, sfu);
  await sfu.addSpeaker("anna:TRACK_TYPE_AUDIO:0", 440);
  await Promise.all([sfu.publish(), sfu.subscribe()]);
  await connected(media);
  for (const link of links) link.cut = true;
  await media.until("the notice", () =>
    (["publisher", "subscriber"] as const).every((peer) => media.state(peer) === "disconnected"),
  );
  for (const link of links) link.cut = false;
  await connected(media);
  const heard = media.sounds.length;
  await media.until("anna", () => heardOf(media, "anna", 440, heard).length >= 10);
  const steps = ["connecting", "connected", "disconnected", "connected"] as const;
  t.deepEqual(media.states, { publisher: steps, subscriber: steps });
});

longForm("a path whose delay is longer than DTLS waits for its answers", async (t) => {
  const { media, sfu } = await begin(t);
  await bridge(t, sfu, (link) => {
    link.delayMs = 300;
  });
  await sfu.addSpeaker("anna:TRACK_TYPE_AUDIO:0", 440);
  await sfu.subscribe();
  await media.until("anna", () => heardOf(media, "anna", 440).length >= 10);
  t.deepEqual(media.states.subscriber, ["connecting", "connected"]);
});

test.serial("an offer that was never answered is followed by another", async (t) => {
  const { media, sfu } = await begin(t);
  await media.ask({ action: "say", hertz: 880 });
  await media.ask({ action: "offer" });
  await sfu.publish();
  await media.until("the voice", () => saidAt(sfu, 880).length >= 10);
  await media.ask({ action: "offer", iceRestart: true });
  await sfu.publish(true);
  const said = sfu.received.length;
  await media.until("the voice after it", () => saidAt(sfu, 880, said).length >= 10);
  t.is(media.state("publisher"), "connected");
});

test.serial("an address that cannot be used fails the connection, and not the thread", async (t) => {
  const { media, sfu } = await begin(t, {
    media: { address: "203.0.113.1", times: { connectTimeoutMs: 500 } },
  });
  await sfu.publish();
  await media.until("the failure", () => media.state("publisher") === "failed");
  t.is(media.candidates.length, 0);
  t.is(await media.end(), 0);
});

longForm("ICE that never connects fails in time", async (t) => {
  const { media, sfu } = await begin(t, { media: { times: { connectTimeoutMs: 500 } } });
  sfu.toClient = () => null;
  sfu.toSfu = () => null;
  await sfu.publish();
  await media.until("the failure", () => media.state("publisher") === "failed");
  t.deepEqual(media.states.publisher, ["connecting", "failed"]);
});

test.serial("after the end no callback comes, and nothing keeps the thread alive", async (t) => {
  const { media, sfu } = await begin(t);
  await sfu.addSpeaker("anna:TRACK_TYPE_AUDIO:0", 440);
  await media.ask({ action: "say", hertz: 880 });
  for (let round = 0; round < 5; round += 1) {
    const each = new PlainSfu(media);
    await each.addSpeaker("anna:TRACK_TYPE_AUDIO:0", 440);
    await Promise.all([each.publish(), each.subscribe()]);
    const heard = media.sounds.length;
    await media.until("anna", () => heardOf(media, "anna", 440, heard).length >= 5);
    await media.ask({ action: "reopen" });
    await each.close();
  }
  // Closed while its candidates are gathered.
  await media.ask({ action: "offer" });
  const told = { candidates: media.candidates.length, sounds: media.sounds.length };
  const states = structuredClone(media.states);
  await media.ask({ action: "close" });
  const closed = { candidates: media.candidates.length, sounds: media.sounds.length };
  await t.throwsAsync(media.ask({ action: "answer", sdp: "v=0" }));
  t.is(await media.end(), 0);
  t.deepEqual({ candidates: media.candidates.length, sounds: media.sounds.length }, closed);
  t.deepEqual(media.states, states);
  t.true(closed.candidates >= told.candidates);
});
