import test from "ava";
import fc from "fast-check";
import { SentenceSplitter } from "../src/agent/sentences.ts";
import { type SpokenContext, spokenText } from "../src/agent/spoken-text.ts";

const spoken = (source: string) => spokenText(source).text;

const cases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "plain words stay as they are": {
    "Hello there, how are you?": "Hello there, how are you?",
    "It costs $5.50 (or 3 %), at 10:30 — fine… isn't it; “yes”!":
      "It costs $5.50 (or 3 %), at 10:30 — fine… isn't it; “yes”!",
    "C# and #1, 2 * 3 = 6, 2*3, 5 > 3, 10^6, ~5 km, 20 °C, №5":
      "C# and #1, 2 * 3 = 6, 2*3, 5 > 3, 10^6, ~5 km, 20 °C, №5",
    "col·lecció, naïve, e-mail, AT&T, and/or": "col·lecció, naïve, e-mail, AT&T, and/or",
    "你好，世界。 مرحبا؟ हिन्दी है। क्\u200Dष": "你好，世界。 مرحبا؟ हिन्दी है। क्\u200Dष",
  },
  emphasis: {
    "**bold** and __bold__": "bold and bold",
    "*it* and _it_ and ***both***": "it and it and both",
    "**Note:** *yes*, **5** of *7*": "Note: yes, 5 of 7",
    "~~struck~~ out": "struck out",
    "snake_case_name, __init__": "snake case name, init",
    "an **unclosed one": "an unclosed one",
  },
  code: {
    "run `npm start` twice": "run npm start twice",
    "```ts\nconst a = 1;\n```\nThat is it.": "That is it.",
    "Look:\n~~~\ncode\n~~~\nDone.": "Look: Done.",
    "an ```inline``` one": "an inline one",
    "```inline``` first": "inline first",
  },
  "links keep their label": {
    'see [the docs](https://example.com/a_(b)?c=d "title") now': "see the docs now",
    "[![Status](badge.svg)](https://ci.example)": "Status",
    "![A cat](cat.png) sleeps": "A cat sleeps",
    "[label][ref] and [other][]": "label and other",
    "text\n\n[ref]: https://example.com/x\n": "text.",
    "As shown[1], and again.[2, 3] Noted.[^4]": "As shown, and again. Noted.",
    "the rest](https://example.com/x) of it": "the rest of it",
  },
  "addresses are said by their host": {
    "See https://www.example.com/a/b.html?c=d#e.": "See example.com.",
    "(https://example.com)": "(example.com)",
    "at https://user:secret@example.com/x, ok": "at example.com, ok",
    "<https://example.com/x> or <a@b.example>": "example.com or a@b.example",
    "mailto:a@b.example or www.example.org": "a@b.example or example.org",
  },
  "headings and lists": {
    "# A title\nand text": "A title. and text",
    "## Closed ##\n\nText.": "Closed. Text.",
    "- milk\n- eggs\n* bread\n": "milk. eggs. bread.",
    "- [x] done\n- [ ] to do": "done. to do",
    "1. First\n2. Second.": "1. First. 2. Second.",
    "You need:\n\n- milk,\n- eggs": "You need: milk, eggs",
    "> quoted\n> > twice": "quoted twice",
    "above\n\n---\n\nbelow": "above. below",
    "Title\n=====\nText": "Title. Text",
    " - an item after a piece": "an item after a piece",
  },
  tables: {
    "| Name | Age |\n|:-----|----:|\n| Ann | 5 |\n| Bob | 7 |": "Name, Age. Ann, 5. Bob, 7",
    "a | b\n--|--\n1 | 2": "a, b. 1, 2",
  },
  emojis: {
    "Great! 🎉🎉": "Great!",
    "I am fine 😀.": "I am fine.",
    "one 👨‍👩‍👧 two": "one two",
    "👍🏽 Yes ❤️, 🇩🇪 flag": "Yes, flag",
    "Hi🎉there": "Hi there",
    "1️⃣ First": "1 First",
    "Really⁉ Yes‼": "Really? Yes!",
    "Brand™ ©2024": "Brand 2024",
  },
  "signs without a sound": {
    "A → B -> C => D": "A, B, C, D",
    "one • two · three": "one, two, three",
    "soft\u00ADhyphen, zero\u200Bwidth, \uFEFFmark": "softhyphen, zerowidth, mark",
    "bell\u0007 and \uE000private": "bell and private",
    "lone \uD83D half": "lone half",
    "wait!!!!! what????": "wait! what?",
    "and so on......": "and so on...",
    "┌──┐ boxes": "boxes",
    "[laughs] {x} C:\\temp \\*star\\*": "laughs x C: temp star",
  },
  HTML: {
    "a<br>b <b>bold</b> <!-- gone -->&amp; c&nbsp;d": "a b bold & c d",
    "1 < 2 and <script>alert": "1 < 2 and alert",
  },
  lines: {
    "Wrapped\nin the middle": "Wrapped in the middle",
    "A line\nAnother line": "A line. Another line",
    "A line.\nAnother line,\nand more:\nOK": "A line. Another line, and more: OK",
    "no stop\n": "no stop.",
    "日本語\n次の行\n": "日本語。次の行。",
    "\r\n  spaces \t and\u00A0more  \r\n\r\nHere": "spaces and more. Here",
  },
  "nothing to say": {
    "": "",
    "  \n": "",
    "🎉": "",
    "...": "",
    "---": "",
    "**": "",
    "?!": "",
    "```": "",
    "| --- |": "",
  },
};

for (const [name, texts] of Object.entries(cases)) {
  test(name, (t) => {
    for (const [source, expected] of Object.entries(texts)) t.is(spoken(source), expected, source);
  });
}

test("a block of code that comes in pieces is left out, whatever the pieces are", (t) => {
  let context: SpokenContext = "prose";
  const said = ["Look:\n", "```js\n", "const a = 1;\n\n", "// Done. Really.\n", "```\n", "That is it."].map(
    (piece) => {
      const result = spokenText(piece, context);
      context = result.context;
      return result.text;
    },
  );
  t.deepEqual(said, ["Look:", "", "", "", "", "That is it."]);
});

test("a block of code that never ends is left out", (t) => {
  t.is(spoken("Look:\n```\ncode\nmore code"), "Look:");
  t.is(spokenText("Look:\n```\ncode").context, "code");
});

test("what was heard is told in the characters of the original", (t) => {
  const source = "**Hello** [dear](https://example.com) 🎉 friend_s";
  const { text, toOriginal } = spokenText(source);
  t.is(text, "Hello dear friend s");
  const heard = (said: string) => source.slice(0, toOriginal(text.indexOf(said) + said.length));
  t.is(heard("Hello"), "**Hello");
  t.is(heard("Hello "), "**Hello** ");
  t.is(heard("dear"), "**Hello** [dear");
  t.is(heard("dear "), "**Hello** [dear](https://example.com) 🎉 ");
  t.is(heard("friend s"), source);
  t.is(toOriginal(0), 0);
});

test("where nothing is spoken, all is heard at once", (t) => {
  t.is(spokenText("🎉🎉").toOriginal(0), 4);
  t.is(spokenText("").toOriginal(0), 0);
});

// Properties

const part = fc.constantFrom(
  ..."Hello world 5 7.5 e.g. * ** *** _ __ ` ``` ~~ ~~~ # ## - + > | |--|--| [ ] ( ) [a](b) ![c](d) ](http://x [^1] [1] <b> </b> <br> <!-- --> &amp; &lt; https://a.example/b?c http:// www. 😀 👍🏽 👨‍👩‍👧 🇩🇪 1️⃣ ™ → -> => • · \u200D \u200B \uFE0F \uD83D \uDE00 \u0000 \uE000 日本 है । ! ? . , : ; … … \\ \\* { } ~ ^ = == 2*3 snake_case \t".split(
    " ",
  ),
  " ",
  "\n",
  "\n\n",
  "  ",
);
const source = fc.oneof(
  fc
    .array(fc.tuple(part, fc.constantFrom("", " ", " ", "\n")), { maxLength: 40 })
    .map((parts) => parts.flat().join("")),
  fc.string({ unit: "binary", maxLength: 100 }),
);
const context = fc.constantFrom<SpokenContext>("prose", "code");

const unspeakable =
  /[\n\r\t`|\\[\]{}]|\*\*|~~|\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Cc}|\p{Cs}|\p{Co}|\uFE0F|\u200B| {2}|^\s|\s$|<\/?b>|https?:\/\/\w/u;

test("nothing is left that cannot be spoken", (t) => {
  fc.assert(
    fc.property(source, context, (text, given) => {
      const said = spokenText(text, given).text;
      t.notRegex(said, unspeakable, JSON.stringify(text));
      return said === "" || /[\p{L}\p{N}]/u.test(said);
    }),
    { numRuns: 2_000 },
  );
});

test("letters and digits are those of the original, in order, and each knows its place", (t) => {
  fc.assert(
    fc.property(source, context, (text, given) => {
      const { text: said, toOriginal } = spokenText(text, given);
      for (const [index, unit] of said.split("").entries()) {
        if (index === said.length - 1 || !/[\p{L}\p{N}]/u.test(unit)) continue;
        if (text[toOriginal(index + 1) - 1] !== unit) return false;
      }
      return true;
    }),
    { numRuns: 2_000 },
  );
  t.pass();
});

test("what is heard never shrinks, never cuts a character, and ends with all", (t) => {
  fc.assert(
    fc.property(source, context, (text, given) => {
      const original = text.toWellFormed();
      const { text: said, toOriginal } = spokenText(original, given);
      let last = 0;
      for (let length = 0; length <= said.length + 1; length++) {
        const heard = toOriginal(length);
        if (heard < last || !original.slice(0, heard).isWellFormed()) return false;
        last = heard;
      }
      return last === original.length;
    }),
    { numRuns: 1_000 },
  );
  t.pass();
});

test("words without marks stay as they are", (t) => {
  const word = fc.stringMatching(/^[A-Za-zäöüßéñ]{1,10}$/);
  const sentence = fc
    .tuple(fc.array(word, { minLength: 1, maxLength: 12 }), fc.constantFrom(".", "!", "?", "…"))
    .map(([words, stop]) => `${words.join(" ")}${stop}`);
  fc.assert(
    fc.property(fc.array(sentence, { minLength: 1, maxLength: 5 }), (sentences) => {
      const text = sentences.join(" ");
      const { text: said, toOriginal } = spokenText(text);
      return said === text && [...said].every((_, index) => toOriginal(index) === index);
    }),
  );
  t.pass();
});

test("sentence by sentence no word of a block of code is spoken, nor one of the others lost", (t) => {
  const line = fc.stringMatching(/^[a-z]{4,8}( [a-z]{4,8}){0,6}[.!?]$/);
  const block = fc.record({
    before: line,
    code: fc.array(fc.stringMatching(/^secret[a-z. ]{0,30}$/), { maxLength: 5 }),
    after: line,
  });
  fc.assert(
    fc.property(block, ({ before, code, after }) => {
      const text = `${before}\n\`\`\`js\n${code.join("\n")}\n\`\`\`\n${after}`;
      const splitter = new SentenceSplitter();
      let state: SpokenContext = "prose";
      const said = [...splitter.push(text), ...splitter.flush()].map((sentence) => {
        const result = spokenText(sentence.text, state);
        state = result.context;
        return result.text;
      });
      t.is(said.join(" ").replaceAll(/\s+/g, " ").trim(), `${before} ${after}`);
    }),
  );
});

test("a long text is cleaned in no time", (t) => {
  for (const unit of [
    "a",
    "*",
    "[",
    "](",
    "<",
    "<!--",
    "`",
    "| ",
    "😀",
    "\n- ",
    "# ",
    "https://a/",
    "&amp;",
    "- ",
    "\\",
  ]) {
    t.true(spoken(unit.repeat(20_000)).length <= unit.length * 20_000);
  }
});
