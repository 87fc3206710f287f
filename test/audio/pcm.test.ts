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
