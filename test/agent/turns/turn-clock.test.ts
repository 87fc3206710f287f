import test from "ava";
import { type Moment, TurnClock } from "../../../src/agent/turns/turn-clock.ts";

function clockWith(times: Partial<Record<Moment, number>>): TurnClock {
  const clock = new TurnClock();
  for (const [moment, at] of Object.entries(times)) clock.mark(moment as Moment, at);
  return clock;
}

test("the stages of a response are those that there were, and add up to it", (t) => {
  const pipeline = clockWith({
    speechEnded: 0,
    committed: 500,
    // Begun early.
    firstToken: 400,
    firstSentence: 700,
    firstByte: 800,
    firstFrame: 820,
  });
  t.deepEqual(pipeline.response(), {
    responseMs: 820,
    endOfTurnMs: 500,
    firstTokenMs: 0,
    firstSentenceMs: 200,
    firstByteMs: 100,
    outputMs: 20,
  });
  const inSound = clockWith({ speechEnded: 0, committed: 500, firstByte: 800, firstFrame: 820 });
  t.deepEqual(inSound.response(), { responseMs: 820, endOfTurnMs: 500, firstByteMs: 300, outputMs: 20 });
});

test("there is no response where nobody spoke, or nothing sounded", (t) => {
  t.is(clockWith({ committed: 0, firstToken: 1, firstFrame: 2 }).response(), null);
  t.is(clockWith({ speechEnded: 0, committed: 1, firstToken: 2 }).response(), null);
});
