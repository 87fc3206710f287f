import test from "ava";
import fc from "fast-check";
import type { PcmFrame } from "greenroom";
import { concatenate } from "../../src/audio/pcm.ts";
import { OutputQueue, type OutputQueueOptions } from "../../src/audio/playback/output-queue.ts";
import type { Pacing } from "../../src/audio/playback/pacing.ts";
import type { QueuedSpeech } from "../../src/audio/playback/queued-speech.ts";
import { resample } from "../../src/audio/resampler.ts";
import { ManualClock } from "../fixtures/manual-clock.ts";

const rate = 16_000;

/** Sound whose samples all have this value, so that one can tell what was sent. */
const sound = (ms: number, value: number): PcmFrame => ({
  samples: new Int16Array((ms * rate) / 1_000).fill(value),
  sampleRate: rate,
});

/** A queue on a clock of its own, and what it did: times from the start of that clock on. */
function stage(options: Partial<OutputQueueOptions> & { leadMs?: number; speed?: number } = {}) {
  const { leadMs = 0, speed = 1, ...others } = options;
  const clock = new ManualClock(0);
  const sent: { at: number; samples: Int16Array }[] = [];
  const events: string[] = [];
  const pacing: Pacing[] = [];
  const queue = new OutputQueue({
    audio: {
      sampleRate: rate,
      leadMs,
      speed,
      send: ({ samples, sampleRate }) => {
        if (samples.length !== 320 || sampleRate !== rate) throw new Error("This is no frame");
        sent.push({ at: clock.now(), samples });
      },
    },
    onStart: ({ tag }, at) => events.push(`start ${tag.id} ${at}`),
    onEnd: ({ tag }, at) => events.push(`end ${tag.id} ${at}`),
    onPacing: (one) => pacing.push(one),
    clock,
    ...others,
  });
  const say = (id: string, ms: number, value = 1, text = "x".repeat(ms / 20)): QueuedSpeech => {
    const speech = queue.open({ id, text, offset: 0 });
    speech.write(sound(ms, value));
    speech.end();
    return speech;
  };
  return { clock, sent, events, pacing, queue, say, values: () => sent.map(({ samples }) => samples[0]) };
}

test("the first frames go out at once, two ahead; then one every 20 ms", async (t) => {
  const { clock, sent, say } = stage();
  say("a", 140);
  await clock.pass(200);
  t.deepEqual(
    sent.map(({ at }) => at),
    [0, 0, 0, 20, 40, 60, 80],
  );
});

test("speeches are heard in the order in which they were opened, whichever is made first", async (t) => {
  const { clock, queue, values, events } = stage();
  const first = queue.open({ id: "a", text: "a", offset: 0 });
  const second = queue.open({ id: "b", text: "b", offset: 1 });
  second.write(sound(40, 2));
  second.end();
  await clock.pass(100);
  t.deepEqual(values(), []);
  first.write(sound(40, 1));
  await clock.pass(100);
  t.deepEqual(values(), [1, 1]);
  first.end();
  await clock.pass(100);
  t.deepEqual(values(), [1, 1, 2, 2]);
  t.deepEqual(events, ["start a 100", "end a 100", "start b 200", "end b 200"]);
});

test("sound in pieces of any length becomes frames, the last filled up with silence", async (t) => {
  const { clock, sent, queue } = stage();
  const speech = queue.open({ id: "a", text: "", offset: 0 });
  for (const ms of [1, 7, 30, 3, 4]) speech.write(sound(ms, 5));
  speech.end();
  await clock.pass(100);
  t.is(sent.length, 3);
  const all = concatenate(sent.map(({ samples }) => samples));
  t.deepEqual(all.indexOf(0), 45 * 16);
  t.like(speech.report, { totalMs: 45, sentMs: 45, heardMs: 45, state: "over" });
});

test("sound of other rates is changed to the edge's, across pieces", async (t) => {
  const { clock, sent, queue } = stage();
  const source: PcmFrame = {
    samples: Int16Array.from({ length: 2_205 }, (_, at) => 9_000 * Math.sin(at / 9)),
    sampleRate: 22_050,
  };
  const speech = queue.open({ id: "a", text: "", offset: 0 });
  for (let at = 0; at < 2_205; at += 101) {
    speech.write({ samples: source.samples.subarray(at, at + 101), sampleRate: 22_050 });
  }
  speech.end();
  await clock.pass(200);
  const wanted = resample(source, rate).samples;
  t.deepEqual(concatenate(sent.map(({ samples }) => samples)).slice(0, wanted.length), wanted);
});

test("a pause takes effect at once, and what comes after it leaves nothing out", async (t) => {
  const { clock, sent, queue, say } = stage();
  say("a", 200);
  await clock.pass(45);
  queue.pause();
  t.true(queue.paused);
  const before = sent.length;
  await clock.pass(1_000);
  t.is(sent.length, before);
  queue.resume();
  await clock.pass(200);
  t.is(sent.length, 10);
});

test("a pause that is shorter than what is ahead puts no more ahead", async (t) => {
  const { clock, sent, queue, say } = stage();
  say("a", 200);
  await clock.pass(20);
  for (let again = 0; again < 5; again += 1) {
    queue.pause();
    queue.resume();
  }
  t.is(sent.length, 4);
  await clock.pass(1_000);
  t.is(sent.length, 10);
});

test("a cut tells what was sent and dropped of each speech, and nothing is sent after it", async (t) => {
  const { clock, sent, queue, say, events } = stage();
  say("a", 100, 1);
  say("b", 200, 2);
  const open = queue.open({ id: "c", text: "abc", offset: 7 });
  open.write(sound(50, 3));
  await clock.pass(140);
  const { at, speeches } = queue.cut();
  t.is(at, 140);
  t.deepEqual(speeches, [
    {
      id: "b",
      text: "xxxxxxxxxx",
      offset: 0,
      totalMs: 200,
      sentMs: 100,
      heardMs: 40,
      heardCharacters: 2,
      droppedMs: 100,
      starvedMs: 0,
      state: "cut",
    },
    {
      id: "c",
      text: "abc",
      offset: 7,
      totalMs: 50,
      sentMs: 0,
      heardMs: 0,
      heardCharacters: 0,
      droppedMs: 50,
      starvedMs: 0,
      state: "cut",
    },
  ]);
  t.false(open.write(sound(500, 3)), "late sound refills nothing");
  open.end();
  await clock.pass(1_000);
  t.is(sent.length, 10);
  t.is(clock.alarms, 0);
  t.true(queue.empty);
  t.deepEqual(events, ["start a 0", "end a 40", "start b 60"], "a speech that was cut has no end");
  t.deepEqual(queue.cut().speeches, []);
});

test("what comes after a cut is played", async (t) => {
  const { clock, queue, say, values } = stage();
  say("a", 200, 1);
  await clock.pass(20);
  queue.pause();
  queue.cut();
  t.false(queue.paused, "a cut ends a pause");
  say("b", 60, 2);
  await clock.pass(200);
  t.deepEqual(values(), [1, 1, 1, 1, 2, 2, 2]);
});

test("what was heard is what was sent, less what is ahead and the edge's lead", async (t) => {
  const { clock, say } = stage({ leadMs: 60 });
  const speech = say("a", 200);
  const heard: number[] = [];
  for (const ms of [0, 50, 10, 10, 30, 100, 60, 500]) {
    await clock.pass(ms);
    heard.push(speech.report.heardMs);
  }
  t.deepEqual(heard, [0, 0, 0, 10, 40, 140, 200, 200]);
});

test("after a cut, what was heard stays what it was", async (t) => {
  const { clock, queue, say } = stage({ leadMs: 100 });
  const speech = say("a", 1_000);
  await clock.pass(310);
  const [report] = queue.cut().speeches;
  t.like(report, { sentMs: 360, heardMs: 210, heardCharacters: 10, droppedMs: 640 });
  await clock.pass(1_000);
  t.deepEqual(speech.report, report);
});

test("a speech that is sent to its end, but not heard yet, is in the cut", async (t) => {
  const { clock, queue, say } = stage({ leadMs: 100 });
  say("a", 100);
  await clock.pass(150);
  t.true(queue.empty);
  t.like(queue.cut().speeches, [{ id: "a", state: "over", sentMs: 100, heardMs: 50, droppedMs: 0 }]);
});

test("with an alignment the characters that were heard are exact", async (t) => {
  const { clock, queue } = stage();
  const speech = queue.open({ id: "a", text: "Hi you", offset: 0 });
  speech.write({
    ...sound(600, 1),
    alignment: { characters: [..."Hi you"], startMs: [0, 20, 40, 300, 400, 500] },
  });
  speech.end();
  await clock.pass(350);
  t.is(queue.cut().speeches[0]?.heardCharacters, 3);
});

test("a pause is not heard", async (t) => {
  const { clock, queue, say } = stage();
  const speech = say("a", 400);
  await clock.pass(100);
  queue.pause();
  await clock.pass(1_000);
  t.is(speech.report.heardMs, 160, "up to what was ahead");
  queue.resume();
  await clock.pass(100);
  t.is(speech.report.heardMs, 260);
});

test("sound that is not made in time: it goes on when it comes, and the hole is told", async (t) => {
  const { clock, queue, sent } = stage();
  const speech = queue.open({ id: "a", text: "x", offset: 0 });
  speech.write(sound(100, 1));
  await clock.pass(500);
  speech.write(sound(40, 1));
  speech.end();
  await clock.pass(100);
  t.deepEqual(
    sent.map(({ at }) => at),
    [0, 0, 0, 20, 40, 500, 500],
  );
  t.like(speech.report, { starvedMs: 400, heardMs: 140, state: "over" });
});

test("waiting for a speech to be made is not a hole", async (t) => {
  const { clock, queue, say } = stage();
  say("a", 40);
  await clock.pass(500);
  const speech = queue.open({ id: "b", text: "x", offset: 0 });
  await clock.pass(500);
  speech.write(sound(40, 1));
  await clock.pass(5);
  t.is(speech.report.starvedMs, 0);
});

test("a speech without sound is over when its turn comes", async (t) => {
  const { clock, queue, say, events } = stage();
  say("a", 60);
  const silent = queue.open({ id: "b", text: "…", offset: 0 });
  silent.end();
  await clock.pass(100);
  t.deepEqual(events, ["start a 0", "end a 0", "end b 0"]);
  t.like(silent.report, { state: "over", heardCharacters: 1 });
});

test("the end of a speech is when its last frame was sent, though it is told later", async (t) => {
  const { clock, queue, events } = stage();
  const speech = queue.open({ id: "a", text: "x", offset: 0 });
  speech.write(sound(80, 1));
  await clock.pass(400);
  speech.end();
  await clock.pass(0);
  t.deepEqual(events, ["start a 0", "end a 20"]);
});

test("drained: when all is heard, not when it is sent", async (t) => {
  const { clock, queue, say } = stage({ leadMs: 50 });
  let drained = false;
  say("a", 100);
  void queue.drained().then(() => {
    drained = true;
  });
  await clock.pass(149);
  t.false(drained);
  await clock.pass(1);
  t.true(drained);
  t.is(clock.alarms, 0);
});

test("drained waits for what is opened meanwhile, and for a pause to end", async (t) => {
  const { clock, queue, say } = stage();
  let drained = false;
  const wait = () =>
    void queue.drained().then(() => {
      drained = true;
    });
  wait();
  await clock.pass(0);
  t.true(drained, "nothing is there");
  drained = false;
  const speech = queue.open({ id: "a", text: "x", offset: 0 });
  wait();
  speech.write(sound(20, 1));
  await clock.pass(100);
  t.false(drained);
  say("b", 100);
  queue.pause();
  speech.end();
  await clock.pass(1_000);
  t.false(drained);
  queue.resume();
  await clock.pass(99);
  t.false(drained);
  await clock.pass(1);
  t.true(drained);
});

test("drained: a cut and a close end the wait", async (t) => {
  const { clock, queue, say } = stage();
  say("a", 100);
  const cut = queue.drained();
  queue.cut();
  await cut;
  say("b", 100);
  const closed = queue.drained();
  queue.close();
  await closed;
  await queue.drained();
  t.is(clock.alarms, 0);
});

test("closed, it takes nothing more", async (t) => {
  const { clock, queue, say, sent } = stage();
  say("a", 100);
  t.is(queue.close().speeches.length, 1);
  const before = sent.length;
  const late = say("b", 100);
  queue.resume();
  await clock.pass(500);
  t.is(late.state, "cut");
  t.is(sent.length, before);
});

test("after a stall of the thread three frames come, then each at its time; how late they were is told", async (t) => {
  const { clock, sent, pacing, say } = stage();
  say("a", 1_200);
  await clock.pass(100);
  await clock.stall(500);
  await clock.pass(60);
  t.deepEqual(
    sent.slice(8).map(({ at }) => at),
    [600, 600, 600, 620, 640, 660],
  );
  await clock.pass(2_000);
  t.is(
    pacing.reduce((sum, { frames }) => sum + frames, 0),
    60,
  );
  t.is(Math.max(...pacing.map(({ worstMs }) => worstMs)), 480);
});

test("lateness is told for each second of sound, and for what is left at its end", async (t) => {
  const { clock, pacing, say } = stage();
  say("a", 2_500);
  await clock.pass(3_000);
  t.is(pacing.length, 3);
  t.deepEqual(new Set(pacing.map(({ p99Ms }) => p99Ms)), new Set([0]));
});

test("a call that runs ten times as fast as life takes a tenth of the time", async (t) => {
  const { clock, sent, say } = stage({ speed: 10 });
  const speech = say("a", 1_000);
  await clock.pass(50);
  t.is(speech.report.heardMs, 500);
  await clock.pass(50);
  t.is(sent.length, 50);
  t.is(speech.report.heardMs, 1_000);
});

test("a call that takes no time is over before anything else happens", async (t) => {
  const { clock, sent, say, queue } = stage({ speed: Infinity });
  const speech = say("a", 1_000);
  await clock.pass(0);
  await queue.drained();
  t.is(sent.length, 50);
  t.is(speech.report.heardMs, 1_000);
});

test("whatever happens in whatever order: nothing is sent after a cut, nothing twice, nothing is left out", async (t) => {
  const action = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("write" as const), ms: fc.integer({ min: 1, max: 150 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 200 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("stall" as const), ms: fc.integer({ min: 1, max: 400 }) }),
    },
    fc.record({ do: fc.constantFrom("open", "end", "pause", "resume", "cut") }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), fc.nat(100), async (actions, leadMs) => {
      const { clock, sent, queue, events } = stage({ leadMs });
      const speeches: QueuedSpeech[] = [];
      /** Samples that were written and not refused, by speech: each sample is its number in the speech. */
      const written: number[] = [];
      const cuts: { readonly speeches: number; readonly frames: number }[] = [];
      for (const step of actions) {
        const speech = speeches.at(-1);
        const number = speeches.length;
        switch (step.do) {
          case "open":
            speeches.push(queue.open({ id: String(number + 1), text: "text", offset: 0 }));
            written.push(0);
            break;
          case "write":
            if (speech?.write(sound("ms" in step ? step.ms : 0, number)))
              written[number - 1]! += "ms" in step ? step.ms : 0;
            break;
          case "end":
            speech?.end();
            break;
          case "pause":
            queue.pause();
            break;
          case "resume":
            queue.resume();
            break;
          case "cut": {
            const report = queue.cut();
            for (const one of report.speeches) {
              t.is(one.sentMs + one.droppedMs, one.totalMs);
              t.true(one.heardMs <= one.sentMs);
              t.true(one.heardMs >= one.sentMs - leadMs - 60.1 || one.sentMs === 0, JSON.stringify(one));
            }
            t.true(queue.empty);
            cuts.push({ speeches: speeches.length, frames: sent.length });
            break;
          }
          case "pass":
            await clock.pass("ms" in step ? step.ms : 0);
            break;
          case "stall":
            await clock.stall("ms" in step ? step.ms : 0);
            break;
        }
      }
      for (const speech of speeches) speech.end();
      queue.resume();
      await clock.pass(20_000);
      t.true(queue.empty);
      t.is(clock.alarms, 0);
      // In order, each speech whole unless it was cut.
      const values = sent.map(({ samples }) => samples[0] ?? 0);
      t.deepEqual(
        values,
        values.toSorted((one, other) => one - other),
      );
      for (const cut of cuts) t.true(values.slice(cut.frames).every((value) => value > cut.speeches));
      speeches.forEach((speech, index) => {
        const { state, totalMs, sentMs, heardMs } = speech.report;
        const samples = sent.flatMap((frame) => (frame.samples[0] === index + 1 ? [...frame.samples] : []));
        t.is(samples.filter((sample) => sample === index + 1).length, sentMs * 16);
        t.is(totalMs, written[index]!);
        if (state === "cut") return;
        t.is(state, "over");
        t.is(sentMs, written[index]!);
        t.true(Math.abs(heardMs - sentMs) < 0.001 || cuts.some((cut) => index < cut.speeches));
      });
      const ended = events.filter((event) => event.startsWith("end")).length;
      t.is(ended, speeches.filter(({ state }) => state === "over").length);
    }),
    { numRuns: 300 },
  );
});
