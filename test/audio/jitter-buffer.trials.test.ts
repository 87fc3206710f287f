import test from "ava";
import fc from "fast-check";
import { concatenate, Framer, level } from "../../src/audio/pcm.ts";
import { JitterBuffer } from "../../src/audio/reception/jitter-buffer.ts";
import { OpusDecoder, OpusEncoder } from "../../src/audio/reception/opus.ts";
import { shorten } from "../../src/audio/reception/shorten.ts";
import { resample } from "../../src/audio/resampler.ts";
import { tone } from "../../src/providers/memory/tone.ts";
import { trials } from "../fixtures/trials.ts";
import {
  heard,
  madeUp,
  NumberedDecoder,
  type NumberedOptions,
  numbered,
} from "../fixtures/voice/numbered-voice.ts";
import { type Arrival, play } from "../fixtures/voice/played-call.ts";
import { spoken } from "../fixtures/voice/spoken.ts";

const decoder = new NumberedDecoder();

/** The sound of a room in which nobody speaks. */
class FaintDecoder extends NumberedDecoder {
  override decode(packet: Uint8Array): Int16Array {
    return super.decode(packet).map((sample) => sample % 8);
  }
}

/** Packets that arrive 5 ms after they were sent, every 20 ms. */
function steady(count: number, options: NumberedOptions = {}): Arrival[] {
  return Array.from({ length: count }, (_, index) => ({
    at: 20 * index + 5,
    packet: numbered(index, options),
  }));
}

/** The numbers heard, silence left out. */
function numbersOf(frames: readonly Int16Array[]): number[] {
  return frames.map(heard).filter((number) => number !== null);
}

/** Returns the numbers without those made up after the last packet, which do not matter. */
function withoutEnd(numbers: readonly number[]): number[] {
  return numbers.slice(0, numbers.findLastIndex((number) => number !== madeUp) + 1);
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

test("packets in order are heard in order, 40 ms later", (t) => {
  const { frames, buffer } = play(steady(100), { decoder });
  t.deepEqual(withoutEnd(numbersOf(frames)), upTo(100));
  t.is(
    frames.findIndex((frame) => heard(frame) === 0),
    3,
  );
  t.like(buffer.stats, { received: 100, lost: 0, late: 0, duplicates: 0, restarts: 0 });
});

test("packets out of order are heard in order, and those that come twice once", (t) => {
  const arrivals = steady(100);
  const mixed = arrivals.map(({ at, packet }, index) => ({ at: index % 10 === 3 ? at + 30 : at, packet }));
  const { frames, buffer } = play([...mixed, ...arrivals.filter((_, index) => index % 7 === 0)], { decoder });
  t.deepEqual(withoutEnd(numbersOf(frames)), upTo(100));
  t.like(buffer.stats, { received: 100, lost: 0, late: 0, duplicates: 15 });
});

test("numbers wrap around", (t) => {
  const { frames, buffer } = play(steady(100, { sequence: 65_500, timestamp: 2 ** 32 - 9_600 }), { decoder });
  t.deepEqual(withoutEnd(numbersOf(frames)), upTo(100));
  t.is(buffer.stats.lost, 0);
  t.is(buffer.stats.restarts, 0);
});

test("a lost packet is made of its repeat in the next one; without a repeat it is made up", (t) => {
  const lost = (arrivals: readonly Arrival[]) => arrivals.filter((_, index) => index !== 40);
  const repeated = play(lost(steady(80)), { decoder });
  t.deepEqual(withoutEnd(numbersOf(repeated.frames)), upTo(80));
  t.like(repeated.buffer.stats, { lost: 1, recovered: 1 });
  const alone = play(lost(steady(80, { repeats: false })), { decoder });
  const wanted = upTo(80).map((index) => (index === 40 ? madeUp : index));
  t.deepEqual(withoutEnd(numbersOf(alone.frames)), wanted);
  t.like(alone.buffer.stats, { lost: 1, recovered: 0 });
});

test("of a long loss 60 ms are made up, then it is silent, and the last frame comes from its repeat", (t) => {
  const { frames, buffer } = play(
    steady(80).filter((_, index) => index < 30 || index >= 40),
    { decoder },
  );
  const from = frames.findIndex((frame) => heard(frame) === 29) + 1;
  const gap = frames.slice(from, from + 10).map(heard);
  t.deepEqual(gap, [...Array(3).fill(madeUp), ...Array(6).fill(null), 39]);
  t.is(heard(frames[from + 10]!), 40);
  t.like(buffer.stats, { lost: 10, recovered: 1 });
});

test("what is made up fades, and ends in silence without a step", (t) => {
  const loud = new (class extends NumberedDecoder {
    override conceal(ms: number): Int16Array {
      return new Int16Array(ms * 16).fill(8_000);
    }
  })();
  const { frames } = play(steady(20), { decoder: loud });
  const last = frames.findLast((frame) => frame.some((sample) => sample !== 0))!;
  t.true(last[0]! > 7_000 && Math.abs(last.at(-1)!) < 50);
});

test("where the sender keeps quiet it is silent, nothing is lost, and what comes then is in time", (t) => {
  const pauseMs = 2_000;
  const arrivals = upTo(100).map((index) => {
    const pausedMs = index < 50 ? 0 : pauseMs;
    return { at: 20 * index + 5 + pausedMs, packet: numbered(index, {}, pausedMs) };
  });
  const { frames, buffer } = play(arrivals, { decoder });
  t.is(
    frames.findIndex((frame) => heard(frame) === 49),
    49 + 3,
  );
  t.is(
    frames.findIndex((frame) => heard(frame) === 50),
    50 + 3 + pauseMs / 20,
  );
  t.true(frames.slice(56, 150).every((frame) => heard(frame) === null));
  t.is(buffer.stats.lost, 0);
  // Up to here, and at the end.
  t.is(buffer.stats.concealedMs, 120);
});

test("in discontinuous transmission nothing is made up at all: packets say that it is silent", (t) => {
  const arrivals: Arrival[] = [...steady(20)];
  for (let index = 20; index < 40; index += 1) {
    const pausedMs = (index - 20) * 380;
    const { payload, ...packet } = numbered(index, {}, pausedMs);
    arrivals.push({ at: 20 * index + pausedMs + 5, packet: { ...packet, payload: payload.subarray(0, 1) } });
  }
  const silent = new (class extends NumberedDecoder {
    override decode(packet: Uint8Array): Int16Array {
      return packet.length === 1 ? new Int16Array(320) : super.decode(packet);
    }
  })();
  const { frames, buffer } = play(arrivals, { decoder: silent });
  t.deepEqual(numbersOf(frames), upTo(20));
  t.like(buffer.stats, { lost: 0, concealedMs: 0, received: 40 });
});

test("a sender that paused with its clock is heard at once when it goes on", (t) => {
  const arrivals = upTo(100).map((index) => ({
    at: 20 * index + 5 + (index < 50 ? 0 : 5_000),
    packet: numbered(index),
  }));
  const { frames, buffer } = play(arrivals, { decoder });
  t.deepEqual(
    withoutEnd(numbersOf(frames)).filter((number) => number !== madeUp),
    upTo(100),
  );
  const at = 20 * frames.findIndex((frame) => heard(frame) === 50);
  t.true(at - arrivals[50]!.at <= 60, `${at - arrivals[50]!.at} ms`);
  t.is(buffer.stats.lost, 0);
});

test("a timestamp that jumps ahead without time passing is no pause", (t) => {
  const arrivals = upTo(100).map((index) => ({
    at: 20 * index + 5,
    packet: numbered(index, {}, index < 50 ? 0 : 60_000),
  }));
  const { frames, buffer } = play(arrivals, { decoder });
  t.deepEqual(
    withoutEnd(numbersOf(frames)).filter((number) => number !== madeUp),
    upTo(100),
  );
  t.true(frames.findIndex((frame) => heard(frame) === 50) <= 50 + 4);
  t.is(buffer.stats.restarts, 0);
});

test("another source is taken up at once, and stragglers of the one before are not", (t) => {
  const former = steady(50);
  const straggler = former.pop()!;
  const other = steady(50, { ssrc: 2, sequence: 40_000, timestamp: 7 }).map(({ at, packet }) => ({
    at: at + 1_000,
    packet,
  }));
  const { frames, buffer } = play([...former, ...other, { ...straggler, at: 1_030 }], { decoder });
  const numbers = withoutEnd(numbersOf(frames)).filter((number) => number !== madeUp);
  t.deepEqual(numbers, [...upTo(49), ...upTo(50)]);
  t.like(buffer.stats, { restarts: 1, late: 1 });
});

test("a source that is returned to is heard again", (t) => {
  const arrivals = [
    ...steady(50),
    ...steady(50, { ssrc: 2 }).map(({ at, packet }) => ({ at: at + 1_000, packet })),
    ...upTo(50).map((index) => ({ at: 2_005 + 20 * index, packet: numbered(100 + index) })),
  ];
  const { frames, buffer } = play(arrivals, { decoder });
  t.is(
    numbersOf(frames).findLast((number) => number !== madeUp),
    149,
  );
  t.is(buffer.stats.restarts, 2);
});

test("a sender that begins anew, with other numbers, is heard", (t) => {
  const again = upTo(50).map((index) => ({
    at: 1_005 + 20 * index,
    packet: numbered(index, { sequence: 30_000, timestamp: 2 ** 31 }),
  }));
  const { frames, buffer } = play([...steady(50), ...again], { decoder });
  t.is(
    numbersOf(frames).findLast((number) => number !== madeUp),
    49,
  );
  t.is(buffer.stats.restarts, 1);
  t.is(buffer.stats.lost, 0);
});

test("where packets come late the buffer gets deeper, once they are punctual it gets shallower, and never beyond its bounds", (t) => {
  const arrivals = upTo(1_500).map((index) => {
    const uneven = index >= 100 && index < 500 && index % 10 < 4;
    return { at: 20 * index + 5 + (uneven ? 120 - 20 * (index % 10) : 0), packet: numbered(index) };
  });
  const depths: number[] = [];
  const { buffer } = play(arrivals, { decoder }, (each) => depths.push(each.depthMs));
  const most = (from: number, to: number) => Math.max(...depths.slice(from, to));
  t.true(most(20, 100) <= 80, `${most(20, 100)}`);
  t.true(most(250, 500) >= 120, `${most(250, 500)}`);
  t.true(most(0, 1_500) <= 320);
  t.true(most(1_200, 1_500) <= 80, `${most(1_200, 1_500)}`);
  t.true(buffer.stats.late <= 4, `${buffer.stats.late} late`);
});

test("what came at once, since the thread was busy as the voice began, soon delays it no more", (t) => {
  const arrivals = steady(200).map(({ at, packet }) => ({ at: Math.max(at, 240), packet }));
  const depths = new Map<number, number>();
  const { buffer } = play(arrivals, { decoder: new FaintDecoder() }, ({ depthMs }, at) =>
    depths.set(at, depthMs),
  );
  t.true((depths.get(260) ?? 0) > 200, "it begins late");
  t.true((depths.get(1_500) ?? 999) <= 120, `${depths.get(1_500)} ms`);
  t.like(buffer.stats, { received: 200, lost: 0, late: 0 });
});

test("more than may wait is left out at once, and what is heard then is the newest", (t) => {
  const buffer = new JitterBuffer({ decoder, maxDepthMs: 200 });
  for (const index of upTo(100)) buffer.push(numbered(index));
  const frames = upTo(11).map(() => buffer.pull());
  t.deepEqual(numbersOf(frames).at(-1), 99);
  t.true(buffer.stats.removedMs >= 1_700);
});

for (const partsPerMillion of [-300, 300]) {
  test(`a clock that is ${partsPerMillion} millionths off for 10 minutes: no growth, no drift, and 2 % are lost`, (t) => {
    const random = generator(7);
    const count = 30_000;
    const arrivals: Arrival[] = [];
    for (let index = 0; index < count; index += 1) {
      if (random() < 0.02) continue;
      const sentAt = 20 * index * (1 - partsPerMillion / 1e6);
      arrivals.push({ at: sentAt + 30 + 10 * random(), packet: numbered(index) });
    }
    const depths: number[] = [];
    const numbers: { readonly at: number; readonly number: number }[] = [];
    const { frames, buffer } = play(arrivals, { decoder }, (each) => depths.push(each.depthMs));
    frames.forEach((frame, index) => {
      const number = heard(frame);
      if (number !== null && number !== madeUp) numbers.push({ at: 20 * index, number });
    });
    t.true(Math.max(...depths) <= 120, `deepest ${Math.max(...depths)} ms`);
    t.true(Math.min(...depths.slice(10, -30)) >= -40);
    // Near the end as near the beginning: heard at most so long after it was sent.
    for (const { at, number } of [numbers[1_000]!, numbers.at(-1_000)!]) {
      const index = at > 300_000 ? number + 10_000 * Math.round((at / 20 - number) / 10_000) : number;
      const behindMs = at - 20 * index * (1 - partsPerMillion / 1e6);
      t.true(behindMs > 20 && behindMs < 130, `${behindMs.toFixed(0)} ms behind at ${at}`);
    }
    const { lost, recovered, concealedMs, removedMs, late } = buffer.stats;
    t.true(lost > 500 && lost < 700, `${lost} lost`);
    t.true(recovered / lost > 0.9, `${recovered} of ${lost}`);
    t.true(late <= 20, `${late} late`);
    const driftMs = (count * 20 * Math.abs(partsPerMillion)) / 1e6;
    t.true(concealedMs < 20 * 0.1 * lost + 2 * driftMs + 400, `${concealedMs} ms made up`);
    t.true(removedMs < 2 * driftMs + 400, `${removedMs} ms left out`);
  });
}

test("speech over a bad network: most of what is lost is heard out of its repeat, and it comes close to what was said", async (t) => {
  const { samples } = resample(
    await spoken("The quick brown fox jumps over the lazy dog, and then goes home again."),
    24_000,
  );
  using encoder = await OpusEncoder.create({ sampleRate: 24_000 });
  const packets = new Framer(480).push(samples).map((frame) => encoder.encode(frame).slice());
  const random = generator(3);
  const arrivals = (lossy: boolean): Arrival[] =>
    packets.flatMap((payload, index) => {
      const packet = { ssrc: 1, sequenceNumber: index, timestamp: 960 * index, payload };
      const delayMs = lossy ? 15 * random() : 5;
      return lossy && random() < 0.05 ? [] : [{ at: 20 * index + delayMs, packet }];
    });
  using whole = await OpusDecoder.create({ sampleRate: 16_000 });
  using broken = await OpusDecoder.create({ sampleRate: 16_000 });
  const wanted = concatenate(play(arrivals(false), { decoder: whole }).frames);
  const lossy = play(arrivals(true), { decoder: broken });
  const actual = concatenate(lossy.frames);
  const { lost, recovered, concealedMs } = lossy.buffer.stats;
  t.true(lost >= 5 && recovered / lost > 0.5, `${recovered} recovered of ${lost}, ${concealedMs} ms made up`);
  const decibels = Math.max(
    ...upTo(5).map((frames) => {
      const [one, other] = [wanted.subarray(0, -1_600), actual.subarray(320 * frames)];
      let error = 0;
      one.forEach((sample, at) => {
        error += (sample - (other[at] ?? 0)) ** 2;
      });
      return 20 * Math.log10(level(one) / Math.sqrt(error / one.length));
    }),
  );
  t.true(decibels > 8, `${decibels.toFixed(1)} dB`);
});

test("sound that is shortened keeps its pitch", (t) => {
  for (const sampleRate of [16_000, 48_000]) {
    const voice = tone(180, 20, { sampleRate });
    const shorter = { samples: shorten(voice.samples, sampleRate), sampleRate };
    const ms = (1_000 * shorter.samples.length) / sampleRate;
    t.true(ms >= 8 && ms <= 17.5, `${ms} ms`);
    const rounds = concatenate(upTo(50).map(() => shorter.samples));
    t.true(level(rounds) / level(voice.samples) > 0.9);
    const steps = [...shorter.samples].map((sample, at) =>
      Math.abs(sample - (shorter.samples[at - 1] ?? sample)),
    );
    const usual = [...voice.samples].map((sample, at) =>
      Math.abs(sample - (voice.samples[at - 1] ?? sample)),
    );
    t.true(Math.max(...steps) < 1.5 * Math.max(...usual), "there is a click");
  }
  t.is(shorten(new Int16Array(100), 16_000).length, 100, "too short to be shortened");
});

test("broken packets and packets without sound are no harm", (t) => {
  const picky = new (class extends NumberedDecoder {
    override decode(packet: Uint8Array): Int16Array {
      if (packet.length === 3) throw new Error("no packet");
      return super.decode(packet);
    }
  })();
  const arrivals = steady(50).map(({ at, packet }, index) => ({
    at,
    packet: { ...packet, payload: index % 10 === 5 ? packet.payload.subarray(0, 3) : packet.payload },
  }));
  const { frames, buffer } = play(arrivals, { decoder: picky });
  t.is(buffer.stats.broken, 5);
  t.is(numbersOf(frames).filter((number) => number !== madeUp).length, 45);
  const probing = new JitterBuffer({ decoder });
  upTo(20).forEach((index) => {
    const { payload, ...packet } = numbered(index);
    // Every other packet holds nothing, and has the time of the one before.
    const timestamp = Math.floor(index / 2) * 960;
    probing.push({ ...packet, timestamp, payload: index % 2 === 0 ? payload : new Uint8Array(0) });
  });
  const heardNumbers = numbersOf(upTo(12).map(() => probing.pull()));
  t.deepEqual(
    heardNumbers,
    upTo(10).map((index) => 2 * index),
  );
  t.is(probing.stats.lost, 0);
});

test("a packet of the greatest length is lost, and a little more: the codec makes up no more than it can", async (t) => {
  using encoder = await OpusEncoder.create({ sampleRate: 24_000 });
  const [header = 0, ...frame] = encoder.encode(tone(400, 20, { sampleRate: 24_000 }).samples);
  // The same 20 ms six times; the lengths of all but the last are told first (RFC 6716, section 3.2.5).
  const lengths = Array<number>(5).fill(frame.length);
  const payload = new Uint8Array([header | 3, 0x80 | 6, ...lengths, ...Array(6).fill(frame).flat()]);
  using real = await OpusDecoder.create({ sampleRate: 16_000 });
  const buffer = new JitterBuffer({ decoder: real });
  buffer.push({ ssrc: 1, sequenceNumber: 0, timestamp: 0, payload });
  buffer.push({ ssrc: 1, sequenceNumber: 2, timestamp: 5_760 + 121 * 48, payload });
  for (const _ of upTo(30)) t.is(buffer.pull().length, 320);
  t.like(buffer.stats, { received: 2, lost: 1, broken: 0 });
  t.true(buffer.stats.concealedMs >= 120);
});

test("bounds that leave no room are refused", (t) => {
  t.throws(() => new JitterBuffer({ decoder, minDepthMs: 40, maxDepthMs: 60 }), { instanceOf: RangeError });
  t.throws(() => new JitterBuffer({ decoder, minDepthMs: Number.NaN }), { instanceOf: RangeError });
});

test("whatever the network does: frames of 20 ms, in order, nothing twice, nothing kept that came in time", (t) => {
  const call = fc.record({
    seed: fc.nat(),
    loss: fc.double({ min: 0, max: 0.4, noNaN: true }),
    twice: fc.double({ min: 0, max: 0.2, noNaN: true }),
    jitterMs: fc.integer({ min: 0, max: 150 }),
    pauses: fc.double({ min: 0, max: 0.05, noNaN: true }),
    sequence: fc.nat({ max: 65_535 }),
    timestamp: fc.nat({ max: 2 ** 32 - 1 }),
    repeats: fc.boolean(),
  });
  fc.assert(
    fc.property(call, ({ seed, loss, twice, jitterMs, pauses, ...options }) => {
      const random = generator(seed);
      const arrivals: Arrival[] = [];
      let pausedMs = 0;
      const sent = new Set<number>();
      for (let index = 0; index < 500; index += 1) {
        if (random() < pauses) pausedMs += Math.round(random() * 50) * 20;
        if (random() < loss) continue;
        const packet = numbered(index, options, pausedMs);
        const at = () => 20 * index + pausedMs + random() * jitterMs;
        arrivals.push({ at: at(), packet });
        sent.add(index);
        if (random() < twice) arrivals.push({ at: at() + random() * 500, packet });
      }
      let deepest = 0;
      const { frames, buffer } = play(arrivals, { decoder }, ({ depthMs }) => {
        deepest = Math.max(deepest, depthMs);
      });
      const parts = frames.flatMap((frame) => {
        if (frame.length !== 320) throw new Error(`A frame of ${frame.length} samples`);
        return [...frame].filter((sample, place, all) => sample >= 999 && sample !== all[place - 1]);
      });
      const order = parts
        .map((sample) => sample - 1_000)
        .filter((number, place) => number !== parts[place - 1]! - 1_000);
      if (order.some((number, place) => place > 0 && number < order[place - 1]!))
        throw new Error(`Out of order: ${order}`);
      const { received, late, lost, recovered, broken, restarts, duplicates } = buffer.stats;
      if (received !== sent.size || duplicates !== arrivals.length - sent.size) {
        throw new Error(`${received} received of ${sent.size}, ${duplicates} twice`);
      }
      if (broken !== 0 || restarts !== 0 || recovered > lost)
        throw new Error("What was not there was counted");
      if (deepest > 340) throw new Error(`${deepest} ms deep`);
      // All that came was heard, except for what was late, and what was left out as too much waited.
      const heardOnes = new Set(order);
      const missed = [...sent].filter((index) => !heardOnes.has(index)).length;
      if (jitterMs < 40 && missed > late + Math.ceil(buffer.stats.removedMs / 20)) {
        throw new Error(`${missed} missed, ${late} late, ${buffer.stats.removedMs} ms removed`);
      }
    }),
    { numRuns: trials(50, 200) },
  );
  t.pass();
});

function generator(seed: number): () => number {
  let state = (seed * 2 + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
