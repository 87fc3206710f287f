import test from "ava";
import { EnergyGate } from "../../src/audio/detection/energy-gate.ts";
import { loadRnnoise } from "../../src/audio/detection/rnnoise.ts";
import {
  type DetectedEvent,
  TurnDetector,
  type TurnDetectorOptions,
} from "../../src/audio/detection/turn-detector.ts";
import { VoiceActivity } from "../../src/audio/detection/voice-activity.ts";
import { concatenate, level, mix, silence } from "../../src/audio/pcm.ts";
import { resample } from "../../src/audio/resampler.ts";
import { noise } from "../fixtures/voice/noise.ts";
import { spoken } from "../fixtures/voice/spoken.ts";

const rate = 16_000;
const quiet = (ms: number) => silence(ms, rate).samples;

/** Returns each event, and its frame, of sound where each frame is voice or not by a pattern such as `5v 30-`. */
function detect(pattern: string, options?: TurnDetectorOptions): [frame: number, DetectedEvent][] {
  const frames = [...pattern.matchAll(/(\d+)([v-])/g)].flatMap(([, count, kind]) =>
    Array.from({ length: Number(count) }, () => kind === "v"),
  );
  let at = 0;
  const detector = new TurnDetector(() => frames[at] ?? false, options);
  return frames.flatMap((_, frame) => {
    at = frame;
    return detector
      .push({ samples: new Int16Array(320), sampleRate: rate }, frame * 20)
      .map((event): [number, DetectedEvent] => [frame, event]);
  });
}

/** The turns that are found in sound at 16 000 Hz: when each began, ended, and how long its speech was, in milliseconds. */
async function turnsIn(samples: Int16Array, options?: TurnDetectorOptions) {
  using activity = await VoiceActivity.create();
  const detector = new TurnDetector((frame) => activity.isVoice(frame), options);
  const turns: { startedAt: number; endedAt: number | null; speechEndedAt: number; speechMs: number }[] = [];
  for (let at = 0; at < samples.length; at += 320) {
    const ms = (at / rate) * 1_000;
    for (const event of detector.push({ samples: samples.subarray(at, at + 320), sampleRate: rate }, ms)) {
      if (event.type === "started")
        turns.push({ startedAt: ms, endedAt: null, speechEndedAt: 0, speechMs: 0 });
      else Object.assign(turns.at(-1)!, event, { endedAt: ms });
    }
  }
  return turns;
}

const near = (actual: number | null | undefined, wanted: number, by: number) =>
  actual !== null && actual !== undefined && Math.abs(actual - wanted) <= by;

test("voice for 80 ms begins a turn, quiet for 600 ms ends it", (t) => {
  t.deepEqual(detect("10- 20v 40-"), [
    [13, { type: "started" }],
    [59, { type: "ended", speechMs: 400, speechEndedAt: 29 * 20 }],
  ]);
});

test("a click begins no turn", (t) => {
  t.deepEqual(detect("10- 3v 40- 3v 40-"), []);
});

test("voice with holes begins a turn all the same", (t) => {
  t.deepEqual(detect("2v 1- 2v 1- 2v 5-")[0], [7, { type: "started" }]);
});

test("a pause to think is part of the turn", (t) => {
  const events = detect("10v 29- 10v 30-");
  t.deepEqual(
    events.map(([frame, { type }]) => [frame, type]),
    [
      [3, "started"],
      [78, "ended"],
    ],
  );
  t.like(events[1]?.[1], { speechMs: 49 * 20 });
});

test("single frames of noise do not keep a turn open", (t) => {
  const events = detect(`10v ${"5- 1v ".repeat(10)}`);
  t.deepEqual(events[1], [40, { type: "ended", speechMs: 200, speechEndedAt: 180 }]);
});

test("a turn that never ends is ended; the next begins", (t) => {
  const events = detect("60v", { maxTurnMs: 400 });
  t.deepEqual(
    events.map(([frame, { type }]) => [frame, type]),
    [
      [3, "started"],
      [19, "ended"],
      [23, "started"],
      [39, "ended"],
      [43, "started"],
      [59, "ended"],
    ],
  );
});

test("it counts by the sound: pieces of any length and rate give the same turn", async (t) => {
  const speech = await spoken("What is the weather like in Paris?");
  const samples = concatenate([quiet(500), speech.samples, quiet(800)]);
  const [once] = await turnsIn(samples);
  for (const [sampleRate, piece] of [
    [16_000, 100],
    [48_000, 960],
    [24_000, 7_777],
    [8_000, 160],
  ] as const) {
    using activity = await VoiceActivity.create();
    const detector = new TurnDetector((frame) => activity.isVoice(frame));
    const sound = resample({ samples, sampleRate: rate }, sampleRate);
    const events: DetectedEvent[] = [];
    for (let at = 0; at < sound.samples.length; at += piece) {
      events.push(...detector.push({ samples: sound.samples.subarray(at, at + piece), sampleRate }, at));
    }
    t.deepEqual(
      events.map(({ type }) => type),
      ["started", "ended"],
      `${sampleRate} Hz`,
    );
    const ended = events[1] as Extract<DetectedEvent, { type: "ended" }>;
    t.true(
      near(ended.speechMs, once!.speechMs, 100),
      `${sampleRate} Hz: ${ended.speechMs}, ${once!.speechMs}`,
    );
  }
});

for (const [where, background] of [
  ["in silence", 0],
  ["in noise 20 dB down", 0.1],
  ["in noise 10 dB down", 0.316],
  ["in noise as loud as they are", 1],
] as const) {
  test(`two sentences of a caller are two turns: ${where}`, async (t) => {
    const one = (await spoken("Hello, can you tell me what the weather is like in Paris, please?", "slt"))
      .samples;
    const two = (await spoken("Stop, wait a moment, I would like to ask something else.", "slt")).samples;
    const clean = concatenate([quiet(3_000), one, quiet(2_000), two, quiet(2_000)]);
    const samples = mix(clean, noise(clean.length, level(one) * background));
    // What noise begins before anybody has spoken is not what is asked here.
    const turns = (await turnsIn(samples)).filter(({ endedAt }) => (endedAt ?? 0) > 3_000);
    t.is(turns.length, 2);
    const spokenUntil = 3_000 + one.length / 16;
    t.true(near(turns[0]?.startedAt, 3_000, 400), `started ${turns[0]?.startedAt}`);
    t.true(
      near(turns[0]?.speechEndedAt, spokenUntil, 400),
      `ended ${turns[0]?.speechEndedAt}, ${spokenUntil}`,
    );
    t.true(near(turns[0]?.speechMs, one.length / 16, 600), `${turns[0]?.speechMs} ms`);
    t.true(near(turns[1]?.startedAt, spokenUntil + 2_000, 500), `started ${turns[1]?.startedAt}`);
  });
}

test("the talk of others is background, above which a caller is heard", async (t) => {
  const texts = [
    "The committee will meet again on Thursday to discuss the budget for the coming year.",
    "I told her that we could not possibly be there before nine because of the traffic.",
    "My brother is moving to another town, and he needs help with the boxes.",
  ];
  const others = await Promise.all(
    (["slt", "rms", "awb", "rms", "awb", "slt"] as const).map(async (voice, index) => {
      const { samples } = await spoken(texts[index % texts.length]!, voice);
      return Int16Array.from(
        { length: 10 * rate },
        (_, at) => samples[(at + index * 9_000) % samples.length]! / 16,
      );
    }),
  );
  const caller = (await spoken("Hello, can you tell me what the weather is like in Paris?", "slt")).samples;
  const sound = mix(others.reduce<Int16Array>(mix, new Int16Array(0)), concatenate([quiet(6_000), caller]));
  const turns = await turnsIn(sound);
  // Until it is known how loud they are, they may be taken for a caller.
  const later = turns.filter(({ startedAt }) => startedAt > 1_000);
  t.is(later.length, 1);
  t.true(near(later[0]?.startedAt, 6_000, 400), `started ${later[0]?.startedAt}`);
});

for (const [what, samples] of [
  ["silence", quiet(5_000)],
  ["a quiet room", noise(80_000, 30)],
  ["clicks of a keyboard", noise(80_000, 4_000).map((sample, index) => (index % 3_400 < 80 ? sample : 0))],
] as const) {
  test(`nobody speaks: ${what}`, async (t) => {
    t.deepEqual(await turnsIn(samples), []);
  });
}

for (const [what, samples] of [
  [
    "a steady tone",
    Int16Array.from({ length: 160_000 }, (_, at) => 3_000 * Math.sin((2 * Math.PI * 440 * at) / rate)),
  ],
  ["noise that has come to stay", concatenate([quiet(1_000), noise(160_000, 2_000)])],
] as const) {
  test(`what lasts becomes background: ${what}`, async (t) => {
    const turns = await turnsIn(samples);
    t.true(turns.length <= 1, `${turns.length} turns`);
    t.true(turns.every(({ endedAt }) => endedAt !== null && endedAt < 7_000));
  });
}

test("the gate follows the background both ways", (t) => {
  const gate = new EnergyGate();
  const hear = (loudness: number, frames: number) => {
    let open = 0;
    for (let frame = 0; frame < frames; frame += 1)
      open += gate.isOpen(level(noise(320, loudness, frame))) ? 1 : 0;
    return open;
  };
  t.is(hear(50, 100), 0);
  t.is(hear(1_000, 10), 10, "louder than the background");
  hear(1_000, 300);
  t.is(hear(1_000, 50), 0, "it has become the background");
  t.is(hear(2_000, 20), 0, "twice as loud is not enough");
  hear(20, 50);
  t.is(hear(2_000, 10), 10, "the background is gone");
});

test("what is freed is given back", async (t) => {
  const { _malloc: malloc, _free: free } = await loadRnnoise();
  const top = () => {
    const pointer = malloc(64);
    free(pointer);
    return pointer;
  };
  (await VoiceActivity.create()).free();
  const before = top();
  for (let count = 0; count < 200; count += 1) {
    const activity = await VoiceActivity.create();
    activity.isVoice(new Int16Array(320));
    activity.free();
    activity.free();
  }
  t.is(top(), before);
});
