import test from "ava";
import fc from "fast-check";
import {
  amplify,
  concatenate,
  decibels,
  durationMs,
  Framer,
  frameLength,
  level,
  mix,
  silence,
} from "../../src/audio/pcm.ts";
import { Resampler, resample } from "../../src/audio/resampler.ts";

const samples = fc.array(fc.integer({ min: -32_768, max: 32_767 })).map((values) => Int16Array.from(values));

test("20 ms are a whole number of samples, or there is no frame", (t) => {
  t.is(frameLength(16_000), 320);
  t.is(frameLength(48_000), 960);
  t.is(frameLength(22_050), 441);
  t.throws(() => frameLength(11_025), { message: "20 ms at 11025 Hz are no whole number of samples" });
  t.throws(() => frameLength(0), { instanceOf: RangeError });
});

test("pieces of any length become frames of one length, with nothing lost or moved", (t) => {
  fc.assert(
    fc.property(fc.array(samples), fc.integer({ min: 1, max: 50 }), (pieces, length) => {
      const framer = new Framer(length);
      const frames = pieces.flatMap((piece) => framer.push(piece));
      const whole = concatenate(pieces);
      t.is(framer.carried, whole.length % length);
      const last = framer.flush();
      if (last !== null) frames.push(last);
      t.true(frames.every((frame) => frame.length === length));
      const framed = concatenate(frames);
      t.deepEqual(framed.slice(0, whole.length), whole);
      t.true(framed.slice(whole.length).every((sample) => sample === 0));
      t.is(framer.flush(), null);
    }),
  );
});

test("frames do not share memory with what was pushed", (t) => {
  const piece = new Int16Array([1, 2, 3, 4]);
  const framer = new Framer(2);
  const [first] = framer.push(piece);
  piece.fill(9);
  t.deepEqual(first, new Int16Array([1, 2]));
});

test("levels: a sine, a square, silence", (t) => {
  const sine = Int16Array.from({ length: 16_000 }, (_, index) => 32_767 * Math.sin(index / 10));
  t.true(Math.abs(decibels(level(sine)) + 3.01) < 0.05);
  t.is(Math.round(decibels(level(new Int16Array(100).fill(-32_768)))), 0);
  t.is(level(new Int16Array(100)), 0);
  t.is(decibels(0), -Infinity);
  t.is(level(new Int16Array(0)), 0);
});

test("what is too loud is clipped, never wrapped", (t) => {
  t.deepEqual(amplify(new Int16Array([20_000, -20_000, 3]), 2), new Int16Array([32_767, -32_768, 6]));
  t.deepEqual(
    mix(new Int16Array([30_000, -30_000]), new Int16Array([30_000])),
    new Int16Array([32_767, -30_000]),
  );
});

test("silence has the length that was asked for", (t) => {
  const quiet = silence(250, 22_050);
  t.is(quiet.samples.length, 5_513);
  t.true(Math.abs(durationMs(quiet) - 250) < 0.1);
});

const pairs = [
  [8_000, 16_000],
  [16_000, 8_000],
  [48_000, 16_000],
  [16_000, 48_000],
  [16_000, 24_000],
  [24_000, 16_000],
  [22_050, 24_000],
  [22_050, 16_000],
  [44_100, 48_000],
  [44_100, 16_000],
  [48_000, 44_100],
] as const;

const sine = (frequency: number, sampleRate: number, seconds = 0.5, amplitude = 0.9) => ({
  samples: Int16Array.from({ length: sampleRate * seconds }, (_, index) =>
    Math.round(amplitude * 32_767 * Math.sin((2 * Math.PI * frequency * index) / sampleRate)),
  ),
  sampleRate,
});

/** Returns how much of what came out is what should have, the edges aside, in dB. */
function signalToNoise(actual: Int16Array, wanted: Int16Array): number {
  let signal = 0;
  let noise = 0;
  const edge = Math.round(wanted.length / 10);
  for (let index = edge; index < wanted.length - edge; index += 1) {
    signal += wanted[index]! ** 2;
    noise += (wanted[index]! - actual[index]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

for (const [from, to] of pairs) {
  test(`${from} → ${to} Hz: a tone stays what and where it was, within the noise of 16 bits`, (t) => {
    for (const frequency of [300, 1_000, 2_500]) {
      const { samples } = resample(sine(frequency, from), to);
      const wanted = sine(frequency, to).samples;
      t.is(samples.length, wanted.length);
      const snr = signalToNoise(samples, wanted);
      t.true(snr > 80, `${frequency} Hz: ${snr.toFixed(1)} dB`);
    }
  });
}

test("what the lower rate cannot hold is gone, not folded back into what is heard", (t) => {
  for (const [from, to, frequency] of [
    [48_000, 16_000, 9_000],
    [48_000, 16_000, 15_500],
    [24_000, 16_000, 9_500],
    [44_100, 16_000, 12_345],
    [16_000, 8_000, 5_000],
  ] as const) {
    const { samples } = resample(sine(frequency, from), to);
    const edge = Math.round(samples.length / 10);
    const loudest = Math.max(...samples.slice(edge, -edge).map(Math.abs));
    const down = 20 * Math.log10(Math.max(loudest, 0.5) / (0.9 * 32_767));
    t.true(down < -75, `${frequency} Hz at ${from} → ${to}: ${down.toFixed(1)} dB`);
  }
});

test("a constant stays the same constant: no phase of the filter is louder than another", (t) => {
  const { samples } = resample({ samples: new Int16Array(4_410).fill(20_000), sampleRate: 22_050 }, 48_000);
  const middle = samples.slice(samples.length / 4, (samples.length * 3) / 4);
  t.deepEqual(new Set(middle), new Set([20_000]));
});

test("sound in pieces gives the same as sound in one", (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...pairs),
      fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: -32_768, max: 32_767 })),
      ([from, to], lengths, noise) => {
        const pieces = lengths.map((length) => Int16Array.from(noise.take(length)));
        const resampler = new Resampler(from, to);
        const inPieces = concatenate([...pieces.map((piece) => resampler.push(piece)), resampler.flush()]);
        const whole = concatenate(pieces);
        t.deepEqual(inPieces, resample({ samples: whole, sampleRate: from }, to).samples);
        t.is(inPieces.length, Math.ceil((whole.length * to) / from));
      },
    ),
    { numRuns: 40 },
  );
});

test("after a flush it is as new", (t) => {
  const resampler = new Resampler(16_000, 48_000);
  const { samples } = sine(440, 16_000, 0.1);
  const once = concatenate([resampler.push(samples), resampler.flush()]);
  t.deepEqual(concatenate([resampler.push(samples), resampler.flush()]), once);
});

test("equal rates change nothing", (t) => {
  const sound = sine(440, 16_000, 0.1);
  t.is(resample(sound, 16_000), sound);
  t.deepEqual(new Resampler(16_000, 16_000).push(sound.samples), sound.samples);
});

test("what is no rate of sound is refused", (t) => {
  for (const [from, to] of [
    [0, 16_000],
    [16_000, 16_000.5],
    [Number.NaN, 16_000],
    [16_000, 1_000_000],
    [44_101, 47_999],
  ] as const) {
    t.throws(() => new Resampler(from, to), { instanceOf: RangeError }, `${from} → ${to}`);
  }
});
