import test from "ava";
import fc from "fast-check";
import {
  type Sentence,
  type SentenceOptions,
  SentenceSplitter,
} from "../../../src/agent/speech-text/sentences/sentence-splitter.ts";
import { trials } from "../../fixtures/trials.ts";

/** The pieces of a text that is pushed in these parts. */
function pieces(parts: readonly string[], options?: SentenceOptions): Sentence[] {
  const splitter = new SentenceSplitter(options);
  return [...parts.flatMap((part) => splitter.push(part)), ...splitter.flush()];
}

/** The sentences of a text, without the white space around them; each by itself. */
const sentences = (text: string) =>
  pieces([text], { minLength: 0, firstClauseWords: Number.POSITIVE_INFINITY })
    .map((piece) => piece.text.trim())
    .filter((piece) => piece !== "");

/** Returns the pieces that are complete once this was pushed. */
const early = (text: string, options?: SentenceOptions) =>
  new SentenceSplitter(options).push(text).map((piece) => piece.text);

const cases: Readonly<Record<string, readonly string[]>> = {
  sentences: ["This is one.", "This is another!", "Is it?", "Yes it is."],
  titles: ["Mr. Smith met Dr. Jones, Prof. Lee and St. Peter.", "They left."],
  "Latin abbreviations": ["Take fruit, e.g. apples, i.e. the red ones, vs. pears, cf. below.", "Good."],
  "initials and countries": ["J. R. R. Tolkien never saw the U.S. Senate or the U.K. Parliament.", "True."],
  companies: ["Smith Inc. announced it.", "It was Smith Inc.", "Then Jones Ltd. followed."],
  "etc. within and at the end": ["Pears, apples etc. are fruit.", "Pears, apples, etc.", "Then nuts."],
  "times of the day": [
    "Come at 5 p.m. on Monday, or at 10 a.m. tomorrow.",
    "It ends at 6 p.m.",
    "Then we go.",
  ],
  "No. before a number, and as an answer": ["It is No. 5 of p. 12.", "No.", "I am sure."],
  months: ["On Jan. 5 it rained.", "On Sat. at noon too."],
  numbers: ["It costs 3.50 or 1,000.25 or .5 in total.", "In 2010.", "Then more."],
  "ordinals of other languages": ["Am 3. mai kom han.", "Bra."],
  German: ["Das ist z. B. ein Test, d.h. etwas, bzw. ca. 3 Stück.", "Herr Dr. Meier kam."],
  "German ordinals": [
    "Ich komme am 3. Juni oder am 15. März.",
    "Der 2. Weltkrieg endete am 8. Mai.",
    "Am 3. 10. 2025 ist zu.",
    "Er wohnt im 3. Stock.",
    "Ich habe 3.",
    "Danach hatte ich 12.",
    "Gut.",
  ],
  "a number at the end": ["I am 30.", "You are 40.", "It is 5.", "Then we go."],
  "German titles and streets": [
    "Frau Dr. med. Weber und Dr. rer. nat. Kurz kommen.",
    "Die Hauptstr. 12 ist es, nicht die Gartenstr. 5.",
    "Ihre Kundennr. 47 kostet 3 Mio. Euro inkl. MwSt. und Versand.",
  ],
  "German companies": ["Müller & Co. KG und Gebr. Maier & Co. OHG liefern.", "Das ist Müller & Co.", "Gut."],
  "days of the week": ["Offen Mo.–Fr. 8–18 Uhr.", "Von Mo.–Fr. ist auf."],
  "numbers of rulers and wars": [
    "Padişah II. Abdülhamid ve oğlu III. Mehmed geldi.",
    "Im II. Weltkrieg und in World War II.",
    "Germany lost.",
    "Das war Wilhelm II.",
    "Danach kam keiner.",
  ],
  "Vietnamese titles": ["TS. Nguyễn và PGS.TS. Trần đến hôm nay.", "Tốt."],
  Ukrainian: ["Адреса: вул. Лесі, буд. 5, оф. 12 на 3 поверсі.", "Так."],
  "quotes in French": ["« Bonjour. » dit-il, « ça va ? » dit-elle.", "« Oui. »", "Il part."],
  "dates and lists of numbers": ["It was on January 1, 1980, not on March 3, 2027.", "Take 1, 2, 3.", "Go."],
  "a pause in dots": ["Wait . . . and see.", "Good."],
  "letters at the end": ["Take vitamin C.", "It helps.", "He lives in the U.S.", "They do too."],
  "a day after the time": [
    "Come at 3 p.m. Eastern time, or 4 p.m. ET at the latest.",
    "See you at 5 p.m.",
    "Bring it.",
  ],
  French3: ["Prenez p. ex. le train, c.-à-d. celui de 8 h.", "MM. Dupont et Roy y sont.", "Bien."],
  Spanish3: ["Vive en EE. UU. desde 1999.", "Llame a Ud. o a la Avda. Mayor, núm. 5.", "Vale."],
  Italian: ["Il sig. Rossi e la dott.ssa Neri, ecc. sono qui.", "La via n. 5.", "Bene."],
  Portuguese: ["O Dr. Silva e a Sra. Costa, na Av. Paulista.", "Certo."],
  Dutch: ["Dhr. de Vries en mevr. Bos, bijv. om ca. 3 uur.", "Goed."],
  Polish: ["Przy ul. Długiej, np. w 2020 r. w maju, itd. tak.", "Dobrze."],
  Russian: ["г. Москва, ул. Ленина, д. 5, и т.д. здесь.", "Да."],
  "Greek questions": ["Τι κάνεις;", "Καλά."],
  "Hindi titles": ["डॉ. शर्मा आएँगे।", "ठीक है।"],
  "a quote that goes on in Japanese": ["「はい。」と言いました。", "次です。"],
  Spanish: ["¿Cómo está la Sra. García?", "¡Bien!", "El Sr. López también."],
  French: ["M. Dupont et Mme. Martin sont là.", "Bonjour !", "Ça va ?", "Oui."],
  "clock times and ratios": ["At 10:30 the score is 2:1.", "Fine."],
  addresses: [
    "See https://www.example.com/a.b?c=d!e or example.org/x.",
    "Mail to a.b@c.example now.",
    "Done.",
  ],
  "versions and files": ["Use v2.5.1 of index.html, in node.js.", "Done."],
  "an ellipsis within a sentence": ["Well... maybe, or… not at all.", "OK."],
  "an ellipsis at the end": ["I wonder...", "Maybe not.", "And so on…", "Then it stopped."],
  "several stops": ["What?!", "Really!!", "No way?!?", "Yes."],
  "quotes after the stop": ['He said "Go."', "She went.", "“Why?”", "‘Because.’", "«Oui.»", "Fine."],
  "a question within a sentence": ['"Really?" he asked.', "(Is it?) it is.", "Yes."],
  "brackets after the stop": ["It works (see below.)", "It does [really.]", "Good."],
  "Markdown after the stop": ["**It works.**", "*It does!*", "`Good.`", "Done."],
  "an emoji after the stop": ["Great!🎉", "Thank you.👍🏽", "See you.👨‍👩‍👧", "🎉 Bye."],
  Chinese: ["你好。", "我很好！", "是吗？", "他说：「是的。」", "对；", "好的……", "我想想。"],
  "Chinese with Latin stops": ["你好!", "我很好?", "是的.", "好。"],
  Japanese: ["はい。", "そうです！", "『本当？』", "３．１４です。"],
  Hindi: ["यह एक वाक्य है।", "यह दूसरा है॥", "ठीक?"],
  "Arabic and Urdu": ["مرحبا؟", "نعم.", "یہ ہے۔", "ٹھیک۔"],
  "Armenian, Ethiopic, Burmese, Khmer": ["Բարեւ։", "ሰላም።", "မင်္ဂလာပါ။", "សួស្តី។", "OK."],
  Korean: ["안녕하세요.", "반갑습니다!", "네."],
  Greek: ["Τι κάνεις\u037E", "Καλά."],
  lines: ["A heading", "Another line", "And the last"],
  "list items": ["- One thing", "- Another thing", "* A third"],
  "numbered items": ["1. Take it.", "2. Use it.", "10. Put it back."],
  "items within a line": ["There are two: 1. First do this.", "2. Then do that."],
  "a wrapped line goes on": ["This is a line\nthat was wrapped.", "Another."],
  paragraphs: ["one paragraph", "and another"],
};

for (const [name, expected] of Object.entries(cases)) {
  test(`told apart: ${name}`, (t) => {
    const joint = name === "paragraphs" ? "\n\n" : /line|list items|numbered/.test(name) ? "\n" : " ";
    const wrapped = name === "a wrapped line goes on" ? " " : joint;
    // What has no spaces between its sentences is written without them.
    const text = expected.join(/^(Chinese|Japanese)|in Japanese$/.test(name) ? "" : wrapped);
    t.deepEqual(sentences(text), [...expected]);
  });
}

test("sentences that were written without a space between them are told apart", (t) => {
  const glued = (text: string) =>
    pieces([text], { minLength: 0, firstClauseWords: Infinity }).map((piece) => piece.text);
  t.deepEqual(glued("Hello!How are you?Fine. It works.Now try it."), [
    "Hello!",
    "How are you?",
    "Fine.",
    " It works.",
    "Now try it.",
  ]);
  t.deepEqual(glued("I'm fine.Thanks."), ["I'm fine.", "Thanks."]);
  t.deepEqual(glued("안녕하세요.반갑습니다!네.알겠습니다"), [
    "안녕하세요.",
    "반갑습니다!",
    "네.",
    "알겠습니다",
  ]);
  for (const whole of [
    "Use Node.JS and node.Js here",
    "See example.Com/x or v2.Beta",
    "Yahoo!s and What?ever",
  ]) {
    t.deepEqual(glued(whole), [whole]);
  }
});

test("a text without stops begins before it is long, between words", (t) => {
  const texts = [
    "so what you want to do first is open the settings on your phone and then go to the network section where you will find a list of all connections",
    "ja also das Paket ist heute Morgen bei uns rausgegangen und sollte morgen Vormittag bei Ihnen sein es sei denn der Fahrer hat zu viele Pakete dabei",
    "คุณสามารถเปลี่ยนวันนัดหมายได้โดยโทรหาเราหรือส่งข้อความมาที่หมายเลขนี้และเจ้าหน้าที่ของเราจะติดต่อกลับภายในหนึ่งชั่วโมง",
    "您可以先打开手机的设置然后进入网络部分在那里您会看到手机知道的所有连接的列表请选择最上面的那个因为那是您在家里使用的网络",
  ];
  for (const text of texts) {
    const [first] = pieces([text]);
    const end = first?.text.length ?? 0;
    t.true(end > 20 && end < 140, first?.text);
    const borders = [...new Intl.Segmenter("th", { granularity: "word" }).segment(text)].map(
      ({ index }) => index,
    );
    t.true(borders.includes(end), first?.text);
  }
});

test("Thai is cut at its spaces, which part clauses", (t) => {
  t.deepEqual(
    pieces(["สวัสดีค่ะคุณลูกค้า คำสั่งซื้อของคุณถูกจัดส่งแล้ว และจะถึงวันพรุ่งนี้ เวลา 3 โมง"]).map((piece) => piece.text),
    ["สวัสดีค่ะคุณลูกค้า", " คำสั่งซื้อของคุณถูกจัดส่งแล้ว", " และจะถึงวันพรุ่งนี้ เวลา 3 โมง"],
  );
});

test("the first sentence is there with the space after it", (t) => {
  t.deepEqual(early("Hello there."), []);
  t.deepEqual(early("Hello there. "), ["Hello there."]);
  t.deepEqual(early("Sure! "), ["Sure!"]);
  t.deepEqual(early("你好。我"), ["你好。"]);
});

test("what may go on waits for the next word, and for no more", (t) => {
  t.deepEqual(early("Ask him. "), []);
  t.deepEqual(early("Ask him. T"), ["Ask him."]);
  t.deepEqual(early("It is Smith Inc. "), []);
  t.deepEqual(early("It is Smith Inc. T"), ["It is Smith Inc."]);
  t.deepEqual(early("It is Smith Inc. t"), []);
  t.deepEqual(early("Ask Dr. T"), []);
});

test("the first piece may end with a clause once it has some words", (t) => {
  t.deepEqual(early("Well, "), []);
  t.deepEqual(early("If you want to go there, "), ["If you want to go there,"]);
  t.deepEqual(early("Here is what you have to do: "), ["Here is what you have to do:"]);
  t.deepEqual(early("That is a good question — "), ["That is a good question —"]);
  t.deepEqual(early("The price of it is 1,000,000 euros"), []);
  t.deepEqual(early("如果你想要去那里的话，"), []);
  t.deepEqual(early("如果你想要去那里的话，我"), ["如果你想要去那里的话，"]);
  t.deepEqual(early("If you want to go there, ", { firstClauseWords: 7 }), []);
  t.deepEqual(early("如果你想要去那里的话，我", { firstClauseWords: Number.POSITIVE_INFINITY }), []);
});

test("after a short first piece the next may end with a clause too; later ones only with a sentence", (t) => {
  const text =
    "Sure! If you want to go there, take the train. If you want to go somewhere else, then you should take the bus.";
  t.deepEqual(
    pieces([text]).map((piece) => piece.text),
    [
      "Sure!",
      " If you want to go there,",
      " take the train. If you want to go somewhere else,",
      " then you should take the bus.",
    ],
  );
});

test("after the first, short sentences are joined", (t) => {
  const text = "Yes. No. Maybe. I do not know it. It depends on the weather. OK.";
  t.deepEqual(
    pieces([text]).map((piece) => piece.text),
    ["Yes.", " No. Maybe. I do not know it.", " It depends on the weather.", " OK."],
  );
});

test("after a flush there is a first piece again", (t) => {
  const splitter = new SentenceSplitter();
  splitter.push("A long sentence that is the first one of all. And a little");
  splitter.flush();
  t.deepEqual(splitter.push("Yes. Then "), [{ text: "Yes.", start: 58, end: 62 }]);
});

test("a sentence that never ends is cut after a clause, else between words", (t) => {
  const options = { maxLength: 40, firstClauseWords: Number.POSITIVE_INFINITY };
  t.deepEqual(
    pieces(["It goes on and on and on, and on and on and on and on"], options).map((piece) => piece.text),
    ["It goes on and on and on,", " and on and on and on and on"],
  );
  t.deepEqual(
    pieces(["It goes on and on and on and on and on and on"], options).map((piece) => piece.text),
    ["It goes on and on and on and on", " and on and on"],
  );
  t.deepEqual(
    pieces(["x".repeat(100)], options).map((piece) => piece.text.length),
    [40, 40, 20],
  );
});

test("a forced cut never goes through a character", (t) => {
  for (const unit of ["😀", "👍🏽", "e\u0301", "नि", "👨‍👩‍👧"]) {
    for (const piece of pieces([unit.repeat(200)], { maxLength: 41 })) {
      t.is(piece.text.replaceAll(unit, ""), "", `${unit} in ${piece.text}`);
    }
  }
});

test("an option that cannot be is refused", (t) => {
  t.throws(() => new SentenceSplitter({ maxLength: 1 }), { instanceOf: RangeError });
});

// Properties

const word = fc.constantFrom(
  ..."a Dr e.g U.S No 5 3.14 hello World etc p.m naïve 你好 です 😀 👍🏽 **bold** https://a.example/b.c?d=e - 1 ' \" ( ) 。 ！ है । ؟ ... … , ; : — ? ! . \n \t".split(
    " ",
  ),
);
const text = fc.oneof(
  fc
    .array(fc.tuple(word, fc.constantFrom("", " ", " ", "  ", ". ", "! ", "\n")), { maxLength: 60 })
    .map((words) => words.flat().join("")),
  fc.string({ unit: "binary", maxLength: 200 }),
);
const options = fc.record(
  {
    maxLength: fc.integer({ min: 2, max: 80 }),
    minLength: fc.integer({ min: 0, max: 30 }),
    firstClauseWords: fc.constantFrom(1, 4, Number.POSITIVE_INFINITY),
  },
  { requiredKeys: [] },
);
/** The parts of a text that is cut anywhere, also in the middle of characters. */
const inParts = text.chain((whole) =>
  fc.array(fc.nat({ max: whole.length }), { maxLength: 20 }).map((cuts) => {
    const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
    return { whole, parts: places.slice(1).map((place, index) => whole.slice(places[index], place)) };
  }),
);

test("the pieces joined are the text, and their offsets say where they stand in it", (t) => {
  fc.assert(
    fc.property(inParts, options, ({ whole, parts }, given) => {
      let at = 0;
      for (const { text: piece, start, end } of pieces(parts, given)) {
        if (start !== at || piece === "" || whole.slice(start, end) !== piece) return false;
        at = end;
      }
      return at === whole.length;
    }),
    { numRuns: trials(100, 500) },
  );
  t.pass();
});

test("where pieces end does not depend on how the text came", (t) => {
  fc.assert(
    fc.property(inParts, options, ({ whole, parts }, given) => {
      t.deepEqual(pieces(parts, given), pieces([whole], given));
    }),
    { numRuns: trials(100, 500) },
  );
  fc.assert(
    fc.property(text, options, (whole, given) => {
      t.deepEqual(pieces(whole.split(""), given), pieces([whole], given));
    }),
    { numRuns: trials(100, 300) },
  );
});

test("no piece is too long, and none goes through a character", (t) => {
  fc.assert(
    fc.property(text, options, (whole, given) => {
      const { maxLength = 250 } = given;
      return pieces([whole.toWellFormed()], given).every(
        (piece) => piece.text.length <= maxLength && piece.text.isWellFormed(),
      );
    }),
    { numRuns: trials(100, 500) },
  );
  t.pass();
});

test("a long text is split in no time", (t) => {
  for (const long of [
    "a".repeat(200_000),
    "a ".repeat(100_000),
    ". ".repeat(100_000),
    "\n".repeat(100_000),
  ]) {
    t.is(
      pieces([long])
        .map((piece) => piece.text)
        .join(""),
      long,
    );
  }
});
