import test from "ava";
import fc from "fast-check";
import {
  cutText,
  cutTextStart,
  isBlank,
  toJson,
  wellFormed,
  wellFormedJson,
} from "../../../src/shared/text.ts";

const anyText = fc.string({ unit: "binary" });

test("a text is never cut within a character", (t) => {
  t.is(cutText("ab👍", 3), "ab");
  t.is(cutText("ab👍🏽c", 4, "…"), "ab…");
  t.is(cutText("e\u0301e\u0301", 3), "e\u0301");
  t.is(cutTextStart("👍ab", 3), "ab");
  t.is(cutText("short", 10, "…"), "short");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat({ max: 40 }), (text, length) => {
      const [begin, end] = [cutText(text, length), cutTextStart(text, length)];
      return (
        begin.length <= length &&
        end.length <= length &&
        text.startsWith(begin) &&
        text.endsWith(end) &&
        begin.isWellFormed() &&
        end.isWellFormed()
      );
    }),
  );
});

test("JSON text is well-formed in every string and key, and else the same", (t) => {
  const halves = { "\ud83d": ["\ude00", { deep: "a\ud800b" }], whole: "👍", escaped: "\\ud83d" };
  const mended = { "\ufffd": ["\ufffd", { deep: "a\ufffdb" }], whole: "👍", escaped: "\\ud83d" };
  t.deepEqual(JSON.parse(toJson(halves)), mended);
  t.deepEqual(wellFormed(halves), mended as unknown as typeof halves);
  t.is(wellFormedJson('"\\ud83d\\ude00"'), '"\\ud83d\\ude00"');
  fc.assert(
    fc.property(fc.dictionary(anyText, fc.array(anyText)), (value) => {
      const read = JSON.stringify(JSON.parse(toJson(value)));
      return read === JSON.stringify(wellFormed(value)) && !/\\ud[89a-f]/.test(read.replaceAll("\\\\", ""));
    }),
  );
});

test("blanks are nothing to hear; a sign or a picture is something", (t) => {
  for (const blank of ["", " \n", "\u200b", "\ufeff", "\u0000", "\ud83d"]) t.true(isBlank(blank));
  for (const some of ["a", "7", "…", "👍", "はい"]) t.false(isBlank(some));
});
