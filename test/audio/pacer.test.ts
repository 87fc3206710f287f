import test from "ava";
import { systemClock } from "../../src/audio/clock.ts";
import { Pacer, type PacerOptions } from "../../src/audio/playback/pacer.ts";
import { ManualClock } from "../fixtures/manual-clock.ts";

/** A pacer whose beats are noted: when each was given, from the start of the clock on. */
function paced(options: Partial<PacerOptions> = {}) {
  const clock = new ManualClock(0);
  const beats: number[] = [];
  const late: number[] = [];
  const pacer = new Pacer({
    intervalMs: 20,
    ahead: 0,
    burst: 3,
    beat: () => {
      beats.push(clock.now());
      return true;
    },
    onBeat: (ms) => late.push(ms),
    clock,
    ...options,
  });
  return { clock, beats, late, pacer };
}

test("a beat at once, then one every interval", async (t) => {
  const { clock, beats, pacer, late } = paced();
  pacer.start();
  await clock.pass(100);
  t.deepEqual(beats, [0, 20, 40, 60, 80, 100]);
  t.deepEqual(new Set(late), new Set([0]));
});

test("beats ahead come at once, later ones at their time", async (t) => {
  const { clock, beats, pacer, late } = paced({ ahead: 2 });
  pacer.start();
  t.deepEqual(beats, [0, 0, 0]);
  await clock.pass(60);
  t.deepEqual(beats, [0, 0, 0, 20, 40, 60]);
  t.deepEqual(new Set(late), new Set([0]), "what is given ahead is not late");
});

test("an alarm that rings late delays the beats after it by nothing", async (t) => {
  const { clock, beats, pacer, late } = paced();
  pacer.start();
  await clock.stall(27);
  await clock.pass(53);
  t.deepEqual(beats, [0, 27, 40, 60, 80]);
  t.deepEqual(late, [0, 7, 0, 0, 0]);
});

test("after a short stall what is missing comes at once", async (t) => {
  const { clock, beats, pacer, late } = paced();
  pacer.start();
  await clock.stall(65);
  await clock.pass(35);
  t.deepEqual(beats, [0, 65, 65, 65, 80, 100]);
  t.deepEqual(late.slice(1, 4), [45, 25, 5]);
});

test("after a long stall three beats come, and the clock is set back", async (t) => {
  const { clock, beats, pacer } = paced();
  pacer.start();
  await clock.stall(1_000);
  await clock.pass(60);
  t.deepEqual(beats, [0, 1_000, 1_000, 1_000, 1_020, 1_040, 1_060]);
});

test("without a bound all that is missing comes", async (t) => {
  const { clock, beats, pacer } = paced({ burst: Infinity });
  pacer.start();
  await clock.stall(1_000);
  t.is(beats.length, 51);
});

test("a beat with nothing to give stops it; started again it goes on from now", async (t) => {
  let left = 2;
  const given: number[] = [];
  const { clock, pacer } = paced({
    beat: () => {
      if (left === 0) return false;
      left -= 1;
      given.push(clock.now());
      return true;
    },
  });
  pacer.start();
  await clock.pass(500);
  t.false(pacer.running);
  t.is(clock.alarms, 0);
  left = 2;
  pacer.start();
  await clock.pass(20);
  t.deepEqual(given, [0, 20, 500, 520]);
});

test("started again while beats ahead last, it does not give them twice", async (t) => {
  const { clock, beats, pacer } = paced({ ahead: 2 });
  pacer.start();
  await clock.pass(5);
  pacer.stop();
  await clock.pass(5);
  pacer.start();
  await clock.pass(50);
  t.deepEqual(beats, [0, 0, 0, 20, 40, 60]);
});

test("stopped, it is silent at once", async (t) => {
  const { clock, beats, pacer } = paced();
  pacer.start();
  pacer.start();
  await clock.pass(20);
  pacer.stop();
  await clock.pass(1_000);
  t.deepEqual(beats, [0, 20]);
  t.is(clock.alarms, 0);
});

test("stopped and started from within a beat, it gives no beat too many", async (t) => {
  const clock = new ManualClock(0);
  const beats: number[] = [];
  const pacer: Pacer = new Pacer({
    intervalMs: 20,
    ahead: 2,
    burst: 3,
    beat: () => {
      beats.push(clock.now());
      if (beats.length === 1) {
        pacer.stop();
        pacer.start();
      }
      return true;
    },
    clock,
  });
  pacer.start();
  await clock.pass(40);
  // The first beat lasts until 20; two more are given ahead.
  t.deepEqual(beats, [0, 0, 0, 20, 40]);
});

test("without an interval it gives as many as it may, then lets others have their turn", async (t) => {
  let left = 7;
  const { pacer } = paced({ intervalMs: 0, clock: systemClock, beat: () => left-- > 0 });
  pacer.start();
  t.is(left, 4);
  while (pacer.running) await new Promise(setImmediate);
  t.is(left, -1);
});

test("on the real clock it loses no time: 50 beats take a second", async (t) => {
  const started = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  let beats = 0;
  const pacer = new Pacer({
    intervalMs: 20,
    ahead: 0,
    burst: Infinity,
    beat: () => {
      beats += 1;
      if (beats > 50) resolve();
      return beats <= 50;
    },
  });
  pacer.start();
  await promise;
  t.true(performance.now() - started >= 998, "never early");
});
