import test from "ava";
import fc from "fast-check";
import type { SpeechEvent } from "../../../src/agent/stt.ts";
import { SendBuffer } from "../../../src/providers/listening/send-buffer.ts";
import { type TimedSignal, Turns } from "../../../src/providers/listening/turns.ts";
import { trials } from "../../fixtures/trials.ts";

/** The events that may follow each event, as src/agent/stt.ts has it. */
const next: Readonly<Record<string, readonly string[]>> = {
  silent: ["started"],
  started: ["partial", "eager_end", "ended"],
  partial: ["partial", "eager_end", "ended"],
  eager_end: ["eager_end", "resumed", "ended"],
  resumed: ["partial", "eager_end", "ended"],
  ended: ["started"],
};

type Happening =
  | TimedSignal
  /** True where the next connection hears the rest of the turn alone. */
  | { readonly type: "lost"; readonly keeps?: boolean }
  | { readonly type: "heard"; readonly seconds: number };

const text = fc.constantFrom("", "yes", "yes please", "no");
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ type: fc.constantFrom("start" as const, "resumed" as const) }),
  fc.record({ type: fc.constant("lost" as const), keeps: fc.boolean() }),
  fc.record({ type: fc.constant("failed" as const), speechMs: fc.constantFrom(null, 400) }),
  fc.record({
    type: fc.constantFrom("text" as const, "eager" as const, "end" as const),
    text,
    speechEndedAt: fc.constantFrom(null, 1),
  }),
  fc.record({ type: fc.constant("heard" as const), seconds: fc.constantFrom(0.2, 1, 3) }),
);

function play(happenings: readonly Happening[]): { events: SpeechEvent[]; turns: Turns } {
  const events: SpeechEvent[] = [];
  const turns = new Turns((event) => events.push(event));
  for (const one of happenings) {
    if (one.type === "lost") turns.connectionLost(one.keeps ?? true);
    else if (one.type === "heard") turns.heard(one.seconds);
    else turns.update(one);
  }
  return { events, turns };
}

test("turns follow their states and end, whatever the messages and losses are", (t) => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
      const { events, turns } = play(happenings);
      turns.giveUp();
      let state = "silent";
      let words = "";
      for (const event of events) {
        if (!next[state]?.includes(event.type)) return false;
        state = event.type;
        if (event.type === "started") words = "";
        if (event.type === "partial") words = event.text;
        // Nothing eager without words, and nothing that was not told as partial before.
        if (event.type === "eager_end" && (event.text === "" || event.text !== words)) return false;
        if (event.type === "ended" && event.text !== "" && event.text !== words) {
          if (!words.startsWith(event.text)) return false;
        }
      }
      return !turns.open && (state === "silent" || state === "ended");
    }),
    { numRuns: trials(300, 5_000) },
  );
  t.pass();
});

test("a turn of a lost connection ends after a second of silence on the next one", (t) => {
  const { events, turns } = play([
    { type: "start" },
    { type: "text", text: "yes", speechEndedAt: 1 },
    { type: "lost" },
    { type: "heard", seconds: 0.9 },
  ]);
  t.true(turns.open);
  turns.heard(1);
  t.deepEqual(events.at(-1), { type: "ended", text: "yes", speechEndedAt: 1 });
});

test("a turn of a lost connection continues over the next one", (t) => {
  const { events } = play([
    { type: "text", text: "book a table", speechEndedAt: 1 },
    { type: "eager", text: "book a table", speechEndedAt: 1 },
    { type: "lost" },
    { type: "start" },
    { type: "text", text: "for two", speechEndedAt: 2 },
    { type: "heard", seconds: 3 },
    { type: "lost" },
    { type: "lost" },
    { type: "end", text: "please", speechEndedAt: 3 },
  ]);
  t.deepEqual(
    events.map((event) => ("text" in event ? event.text : event.type)),
    [
      "started",
      "book a table",
      "book a table",
      "resumed",
      "book a table for two",
      "book a table for two please",
      "book a table for two please",
    ],
  );
});

test("sound is neither lost nor repeated, and its times are found, however it is cut, sent, processed and sent again", (t) => {
  const action = fc.oneof(
    fc.record({ type: fc.constant("write" as const), length: fc.integer({ min: 1, max: 3_000 }) }),
    fc.record({ type: fc.constant("send" as const) }),
    fc.record({ type: fc.constant("heard" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ type: fc.constant("lost" as const) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      // Samples are numbered, and written at the time that is their number.
      const sound = new SendBuffer(16_000, 600_000);
      let written = 0;
      let connection: number[] = [];
      let heard = 0;
      for (const one of [...actions, { type: "lost" as const }, { type: "send" as const }]) {
        if (one.type === "write") {
          for (let left = one.length; left > 0; left--)
            sound.write(Int16Array.of(written % 32_000), written++);
        } else if (one.type === "send") {
          for (let chunk = sound.next(); chunk; chunk = sound.next()) connection.push(...chunk.samples);
          const times = connection.map((_, index) => sound.writtenAt((index + 1) / 16_000) ?? -1);
          if (times.some((at, index) => at % 32_000 !== connection[index])) return false;
        } else if (one.type === "heard") {
          const until = connection.length * one.share;
          sound.heard(until / 16_000);
          heard = Math.max(heard, (sound.writtenAt(until / 16_000) ?? -1) + 1);
        } else {
          connection = [];
          sound.rewind();
        }
      }
      // What a new connection is sent goes on where the last was heard, without a gap, up to what fills chunks.
      const first = written - (written % 1_280) - connection.length;
      return (
        first <= heard &&
        heard - first <= 1_280 + 1 &&
        connection.every((sample, index) => sample === (first + index) % 32_000)
      );
    }),
    { numRuns: trials(10, 300) },
  );
  t.pass();
});

test("with too much sound the oldest is dropped and counted, except for sound that was sent", (t) => {
  const sound = new SendBuffer(16_000, 400);
  sound.write(new Int16Array(16_000).fill(1), 0);
  t.is(sound.droppedMs, 560, "1,000 ms are 12 chunks of 80 ms and a rest; 5 are kept");
  for (let count = 0; count < 5; count++) t.is(sound.next()?.durationMs, 80);
  t.is(sound.next(), null);
  sound.write(new Int16Array(16_000).fill(2), 0);
  t.is(sound.droppedMs, 560 + 640, "the five that were sent go first");
});

test("the borders of turns are sent again with the sound that is not heard, and no others", (t) => {
  const sound = new SendBuffer(16_000, 60_000);
  const sent = () => {
    const all: string[] = [];
    for (let chunk = sound.next(); chunk; chunk = sound.next())
      all.push(chunk.mark ?? `${chunk.durationMs} ms`);
    return all;
  };
  const turn = () => {
    sound.mark("start");
    sound.write(new Int16Array(1_600), 0);
    sound.mark("end");
  };
  turn();
  turn();
  const both = ["start", "80 ms", "20 ms", "end", "start", "80 ms", "20 ms", "end"];
  t.deepEqual(sent(), both);
  sound.rewind();
  t.deepEqual(sent(), both, "nothing was heard");
  // The first turn is heard: the second begins at the same place of the sound.
  sound.heard(0.1);
  sound.rewind();
  t.deepEqual(sent(), ["start", "80 ms", "20 ms", "end"]);
  sound.heard(0.1);
  sound.rewind();
  t.deepEqual(sent(), []);
});
