import test from "ava";
import { HeardText } from "../../src/audio/playback/heard-text.ts";

const aligned = (text: string, characterMs: number, from = 0) => ({
  characters: [...text],
  startMs: [...text].map((_, index) => from + index * characterMs),
});

test("with an alignment: the characters that are over", (t) => {
  const heard = new HeardText("Hello there");
  heard.align(aligned("Hello ", 100));
  heard.align(aligned("there", 50, 600));
  const after = (heardMs: number) => heard.length({ heardMs, totalMs: 850, complete: true });
  t.is(after(0), 0);
  t.is(after(99), 0);
  t.is(after(100), 1);
  t.is(after(599), 5);
  t.is(after(660), 7);
  t.is(after(849), 10, "the last one is not over before the sound is");
  t.is(after(850), 11);
});

test("with an alignment that has come in part: no more than what it tells of", (t) => {
  const heard = new HeardText("Hello there");
  heard.align(aligned("Hello ", 100));
  t.is(heard.length({ heardMs: 10_000, totalMs: 600, complete: false }), 5);
});

test("without one: in proportion", (t) => {
  const heard = new HeardText("0123456789");
  t.is(heard.length({ heardMs: 500, totalMs: 1_000, complete: true }), 5);
  t.is(heard.length({ heardMs: 1_000, totalMs: 1_000, complete: true }), 10);
});

test("while the length of the sound is unknown it is guessed, rather too long", (t) => {
  const heard = new HeardText("x".repeat(100));
  t.is(heard.length({ heardMs: 1_300, totalMs: 1_300, complete: false }), 20);
  t.is(heard.length({ heardMs: 1_300, totalMs: 1_300, complete: true }), 100);
  t.is(heard.length({ heardMs: 6_500, totalMs: 13_000, complete: false }), 50, "longer than the guess");
});

test("an alignment of another text, as the voice reads it, is not counted", (t) => {
  const heard = new HeardText("It costs 20.");
  heard.align(aligned("It costs twenty.", 100));
  t.is(heard.length({ heardMs: 800, totalMs: 1_600, complete: true }), 6);
});

test("characters of two halves are counted as one, and never cut", (t) => {
  const heard = new HeardText("👋👋");
  t.is(heard.length({ heardMs: 50, totalMs: 100, complete: true }), 2);
  t.is(heard.length({ heardMs: 30, totalMs: 100, complete: true }), 0);
  heard.align(aligned("👋👋", 50));
  t.is(heard.length({ heardMs: 50, totalMs: 100, complete: true }), 2);
});

test("a voice may tell of the markup that it performs, or leave it out", (t) => {
  const text = '[laughs] Hi <break time="1s"/> you';
  const after = (told: string, heardMs: number) => {
    const heard = new HeardText(text);
    heard.align(aligned(told, 100));
    return text.slice(0, heard.length({ heardMs, totalMs: told.length * 100, complete: true }));
  };
  t.is(after("Hi you", 200), "[laughs] Hi");
  t.is(after("Hi you", 599), '[laughs] Hi <break time="1s"/> yo');
  t.is(after(text, 1_100), "[laughs] Hi");
  t.is(after("Hi you", 600), text);
});
