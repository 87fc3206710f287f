import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import test, { type ExecutionContext } from "ava";
import { importAgent } from "../../src/agent/thread/import-agent.ts";
import { errorLines } from "../../src/runner/commands/error-lines.ts";
import { errorSentence } from "../../src/runner/commands/error-sentence.ts";
import { UsageError } from "../../src/runner/commands/usage-error.ts";
import { ListenError } from "../../src/runner/server/listener.ts";
import { inBrackets, placesIn, placeText } from "../../src/shared/error-location.ts";
import { plainError } from "../../src/shared/errors.ts";
import { temporaryFolder } from "../fixtures/runner/child.ts";

/** A folder with these files, as a user has them. */
function project(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder(t);
  for (const [name, text] of Object.entries({ "package.json": `{"type":"module"}`, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Resolves with the error by which the import of the agent in this folder fails. */
async function failure(t: ExecutionContext, folder: string, file = "agent.ts"): Promise<Error> {
  const error = await t.throwsAsync(importAgent(pathToFileURL(join(folder, file)).href), { any: true });
  return error as Error;
}

const places = ({ stack }: Error, folder: string) =>
  placesIn(stack).map((place) =>
    placeText(place)
      .replace(folder, "")
      .replace(/^.*greenroom-test-[^/]*/, ""),
  );

for (const [title, files, place] of [
  ["a bug in the module", { "agent.ts": "\n\n({}).voice.id;" }, /^\/agent\.ts:3:\d+$/],
  [
    "a bug in a function of what it imports",
    { "agent.ts": `import "./lib/voice.ts";`, "lib/voice.ts": "const of = (x) => x.y.z;\n\nof({});" },
    /^\/lib\/voice\.ts:1:\d+$/,
  ],
  [
    "TypeScript that Node cannot strip",
    { "agent.ts": `import "./mood.ts";`, "mood.ts": "\nenum Mood { Happy }" },
    /^\/mood\.ts:2$/,
  ],
  [
    "TypeScript that is none",
    { "agent.ts": `import "./mood.ts";`, "mood.ts": "const a = 1;\nconst = 2;" },
    /^\/mood\.ts:2$/,
  ],
  [
    "JavaScript that is none",
    { "agent.ts": `import "./mood.js";`, "mood.js": "const a = 1;\n\nconst = 2;" },
    /^\/mood\.js:3$/,
  ],
  [
    "JavaScript that is none, behind other files",
    {
      "agent.ts": `import "./a.js"; import "./b.js";`,
      "a.js": "export {};",
      "b.js": `import "./c.js";`,
      "c.js": "let x = ;",
    },
    /^\/c\.js:1$/,
  ],
  [
    "a name that is not exported",
    { "agent.ts": `\nimport { b } from "./a.js"; b();`, "a.js": "export {};" },
    /^\/agent\.ts:2$/,
  ],
  [
    "JSON that is none",
    { "agent.ts": `import a from "./a.json" with { type: "json" }; a;`, "a.json": `{ "a": ` },
    /^\/a\.json:1$/,
  ],
  ["CommonJS that is none", { "agent.ts": `import "./a.cjs";`, "a.cjs": "\nlet = = 1;" }, /^\/a\.cjs:2$/],
] as const) {
  // One after another: an import is tried again alone.
  test.serial(`${title}: its place is found`, async (t) => {
    const folder = project(t, files);
    const [first = ""] = places(await failure(t, folder), folder);
    t.regex(first, place);
  });
}

test("a file that is not there is told by its name", async (t) => {
  const folder = project(t, { "agent.ts": `import "./missing.ts";` });
  t.regex((await failure(t, folder)).message, /missing\.ts' imported from .*agent\.ts/);
});

test("code that ran and threw a SyntaxError is not run again to find its place", async (t) => {
  const folder = project(t, {
    "agent.ts": `globalThis.runs = (globalThis.runs ?? 0) + 1;\n\nJSON.parse("{");`,
  });
  const error = await failure(t, folder);
  t.regex(places(error, folder)[0] ?? "", /^\/agent\.ts:3:/);
  t.is((globalThis as { runs?: number }).runs, 1);
});

test("of a stack only the user's own lines count, also behind Windows paths and async calls", (t) => {
  const stack = [
    "Error: x",
    "    at readFileSync (node:fs:487:35)",
    "    at new Agent (/home/ann/app/node_modules/greenroom/dist/src/agent/agent.js:51:20)",
    "    at Object.createAgent (file:///home/ann/my%20app/agent.ts:6:25)",
    "    at async C:\\\\Users\\\\ann\\\\main.ts:9:1",
    "    at Object.<anonymous> (/home/ann/app/lib.cjs:2:1)",
  ].join("\n");
  t.deepEqual(
    placesIn(stack).map(({ name, line, column }) => [name, line, column]),
    [
      ["Object.createAgent", 6, 25],
      [undefined, 9, 1],
      ["Object.<anonymous>", 2, 1],
    ],
  );
  t.is(inBrackets(stack), " (at /home/ann/my app/agent.ts:6:25)");
  t.is(inBrackets("Error: x\n    at node:internal/timers:1:2"), "");
  t.is(inBrackets(undefined), "");
});

test("a person sees the code, and the line before it", async (t) => {
  const folder = project(t, { "agent.ts": "const a = {};\na.voice.id;\n" });
  const lines = errorLines((await failure(t, folder)).stack).map((line) =>
    line.replace(/\S*\/agent\.ts/, "agent.ts"),
  );
  t.is(lines[0], "    at agent.ts:2:9");
  t.is(lines.at(-3), "      agent.ts:1  const a = {};");
  t.is(lines.at(-2), "      agent.ts:2  a.voice.id;");
  t.regex(lines.at(-1) ?? "", /^ +\^$/);
  t.deepEqual(errorLines("Error\n    at gone (/no/such/file.ts:1:2)"), [
    "    at gone (/no/such/file.ts:1:2)",
  ]);
});

test("advice to whoever started the program names no line of theirs", (t) => {
  const stack = "Error: x\n    at file:///home/ann/agent.ts:9:1";
  for (const error of [new UsageError("port"), new ListenError("port", { cause: new Error("EADDRINUSE") })]) {
    t.is(errorSentence(Object.assign(error, { stack })), "port");
  }
  const wrong = Object.assign(new TypeError("no key"), { stack, cause: new RangeError("empty") });
  t.is(errorSentence(wrong), "no key: empty (at /home/ann/agent.ts:9:1)");
  t.is(errorSentence(plainError(wrong)), "no key: empty (at /home/ann/agent.ts:9:1)");
});
