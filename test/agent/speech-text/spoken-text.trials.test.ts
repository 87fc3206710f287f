import test from "ava";
import fc from "fast-check";
import { SpeechText, type SpeechTextOptions } from "../../../src/agent/speech-text/speech-text.ts";
import { trials } from "../../fixtures/trials.ts";
import { heardOf, piecesOf, spoken } from "./spoken.ts";

const cases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "plain words stay as they are": {
    "Hello there, how are you?": "Hello there, how are you?",
    "It costs $5.50 (or 3 %), at 10:30 — fine… isn't it; “yes”!":
      "It costs $5.50 (or 3 %), at 10:30 — fine… isn't it; “yes”!",
    "C# and #1, 2 * 3 = 6, 2*3, 5 > 3, 10^6, ~5 km, 20 °C, №5":
      "C# and #1, 2 * 3 = 6, 2*3, 5 > 3, 10^6, ~5 km, 20 °C, №5",
    "2**3 and 2**10": "2^3 and 2^10",
    "A List<String> and an Option<T>.": "A List<String> and an Option<T>.",
    "col·lecció, naïve, e-mail, AT&T, and/or": "col·lecció, naïve, e-mail, AT&T, and/or",
    "你好，世界。 مرحبا؟ हिन्दी है। क्\u200Dष": "你好，世界。 مرحبا؟ हिन्दी है। क्\u200Dष",
  },
  emphasis: {
    "**bold** and __bold__": "bold and bold",
    "*it* and _it_ and ***both***": "it and it and both",
    "**Note:** *yes*, **5** of *7*": "Note: yes, 5 of 7",
    "**Step 1**2 eggs": "Step 1 2 eggs",
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
    "[note] {x} C:\\temp \\*star\\*": "note x C: temp star",
  },
  HTML: {
    "a<br>b <b>bold</b> <!-- gone -->&amp; c&nbsp;d": "a b bold & c d",
    "1 < 2 and <script>alert": "1 < 2 and",
  },
  lines: {
    "Wrapped\nin the middle": "Wrapped in the middle",
    "A line\nAnother line": "A line. Another line",
    "A line.\nAnother line,\nand more:\nOK": "A line. Another line, and more: OK",
    "no stop\n": "no stop.",
    "日本語\n次の行\n": "日本語。 次の行。",
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

test("what was heard is told in the characters of the source", (t) => {
  const source = "**Hello** [dear](https://example.com) 🎉 friend_s";
  const pieces = piecesOf([source]);
  const text = pieces.map((piece) => piece.text).join(" ");
  t.is(text, "Hello dear friend s");
  const heard = (said: string) => heardOf(pieces, text.indexOf(said) + said.length);
  t.is(heard("Hello"), "**Hello");
  t.is(heard("Hello "), "**Hello** ");
  t.is(heard("dea"), "**Hello** [dea");
  // With its last letter the link is over.
  t.is(heard("dear"), "**Hello** [dear](https://example.com)");
  t.is(heard("dear "), "**Hello** [dear](https://example.com) 🎉 ");
  t.is(heard("friend s"), source);
});

test("where nothing is spoken, all is heard at once", (t) => {
  t.is(piecesOf(["🎉🎉"])[0]?.toSource(0), 4);
  t.deepEqual(piecesOf([""]), []);
});

// Properties

const part = fc.constantFrom(
  ...'Hello world 5 7.5 e.g. am 3. Juni * ** *** _ __ ` `` ``` ~~ ~~~ # ## - + > | |--|--| [ ] ( ) [a](b) ![c](d) ](http://x [^1] [1] [2, 3] 【4†s】 【 press <b> </b> <i> <br> <ul><li> <p> </p> a<b c>d <think> </think> <tool_call> </tool_call> <break/> <!-- --> &amp; &lt; &#8217; & https://a.example/b?c http:// www. www.x.org data:image/png;base64,AAAA mailto:a@b.c <a@b.c> <|im_end|> <| {"a": } {"b":[1]} [{"c":2}] { print( default_api. print(default_api.x(y=\'z\')) get_x(a=1) tool_code \\frac{1}{2} \\frac{ \\( \\) $x^2$ $5 $ 😀 👍🏽 👨‍👩‍👧 🇩🇪 1️⃣ ™ → -> => • · \u200D \u200B \uFE0F \uD83D \uDE00 \u0000 \uE000 \uE200 \uE201 日本 です。 สวัสดี है । ! ? . , : ; … … \\ \\* { } ~ ^ = == 2*3 snake_case [laughs] [short pause] \t'.split(
    " ",
  ),
  " ",
  "\n",
  "\n\n",
  "  ",
  "\n```\n",
  "\n```js\n",
);
const source = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(fc.tuple(part, fc.constantFrom("", " ", " ", "\n")), { maxLength: 40 })
      .map((parts) => parts.flat().join("")),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 100 }) },
);
/** The parts of a text that is cut anywhere, also in the middle of characters. */
const inParts = source.chain((whole) =>
  fc.array(fc.nat({ max: whole.length }), { maxLength: 20 }).map((cuts) => {
    const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
    return { whole, parts: places.slice(1).map((place, index) => whole.slice(places[index], place)) };
  }),
);
const options = fc.constantFrom<SpeechTextOptions>(
  {},
  { markup: { directions: true } },
  { markup: { tags: ["break", "b"] } },
  { sentences: { maxLength: 30, minLength: 0 } },
  { transforms: [] },
  { pronunciations: { Hello: "Hallo", "7.5": "seven and a half", 日本: "にほん" } },
  { transforms: [(sentence) => sentence.toUpperCase(), { start: "[a](", end: ")" }] },
);
const plain = (pieces: ReturnType<typeof piecesOf>) =>
  pieces.map(({ source: written, start, text }) => ({ written, start, text }));

test("the pieces, and what is spoken of them, do not depend on how the text came", (t) => {
  fc.assert(
    fc.property(inParts, options, ({ whole, parts }, given) => {
      t.deepEqual(plain(piecesOf(parts, given)), plain(piecesOf([whole], given)));
    }),
    { numRuns: trials(300, 1_500) },
  );
  fc.assert(
    fc.property(source, options, (whole, given) => {
      t.deepEqual(plain(piecesOf(whole.split(""), given)), plain(piecesOf([whole], given)));
    }),
    { numRuns: trials(140, 700) },
  );
});

test("the sources of the pieces joined are the text", (t) => {
  fc.assert(
    fc.property(inParts, options, ({ whole, parts }, given) => {
      let at = 0;
      for (const piece of piecesOf(parts, given)) {
        if (piece.start !== at || piece.source !== whole.slice(at, at + piece.source.length)) return false;
        at += piece.source.length;
      }
      return at === whole.length;
    }),
    { numRuns: trials(200, 1_000) },
  );
  t.pass();
});

const unspeakable =
  /[\n\r\t`|\\[\]{}]|\*\*|~~|\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Cc}|\p{Cs}|\p{Co}|\uFE0F|\u200B| {2}|^\s|\s$|<\/?b>|https?:\/\/\w|default_api|<\/?think>/u;

test("nothing is left that cannot be spoken", (t) => {
  fc.assert(
    fc.property(source, (text) => {
      for (const { text: said } of piecesOf([text])) {
        t.notRegex(said, unspeakable, JSON.stringify(text));
        if (said !== "") t.regex(said, /[\p{L}\p{N}]/u);
      }
    }),
    { numRuns: trials(400, 2_000) },
  );
});

test("what is heard never shrinks, never cuts a character, and ends with all", (t) => {
  fc.assert(
    fc.property(source, options, (text, given) => {
      for (const { source: written, text: said, toSource } of piecesOf([text.toWellFormed()], given)) {
        let last = 0;
        for (let length = 0; length <= said.length + 1; length++) {
          const heard = toSource(length);
          const cut = written.slice(0, heard);
          if (heard < last || (written.isWellFormed() && !cut.isWellFormed())) return false;
          last = heard;
        }
        if (last !== written.length) return false;
      }
      return true;
    }),
    { numRuns: trials(200, 1_000) },
  );
  t.pass();
});

const word = fc.stringMatching(/^[A-Za-zäöüßéñ]{1,10}$/);
const sentence = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 12 }), fc.constantFrom(".", "!", "?", "…"))
  .map(([words, stop]) => `${words.join(" ")}${stop}`);

test("words without marks stay as they are, and each knows its place", (t) => {
  fc.assert(
    fc.property(fc.array(sentence, { minLength: 1, maxLength: 5 }), (sentences) => {
      const text = sentences.join(" ");
      const pieces = piecesOf([text]);
      t.is(pieces.map((piece) => piece.text).join(" "), text);
      for (const piece of pieces) {
        const gap = piece.source.indexOf(piece.text);
        for (let length = 1; length < piece.text.length; length++) t.is(piece.toSource(length), gap + length);
      }
    }),
  );
});

test("no word of a block that is not meant for listeners is spoken, nor one of the others lost", (t) => {
  const line = fc.stringMatching(/^[a-z]{4,8}( [a-z]{4,8}){0,6}[.!?]$/);
  const secret = fc.array(fc.stringMatching(/^secret[a-z. ]{0,30}$/), { maxLength: 5 });
  const blocks: readonly ((lines: readonly string[]) => string)[] = [
    (lines) => `\n\`\`\`js\n${lines.join("\n")}\n\`\`\`\n`,
    (lines) => `\n~~~\n${lines.join("\n")}\n~~~\n`,
    (lines) => ` <think>${lines.join("\n")}</think> `,
    (lines) => ` <tool_call>${lines.join("\n")}</tool_call> `,
    (lines) => ` <!-- ${lines.join("\n")} --> `,
    (lines) => ` ${JSON.stringify({ key: lines })} `,
    (lines) => ` ${JSON.stringify([{ key: lines }], null, 2)} `,
    (lines) => ` print(default_api.secret(${lines.map((text) => `a='${text}'`).join(", ")})) `,
    (lines) => ` secret_tool(a=${JSON.stringify(lines)}) `,
  ];
  fc.assert(
    fc.property(
      line,
      secret,
      line,
      fc.constantFrom(...blocks),
      fc.nat(200),
      (before, lines, after, block, cut) => {
        const text = `${before}${block(lines)}${after}`;
        const said = piecesOf([text.slice(0, cut), text.slice(cut)])
          .map((piece) => piece.text)
          .filter((piece) => piece !== "");
        t.is(said.join(" "), `${before} ${after}`);
      },
    ),
    { numRuns: trials(100, 500) },
  );
});

test("a long text is cleaned in no time", (t) => {
  for (const unit of [
    "a",
    "a.",
    "a_",
    "*",
    "[",
    "](",
    "<",
    "<a ",
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
    "\\frac{",
    "$",
    '{"',
    "(",
    "【",
  ]) {
    t.true(spoken(unit.repeat(5_000)).length <= unit.length * 8_000);
    const text = new SpeechText();
    for (let index = 0; index < 2_000; index++) text.push(unit);
    t.is(text.flush().length >= 0, true);
  }
});
