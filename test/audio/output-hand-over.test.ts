import test from "ava";
import { OutputQueue } from "../../src/audio/playback/output-queue.ts";
import { ManualClock } from "../fixtures/manual-clock.ts";

const rate = 16_000;

/** A queue on a clock of its own, with a sentence of this length, and the times at which its frames were sent. */
function saying(ms: number) {
  const clock = new ManualClock(0);
  const sentAt: number[] = [];
  const audio = { sampleRate: rate, leadMs: 60, send: () => void sentAt.push(clock.now()) };
  const queue = new OutputQueue({ audio, clock });
  const say = () => {
    const speech = queue.open({ id: "sentence", text: "words", offset: 0 });
    speech.write({ samples: new Int16Array((ms * rate) / 1_000).fill(1), sampleRate: rate });
    return speech;
  };
  return { clock, queue, sentAt, say };
}

test("a sentence is nearly over once so much is left to be heard, and not while its sound is still made", async (t) => {
  const { clock, queue, say } = saying(1_000);
  const speech = say();
  t.is(queue.leftMs, Number.POSITIVE_INFINITY);
  let nearlyAt: number | null = null;
  void queue.nearlyDrained(400).then(() => {
    nearlyAt = clock.now();
  });
  await clock.pass(100);
  t.is(nearlyAt, null);
  speech.end();
  await clock.pass(500);
  t.is(nearlyAt, null);
  await clock.pass(200);
  t.true(nearlyAt !== null && queue.leftMs > 0 && queue.leftMs <= 400);
  await clock.pass(1_000);
  t.is(queue.leftMs, 0);
});

test("a cut ends the wait for the end of a sentence", async (t) => {
  const { clock, queue, say } = saying(1_000);
  say().end();
  const nearly = queue.nearlyDrained(400);
  await clock.pass(100);
  queue.cut();
  await clock.pass(50);
  await nearly;
  t.is(queue.leftMs, 0);
});

test("a queue that is held sends nothing until its time, though its sound is made", async (t) => {
  const { clock, queue, sentAt, say } = saying(100);
  queue.hold(300);
  say().end();
  await clock.pass(290);
  t.deepEqual(sentAt, []);
  await clock.pass(200);
  t.is(sentAt.length, 5);
  t.true(sentAt.every((at) => at >= 299));
});
