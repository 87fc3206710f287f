import test from "ava";
import { Framer, level } from "../../src/audio/pcm.ts";
import {
  isSilent,
  loadOpus,
  OpusDecoder,
  OpusEncoder,
  packetMs,
  repeatsPrevious,
} from "../../src/audio/reception/opus.ts";
import { resample } from "../../src/audio/resampler.ts";
import { noise } from "../fixtures/voice/noise.ts";
import { spoken } from "../fixtures/voice/spoken.ts";

const speech = spoken("Hello, how can I help you today? The quick brown fox jumps over the lazy dog.", "slt");

async function packetsOf(options: Parameters<typeof OpusEncoder.create>[0]): Promise<Uint8Array[]> {
  using encoder = await OpusEncoder.create(options);
  const { samples } = resample(await speech, options.sampleRate);
  return new Framer(options.sampleRate / 50).push(samples).map((frame) => encoder.encode(frame));
}

/** Every tenth packet. */
const lost = (index: number) => index % 10 === 5;

/** Resolves with how close what came in place of lost packets is to what they held, in dB. */
async function closeness(
  packets: readonly Uint8Array[],
  replace: (decoder: OpusDecoder, index: number) => Int16Array,
): Promise<number> {
  using whole = await OpusDecoder.create({ sampleRate: 16_000 });
  using broken = await OpusDecoder.create({ sampleRate: 16_000 });
  let signal = 0;
  let error = 0;
  packets.forEach((packet, index) => {
    const wanted = whole.decode(packet);
    const actual = lost(index) ? replace(broken, index) : broken.decode(packet);
    t320(wanted, actual);
    if (!lost(index)) return;
    wanted.forEach((sample, at) => {
      signal += sample ** 2;
      error += (sample - actual[at]!) ** 2;
    });
  });
  return 10 * Math.log10(signal / error);
}

function t320(...frames: readonly Int16Array[]): void {
  if (frames.some(({ length }) => length !== 320)) throw new Error("A frame is not 20 ms long");
}

test("speech survives the codec, at every rate", async (t) => {
  for (const sampleRate of [8_000, 12_000, 16_000, 24_000, 48_000]) {
    const packets = await packetsOf({ sampleRate });
    using decoder = await OpusDecoder.create({ sampleRate });
    const frames = packets.map((packet) => decoder.decode(packet));
    t.true(frames.every(({ length }) => length === sampleRate / 50));
    const before = level(resample(await speech, sampleRate).samples);
    const after = level(Int16Array.from(frames.flatMap((frame) => [...frame])));
    t.true(Math.abs(20 * Math.log10(after / before)) < 1, `${sampleRate} Hz: ${before} → ${after}`);
    const bitrate = (packets.reduce((sum, { length }) => sum + length, 0) * 8 * 50) / packets.length;
    t.true(bitrate < 36_000, `${sampleRate} Hz: ${bitrate} bits a second`);
  }
});

test("packets that were lost: silence is far off, concealment nearer, the repeat in the next packet near", async (t) => {
  const packets = await packetsOf({ sampleRate: 16_000 });
  const silence = await closeness(packets, () => new Int16Array(320));
  const concealed = await closeness(packets, (decoder) => decoder.conceal());
  const recovered = await closeness(packets, (decoder, index) =>
    decoder.recover(packets[index + 1] ?? packets[index]!),
  );
  t.is(silence, 0);
  t.true(concealed > 4, `concealed: ${concealed.toFixed(1)} dB`);
  t.true(recovered > 12, `recovered: ${recovered.toFixed(1)} dB`);
});

for (const sampleRate of [24_000, 48_000]) {
  test(`the defaults repeat frames for a voice of ${sampleRate} Hz too`, async (t) => {
    const packets = await packetsOf({ sampleRate });
    const recovered = await closeness(packets, (decoder, index) =>
      decoder.recover(packets[index + 1] ?? packets[index]!),
    );
    t.true(recovered > 10, `${recovered.toFixed(1)} dB`);
  });
}

test("where no loss is expected nothing is repeated; expectLoss changes that", async (t) => {
  using encoder = await OpusEncoder.create({ sampleRate: 16_000, lossPercent: 0 });
  const frames = new Framer(320).push((await speech).samples);
  const encodeAll = () => frames.map((frame) => encoder.encode(frame));
  const recover = async (packets: readonly Uint8Array[]) =>
    closeness(packets, (decoder, index) => decoder.recover(packets[index + 1] ?? packets[index]!));
  const without = await recover(encodeAll());
  encoder.expectLoss(20.4);
  const repeated = await recover(encodeAll());
  t.true(repeated - without > 5, `${without.toFixed(1)} → ${repeated.toFixed(1)} dB`);
  t.notThrows(() => encoder.expectLoss(1_000));
});

test("with dtx silence becomes packets that need not be sent, and the decoder fills it with quiet noise", async (t) => {
  using encoder = await OpusEncoder.create({ sampleRate: 16_000, dtx: true });
  using decoder = await OpusDecoder.create({ sampleRate: 16_000 });
  const background = noise(320 * 100, 20);
  const packets = new Framer(320).push(background).map((frame) => encoder.encode(frame));
  const unneeded = packets.filter(isSilent).length;
  t.true(unneeded > 50, `${unneeded} of ${packets.length}`);
  const frames = packets.map((packet) => (isSilent(packet) ? decoder.conceal() : decoder.decode(packet)));
  t.true(frames.every((frame) => frame.length === 320 && level(frame) < 200));
  const talking = new Framer(320).push((await speech).samples).map((frame) => encoder.encode(frame));
  t.false(talking.slice(10, 40).some(isSilent));
});

test("without dtx silence is sent like everything else", async (t) => {
  using encoder = await OpusEncoder.create({ sampleRate: 16_000 });
  const packets = Array.from({ length: 100 }, () => encoder.encode(new Int16Array(320)));
  t.false(packets.slice(-10).some(isSilent));
});

test("a packet tells how long it is, and whether it repeats the frame before it", async (t) => {
  for (const sampleRate of [8_000, 16_000, 48_000]) {
    const packets = await packetsOf({ sampleRate });
    t.true(packets.every((packet) => packetMs(packet) === 20));
    t.true(packets.filter(repeatsPrevious).length > packets.length / 3);
    t.is((await packetsOf({ sampleRate, lossPercent: 0 })).filter(repeatsPrevious).length, 0);
  }
  t.is(packetMs(new Uint8Array(0)), 0);
  // By hand: 60 ms of speech; two frames of 10 ms; 48 frames of 2.5 ms; 63 frames of 20 ms, more than there may be.
  t.is(packetMs(new Uint8Array([3 << 3])), 60);
  t.is(packetMs(new Uint8Array([(0 << 3) | 1])), 20);
  t.is(packetMs(new Uint8Array([(16 << 3) | 3, 48])), 120);
  t.is(packetMs(new Uint8Array([(31 << 3) | 3, 63])), 0);
  t.false(repeatsPrevious(new Uint8Array([1 << 3])));
});

test("a frame of another length, a broken packet and a rate that is none are refused", async (t) => {
  using encoder = await OpusEncoder.create({ sampleRate: 16_000 });
  using decoder = await OpusDecoder.create({ sampleRate: 16_000 });
  t.throws(() => encoder.encode(new Int16Array(160)), { instanceOf: RangeError });
  t.throws(() => decoder.decode(new Uint8Array(0)));
  t.throws(() => decoder.decode(new Uint8Array([0xff, 0xff, 0xff])));
  await t.throwsAsync(OpusEncoder.create({ sampleRate: 44_100 }));
  t.is(decoder.decode(encoder.encode(new Int16Array(320))).length, 320, "it goes on after errors");
});

test.serial("what is freed is given back: a thousand codecs need no more memory than ten", async (t) => {
  const used = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      using encoder = await OpusEncoder.create({ sampleRate: 16_000 });
      using decoder = await OpusDecoder.create({ sampleRate: 16_000 });
      decoder.decode(encoder.encode(new Int16Array(320)));
    }
    return process.memoryUsage().external;
  };
  const ten = await used(10);
  const thousand = await used(1_000);
  t.true(thousand - ten < 4 * 2 ** 20, `${ten} → ${thousand} bytes`);
});

test("freed twice is freed once; then it is of no use", async (t) => {
  const encoder = await OpusEncoder.create({ sampleRate: 16_000 });
  encoder.free();
  encoder.free();
  t.throws(() => encoder.encode(new Int16Array(320)), { message: /freed/ });
});

test("the codec is loaded once", async (t) => {
  t.is(await loadOpus(), await loadOpus());
});
