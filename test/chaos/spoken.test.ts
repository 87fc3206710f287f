import test from "ava";
import type { Heard } from "../../chaos/fleet/heartbeat-collector.ts";
import { RedisTroubles } from "../../chaos/fleet/redis-troubles.ts";
import { Ledger } from "../../chaos/ledger/ledger.ts";
import { spoken } from "../../chaos/ledger/spoken.ts";
import {
  parts,
  rates,
  sayingOf,
  sentenceIn,
  sentenceSound,
  wordIn,
  wordSound,
} from "../../chaos/spoken/sound.ts";
import { SpokenCall, type Stretch } from "../../chaos/spoken/spoken-call.ts";
import { Timeline } from "../../chaos/timeline.ts";

// The chaos test finds in a spoken call each thing that it is there to find.

const at = 100_000;

/** A call in which a caller said 5 and 8 and had both answered, and then asked with 9 for all. Each test changes one thing. */
function wellSpoken() {
  const timeline = new Timeline();
  const ledger = new Ledger(timeline);
  const call = new SpokenCall("s");
  ledger.spokenCalls.push(call);
  for (const [word, from] of [
    [5, at],
    [8, at + 2_000],
    [9, at + 4_000],
  ] as const) {
    call.taken.set(word, from);
    call.stretches.push(stretch(word, { from: from + 200 }));
  }
  call.list = { at: at + 5_000, asked: 9, words: [5, 8, 9] };
  const heard: Heard[] = [{ session: "s", call: "call", key: "key", pid: 1, times: [at] }];
  const stops: { pid: number; at: number }[] = [];
  const redisTroubles = new RedisTroubles();
  const found = () =>
    spoken(ledger, { heard, flaws: [], redisTroubles, exits: [], stops, slowness: 1 }).map(
      ({ invariant, excuse }) => (excuse === null ? invariant : `${invariant}, allowed`),
    );
  return { ledger, call, heard, stops, redisTroubles, found };
}

function stretch(word: number, { from = at, frames = 20, life = 7, part = 0 }: Partial<Stretch>): Stretch {
  return { word, part, life, frames, from, to: from + frames * 20 };
}

test("nothing is found where all is well", (t) => {
  t.deepEqual(wellSpoken().found(), []);
});

test("two agents that are heard at once, and none where one follows the other", (t) => {
  const { call, found } = wellSpoken();
  call.stretches.push(stretch(5, { part: 1, from: at + 610, life: 8 }));
  t.deepEqual(found(), []);
  call.stretches.push(stretch(5, { part: 2, from: at + 400, frames: 10, life: 8 }));
  t.deepEqual(found(), ["two_voices"]);
});

test("a sentence that is heard twice; it is allowed where its process was stopped before anybody else could know", (t) => {
  const { call, stops, found } = wellSpoken();
  call.stretches.push(stretch(5, { from: at + 9_000, frames: 5 }));
  t.deepEqual(found(), [], "some of it is said again");
  call.stretches.push(stretch(5, { from: at + 10_000, life: 8 }));
  t.deepEqual(found(), ["said_twice"]);
  stops.push({ pid: 2, at: at + 700 });
  t.deepEqual(found(), ["said_twice"], "another process was stopped");
  stops.push({ pid: 1, at: at + 8_000 });
  t.deepEqual(found(), ["said_twice"], "it was stopped long after that");
  stops.push({ pid: 1, at: at + 700 });
  t.deepEqual(found(), ["said_twice, allowed"]);
});

test("a word that was taken and that the agent does not know; Redis may have been away until its process was killed", (t) => {
  const { call, stops, redisTroubles, found } = wellSpoken();
  call.list = { at: at + 5_000, asked: 9, words: [8, 9] };
  t.deepEqual(found(), ["words_lost"]);
  stops.push({ pid: 1, at: at + 20_000 });
  t.deepEqual(found(), ["words_lost"]);
  redisTroubles.happened(at, at + 20_000);
  t.deepEqual(found(), ["words_lost, allowed"]);
});

test("a caller who is answered no more, unless the call has ended by itself", (t) => {
  const { ledger, call, found } = wellSpoken();
  call.unansweredSince = at + 6_000;
  t.deepEqual(found(), ["not_answered"]);
  ledger.told({ at, webhookId: "m", sessionId: "s", endReason: "lost", body: "{}" });
  t.deepEqual(found(), [], "that it was cut is told by another invariant");
});

test("sound tells its words, whoever reads any piece of it", (t) => {
  const word = wordSound(41);
  t.is(wordIn(word.subarray(320, 640)), 41);
  t.is(wordIn(word.subarray(word.length - 320)), null);
  const saying = sayingOf("Part 3 of 41 is long enough for a sentence of its own.");
  t.deepEqual(saying, { word: 41, part: 3 });
  const { buffer } = sentenceSound(saying, 29_999, 20);
  t.is(buffer.byteLength, (2 * 20 * rates.spoken) / 1_000);
  t.deepEqual(sentenceIn(Buffer.from(buffer)), { word: 41, part: 3, life: 29_999 });
  t.is(sentenceIn(Buffer.alloc(960)), null);
  t.deepEqual(sayingOf("Known 12: 4 5 12"), { word: 12, part: parts.answer });
  t.deepEqual(sayingOf("And so on 12."), { word: 12, part: parts.rest });
  t.deepEqual(sayingOf("Sorry, I was cut off for a moment."), { word: 0, part: parts.line });
});
