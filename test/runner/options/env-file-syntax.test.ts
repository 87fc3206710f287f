import { parseEnv } from "node:util";
import test from "ava";
import fc from "fast-check";
import { parseEnvFile } from "../../../src/runner/options/env-file.ts";
import { decodeText } from "../../../src/shared/text/text-file.ts";

const problemsOf = (text: string) => parseEnvFile(text).problems.map(({ line, what }) => `${line}: ${what}`);

for (const [what, text, variables] of [
  ["line ends of Windows", "A=1\r\nB=2\r\n", { A: "1", B: "2" }],
  ["line ends of old Macs", "A=1\rB=2\r", { A: "1", B: "2" }],
  ["no line end behind the last", "A=1\nB=2", { A: "1", B: "2" }],
  ["export", "export A=1\nexport\tB=2\n  export  C = 3", { A: "1", B: "2", C: "3" }],
  ["blanks", "  A = one word \n\tB\t=\t2\t", { A: "one word", B: "2" }],
  ["blanks of a web page", "\u00a0A\u00a0=\u00a01\u00a0\n\u3000B=2", { A: "1", B: "2" }],
  ["comments", "# A=0\n  # x\n\nA=1 # one\nB='2' # 'two'\nC=\"3\"# three", { A: "1", B: "2", C: "3" }],
  [
    "a # within a value",
    "URL=redis://:pa#ss@host/0#x\nCOLOR=#ff0000",
    { URL: "redis://:pa#ss@host/0#x", COLOR: "#ff0000" },
  ],
  ["no value", "A=\nB=''\nC= # none", { A: "", B: "", C: "" }],
  ["signs of equality in a value", "A=b=c==\nB='d=e'", { A: "b=c==", B: "d=e" }],
  ["quotes of three kinds", "A='a\"b'\nB=\"it's\"\nC=`'\"`", { A: 'a"b', B: "it's", C: "'\"" }],
  ["quotes within a word", "A='O'Brien'\nB=don't\nC=6\" pipe", { A: "O'Brien", B: "don't", C: '6" pipe' }],
  [
    "quotes behind backslashes",
    'A="{\\"a\\": \\"b\\"}"\nB="C:\\dir\\\\"',
    { A: '{"a": "b"}', B: "C:\\dir\\\\" },
  ],
  ["line breaks written as \\n", "A=\"one\\ntwo\\r\"\nB='one\\ntwo'", { A: "one\ntwo\r", B: "one\\ntwo" }],
  [
    "a value over several lines",
    'PEM="-----BEGIN-----\r\nMIIabc+/w==\r\nQ9Zk=\r\n-----END-----" # key\r\nB=2',
    { PEM: "-----BEGIN-----\nMIIabc+/w==\nQ9Zk=\n-----END-----", B: "2" },
  ],
  [
    "names of all kinds",
    "a=1\nb.c=2\nD-E=3\n_F9=4\n__proto__=5",
    { a: "1", "b.c": "2", "D-E": "3", _F9: "4", ["__proto__"]: "5" },
  ],
] as const) {
  test(`read: ${what}`, (t) => {
    const file = parseEnvFile(text);
    t.deepEqual(Object.entries(file.variables).toSorted(), Object.entries(variables).toSorted());
    t.deepEqual(file.problems, []);
  });
}

for (const [what, text, problem, variables] of [
  ["no =", "A=1\njust words\nB=2", "2: it is no NAME=value", { A: "1", B: "2" }],
  ["no name", "=1\nB=2", "1: it is no NAME=value", { B: "2" }],
  ["the form of YAML", "A: 1\nB=2", "1: it is no NAME=value", { B: "2" }],
  ["the form of PowerShell", "$env:A = '1'\nB=2", "1: it is no NAME=value", { B: "2" }],
  ["a name with a sign that cannot be seen", "\u200bA=1\nB=2", "1: it is no NAME=value", { B: "2" }],
  [
    "a quote that stays open",
    'A="1\nB=2\n',
    "1: its quote is not closed before the next variable",
    { B: "2" },
  ],
  [
    "one that the next quote would close",
    "A='1\nB=2\nC='3'",
    "1: its quote is not closed before the next variable",
    { B: "2", C: "3" },
  ],
  [
    "one above a key",
    "MOTTO='carpe diem\nGREENROOM_API_KEYS=a\nLAST='1'\n",
    "1: its quote is not closed before the next variable",
    { GREENROOM_API_KEYS: "a", LAST: "1" },
  ],
  [
    "one that a line of small letters would close",
    "A='1\nb='3'",
    "1: its quote is not closed before the next variable",
    { b: "3" },
  ],
  ["text behind a quote", "A='1' 2\nB=2", "1: there is text behind its closing quote", { B: "2" }],
  ["typographic quotes", "A=“1”\nB=2", "1: its quotes are typographic ones, and not ' or \"", { B: "2" }],
  [
    "bytes that are not UTF-8",
    decodeText(Buffer.from("A=gr\xfcn\nB=2", "latin1")),
    "1: it is not in UTF-8",
    { A: "gr\ufffdn", B: "2" },
  ],
  [
    "a character that nobody sees",
    "A=1\u200b\nB=\u06a9\u200c\u06a9 \u{1f468}\u200d\u{1f4bb}\t2",
    "1: it holds an invisible character, U+200B",
    { A: "1\u200b", B: "\u06a9\u200c\u06a9 \u{1f468}\u200d\u{1f4bb}\t2" },
  ],
  [
    "a line end of another kind",
    "A=1\u2028B=2\nC='1\n2'",
    "1: it holds an invisible character, U+2028",
    { A: "1\u2028B=2", C: "1\n2" },
  ],
  ["a name twice", "A=1\nB=2\nA=3", "3: it counts, and not line 1, which sets the same", { A: "3", B: "2" }],
] as const) {
  test(`told by its number, and nothing else is lost: ${what}`, (t) => {
    t.deepEqual(problemsOf(text), [problem]);
    t.deepEqual(parseEnvFile(text).variables, variables);
  });
}

test("a line that may hold a secret is known as such, whatever is wrong with it", (t) => {
  const secured = (line: string) => parseEnvFile(`${line}\nB=2`).problems.map(({ maySecure }) => maySecure);
  for (const line of [
    "\u200bGREENROOM_API_KEYS=a",
    "GREENROOM_API_KEYS=a\u200b",
    'GREENROOM_API_KEYS="a',
    "GREENROOM_API_KEYS=“a”",
    "greenroom api keys a",
    "API_KEYS: a",
    "JWT_SECRET='a",
    "REDIS_PASSWORD“a”",
  ]) {
    t.deepEqual(secured(line), [true], line);
  }
  t.deepEqual(secured("source_up"), [false]);
});

test("a name twice with the same value is no problem", (t) => {
  t.deepEqual(problemsOf("A=1\nA='1'"), []);
});

// Not of empty values: there, Node takes the next line for the value, or `export` for a part of the name.
test("what Node's own --env-file reads of a plain file is what is read here", (t) => {
  const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/);
  const value = fc.oneof(
    fc.stringMatching(/^[\w:/.,@=+-]{1,12}$/),
    fc.stringMatching(/^'[\w "=#]{0,12}'$/),
    fc.stringMatching(/^"[\w '=#]{0,12}"$/),
  );
  const line = fc.oneof(
    fc
      .tuple(fc.constantFrom("", "export ", "  "), name, fc.constant("="), value)
      .map((parts) => parts.join("")),
    fc.constantFrom("", "# a comment", "#A=1"),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom("\n", "\r\n"), (lines, end) => {
      const text = lines.join(end);
      t.deepEqual(parseEnvFile(text).variables, { ...(parseEnv(text) as Record<string, string>) });
    }),
    { numRuns: 300 },
  );
});

test("whatever stands in a file, each line is read, is a problem, or belongs to the value above", (t) => {
  const piece = fc.constantFrom(
    "A",
    "KEY",
    "=",
    "'",
    '"',
    "`",
    "\\",
    "\n",
    "\r\n",
    " ",
    "#",
    "export ",
    "x y",
    "\ufeff",
    "1",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join("");
      const { variables, problems } = parseEnvFile(`${text}\nLAST=kept`);
      const swallowed = Object.values(variables).some((value) => value.includes("LAST"));
      t.true(variables.LAST === "kept" && !swallowed, text);
      t.true(problems.every(({ line }) => line >= 1 && line <= pieces.length + 1));
    }),
    { numRuns: 1_000 },
  );
});

test("a text is read in the encodings that Windows saves", (t) => {
  const text = "A=grün\r\nB=2\r\n";
  const utf16 = Buffer.from(`\ufeff${text}`, "utf16le");
  t.is(decodeText(Buffer.from(`\ufeff${text}`)), text);
  t.is(decodeText(utf16), text);
  t.is(decodeText(Buffer.from(utf16).swap16()), text);
  t.is(decodeText(Buffer.from(text)), text);
  t.throws(() => decodeText(Buffer.from(text, "utf16le")), { instanceOf: TypeError, message: /UTF-8/ });
});
