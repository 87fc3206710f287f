import test from "ava";
import { harmless } from "../../../src/runner/terminal/paint.ts";
import { textWidth, wrap } from "../../../src/runner/terminal/text-width.ts";

test("rows are broken between words, and hold what fits", (t) => {
  t.deepEqual(wrap("one two three", 7), ["one two", "three"]);
  t.deepEqual(wrap("one two ", 7), ["one two "]);
  t.deepEqual(wrap("a\n\nb", 7), ["a", "", "b"]);
  t.deepEqual(wrap("", 7), [""]);
});

test("a word that is longer than a row is broken inside", (t) => {
  t.deepEqual(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
  t.deepEqual(wrap("x abcdefghij y", 4), ["x", "abcd", "efgh", "ij y"]);
});

test("signs that take two columns count as two, and are never cut", (t) => {
  t.is(textWidth("漢字"), 4);
  t.is(textWidth("👩‍👩‍👧 é"), 4);
  t.deepEqual(wrap("漢字漢字", 5), ["漢字", "漢字"]);
});

test("words that come in pieces make the same rows as words that come at once", (t) => {
  const text = "In Paris it is 15 °C, partly cloudy, and in Rome it is 20 °C and sunny.";
  let row = "";
  const rows: string[] = [];
  for (const piece of text.match(/.{1,3}/gs) ?? []) {
    const wrapped = wrap(row + piece, 20);
    row = wrapped.pop() ?? "";
    rows.push(...wrapped);
  }
  t.deepEqual([...rows, row], wrap(text, 20));
});

test("colours take no room and are never cut", (t) => {
  const [on, off] = ["\u001b[31m", "\u001b[39m"];
  t.is(textWidth(`${on}red${off}`), 3);
  t.deepEqual(wrap(`${on}one two three${off}`, 7), [`${on}one two`, `three${off}`]);
  t.deepEqual(wrap(`${on}abcd${off}ef`, 4), [`${on}abcd${off}`, "ef"]);
});

test("only lines and tabs are left of what controls a terminal", (t) => {
  t.is(harmless("a\u001b[31mb\u0007\r\n\tc\u009b2J\u007f"), "a[31mb\n\tc2J");
});
