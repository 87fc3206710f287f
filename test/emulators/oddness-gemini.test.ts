import test, { type ExecutionContext } from "ava";
import { geminiStage } from "../fixtures/providers/gemini-stage.ts";
import type { GeminiRequest, GeminiStep } from "./gemini.ts";

/**
 * These are tests of what recorded answers and refusals of the real Gemini show, and the emulator therefore does by
 * default.
 */

interface Refusal {
  readonly code: number;
  readonly status: string;
  readonly message: string;
  readonly details?: readonly { readonly fieldViolations?: readonly { readonly field?: string }[] }[];
}

interface Chunk {
  readonly candidates: readonly [
    { readonly content: { readonly parts: readonly Part[] }; readonly finishReason?: string },
  ];
  readonly usageMetadata: { readonly promptTokenCount: number; readonly candidatesTokenCount?: number };
}

interface Part {
  readonly text?: string;
  readonly thoughtSignature?: string;
  readonly functionCall?: { readonly id?: string; readonly name: string };
}

/** Asks over the wire, with no SDK between. */
async function stage(t: ExecutionContext, steps: readonly GeminiStep[] = [{ text: "Fine." }]) {
  const { emulator } = await geminiStage(t);
  emulator.script = () => steps;
  const send = (body: string | Buffer, model: string) =>
    fetch(`${emulator.url}/v1beta/models/${model}:streamGenerateContent?alt=sse`, {
      method: "POST",
      headers: { "x-goog-api-key": "right-key", "content-type": "application/json" },
      body: typeof body === "string" ? body : new Uint8Array(body),
    });
  return {
    async refusal(body: string | Buffer, model = "gemini-2.5-flash"): Promise<Refusal> {
      const answer = await send(body, model);
      t.is(answer.status, 400, body.toString());
      const { error } = (await answer.json()) as { error: Refusal };
      t.like(error, { code: 400, status: "INVALID_ARGUMENT" });
      return error;
    },
    async chunks(model: string, more: Partial<GeminiRequest> = {}): Promise<Chunk[]> {
      const contents = [{ role: "user", parts: [{ text: "Hi" }] }];
      const answer = await send(JSON.stringify({ contents, ...more }), model);
      const text = await answer.text();
      t.is(answer.status, 200, text);
      return text
        .split("\r\n\r\n")
        .filter(Boolean)
        .map((event) => JSON.parse(event.slice("data: ".length)));
    },
  };
}

const ask = (text: string) => `{"contents":[{"role":"user","parts":[{"text":"${text}"}]}]}`;

const declaring = (...declarations: readonly object[]) =>
  JSON.stringify({
    contents: [{ role: "user", parts: [{ text: "Hi" }] }],
    tools: [{ functionDeclarations: declarations }],
  });

test("a body that is not well-formed text is refused", async (t) => {
  const { refusal } = await stage(t);
  t.is(
    (await refusal(ask("half \\ud83d of it"))).message,
    'Invalid JSON payload received. Missing low surrogate.\nrts":[{"text":"half \\ud83d of it"}]}]}\n' +
      `${" ".repeat(20)}^`,
  );
  for (const text of ["\\uDE00", "\\ud83d\\ud83d\\ude00", "\\ud83d\\\\ude00", "\\ude00\\ud83d"]) {
    t.regex(
      (await refusal(ask(text))).message,
      /^Invalid JSON payload received\. (Missing low|Invalid unicode)/,
    );
  }
  t.regex((await refusal('{"contents":[],"\\ud83d":1}')).message, /Missing low surrogate/);
  const bytes = Buffer.from(ask("?"));
  bytes[bytes.indexOf("?")] = 0xff;
  t.regex((await refusal(bytes)).message, /Encountered non UTF-8 code points\.$/);
});

test("whole pairs, and backslashes before them, are text like any other", async (t) => {
  const { emulator, model } = await geminiStage(t);
  emulator.script = ({ contents }) => [{ text: contents?.[0]?.parts?.[0]?.text ?? "" }];
  const text = "👍 \\ud83d \\\\ud83d ��";
  let said = "";
  const messages = [{ role: "participant" as const, participantId: "a", text }];
  const request = { instructions: "", messages, functions: [], toolChoice: "auto" as const };
  for await (const event of model().generate({ ...request, signal: new AbortController().signal })) {
    if (event.type === "text") said += event.delta;
  }
  t.is(said, text);
});

test("a body that is not JSON, or has unknown fields, is refused by name", async (t) => {
  const { refusal } = await stage(t);
  t.regex(
    (await refusal('{"contents": oops}')).message,
    /^Invalid JSON payload received\. Unexpected token\./,
  );
  t.regex(
    (await refusal('{"contents":[')).message,
    /^Invalid JSON payload received\. Unexpected end of string\./,
  );
  t.regex((await refusal("[]")).message, /Root element must be a message\.$/);
  const unknown = await refusal(
    JSON.stringify({
      contents: [{ role: "user", parts: [{ text: "Hi", colour: "red" }], participant: "alice" }],
      generationConfig: { temprature: 1 },
    }),
  );
  t.deepEqual(
    unknown.message.split("\n"),
    [
      ["colour", "contents[0].parts[0]"],
      ["participant", "contents[0]"],
      ["temprature", "generation_config"],
    ].map(
      ([name, at]) => `Invalid JSON payload received. Unknown name "${name}" at '${at}': Cannot find field.`,
    ),
  );
  t.deepEqual(
    unknown.details?.[0]?.fieldViolations?.map(({ field }) => field),
    ["contents[0].parts[0]", "contents[0]", "generation_config"],
  );
});

test("functions are refused by their names, all that are wrong at once", async (t) => {
  const { refusal } = await stage(t);
  const wrong = ["21st_builder", "", "-x", "two words", "über", "a".repeat(65)];
  const names = ["fine", ...wrong, "also.fine:1-2", "fine"];
  const { message } = await refusal(declaring(...names.map((name) => ({ name }))));
  const [first, ...lines] = message.split("\n");
  t.is(first, "The GenerateContentRequest proto is invalid:");
  t.deepEqual(
    lines.map((line) => /^ {2}\* tools\[0\]\.function_declarations\[(\d+)\]\.name: /.exec(line)?.[1]),
    ["1", "2", "3", "4", "5", "6", "8"],
  );
  t.regex(
    lines[0] ?? "",
    /\[FIELD_INVALID\] Invalid function name\. Must start with a letter or an underscore\./,
  );
  for (const part of [{ functionCall: { name: "" } }, { functionCall: {} }]) {
    const contents = [
      { role: "user", parts: [{ text: "Hi" }] },
      { role: "model", parts: [part] },
      { role: "user", parts: [{ functionResponse: { name: "", response: {} } }] },
    ];
    t.regex(
      (await refusal(JSON.stringify({ contents }))).message,
      /function_call\.name: Name cannot be empty\./,
    );
  }
});

test("schemas are refused that are not in the dialect of their field", async (t) => {
  const { refusal } = await stage(t);
  const property = (schema: object) => ({ type: "object", properties: { p: schema } });
  for (const [schema, what] of [
    [{ type: "STRING" }, /properties\[p\]\.type: \[FIELD_INVALID\] "STRING" is not a type$/],
    [{ type: "string", nullable: true }, /properties\[p\]: \[FIELD_INVALID\] unknown keyword nullable$/],
    [{ const: { x: 1 } }, /unknown keyword const$/],
    [{ const: "x" }, /unknown keyword const$/],
    [{ enum: [true] }, /properties\[p\]\.enum:/],
    [{ type: "array", items: [{ type: "string" }] }, /properties\[p\]\.items:/],
    [
      { type: "number", minimum: 0, exclusiveMinimum: true },
      /exclusiveMinimum: \[FIELD_INVALID\] must be a number/,
    ],
    [{ anyOf: [{ type: "string" }, { type: "NULL" }] }, /anyOf\[1\]\.type:/],
    [{ $ref: "#/$defs/a", description: "d" }, /\$ref stands beside other keywords$/],
  ] as const) {
    t.regex((await refusal(declaring({ name: "f", parametersJsonSchema: property(schema) }))).message, what);
  }
  const own = {
    $schema: "x",
    type: "OBJECT",
    properties: { p: { const: 1 }, q: { type: ["STRING", "NULL"], items: [] } },
  };
  t.deepEqual((await refusal(declaring({ name: "f", parameters: own }))).message.split("\n"), [
    `Invalid JSON payload received. Unknown name "$schema" at 'tools[0].function_declarations[0].parameters': Cannot find field.`,
    `Invalid JSON payload received. Unknown name "const" at 'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field.`,
    `Invalid JSON payload received. Unknown name "items" at 'tools[0].function_declarations[0].parameters.properties[1].value': Proto field is not repeating, cannot start list.`,
  ]);
});

const partsOf = (chunks: readonly Chunk[]) =>
  chunks.flatMap(({ candidates: [{ content }] }) => content.parts);
const finishes = (chunks: readonly Chunk[]) =>
  chunks.map(({ candidates: [{ finishReason }] }) => finishReason);

test("a text comes as a few words, then in chunks of about 96 characters that end anywhere but in one", async (t) => {
  const text = `${"Remarkable 👍🏽 grandmothers travel. ".repeat(12)}Good night.`;
  const { chunks } = await stage(t, [{ text }]);
  const told = await chunks("gemini-2.5-flash");
  const texts = partsOf(told).map((part) => part.text ?? "");
  t.is(texts.join(""), text);
  t.true(texts[0]!.length < 24);
  t.true(texts.slice(1, -1).every((piece) => piece.length >= 96 && piece.length <= 2 * 96));
  t.true(texts.every((piece) => piece.isWellFormed()));
  t.true(texts.some((piece) => /\w$/.test(piece)));
  t.deepEqual(finishes(told), [...texts.slice(1).map(() => undefined), "STOP"]);
});

test("from Gemini 3 on an answer ends with an empty text, which is signed behind words and not behind calls", async (t) => {
  const words = await stage(t);
  const said = await words.chunks("gemini-3-flash-preview");
  t.deepEqual(finishes(said), [undefined, "STOP"]);
  const end = partsOf(said).at(-1);
  t.is(end?.text, "");
  t.regex(end?.thoughtSignature ?? "", /^[\w+/]{20,}=*$/);
  const calls = await stage(t, [{ call: "a" }, { call: "b" }]);
  const called = await calls.chunks("gemini-3-flash-preview");
  t.deepEqual(finishes(called), [undefined, undefined, "STOP"]);
  t.deepEqual(partsOf(called).at(-1), { text: "" });
});

test("before Gemini 3 the chunk of a call tells the end", async (t) => {
  const { chunks } = await stage(t, [{ call: "a" }, { call: "b" }]);
  const told = await chunks("gemini-2.5-flash-lite");
  t.deepEqual(finishes(told), [undefined, "STOP"]);
  t.deepEqual(
    partsOf(told).map(({ functionCall }) => functionCall?.name),
    ["a", "b"],
  );
});

test("calls have ids and signatures as their model gives them", async (t) => {
  const { chunks } = await stage(t, [{ calls: [{ call: "a" }, { call: "b" }] }]);
  const kept: Record<string, readonly [boolean, boolean]> = {
    "gemini-2.0-flash": [false, false],
    "gemini-2.5-flash-lite": [false, false],
    "gemini-2.5-flash": [false, true],
    "gemini-3-pro-preview": [false, true],
    "gemini-3-flash-preview": [true, true],
    "gemini-3.5-flash": [true, true],
  };
  for (const [model, [hasId, isSigned]] of Object.entries(kept)) {
    const [first, second] = partsOf(await chunks(model));
    t.deepEqual(
      [first, second].map((part) => [
        part?.functionCall?.id !== undefined,
        part?.thoughtSignature !== undefined,
      ]),
      [
        [hasId, isSigned],
        [hasId, false],
      ],
      model,
    );
  }
  const unthinking = { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } };
  t.is(partsOf(await chunks("gemini-2.5-flash", unthinking))[0]?.thoughtSignature, undefined);
});

test("the count of the prompt shrinks with the last chunk, and Gemini 2.0 counts its words only there", async (t) => {
  const { chunks } = await stage(t, [{ text: "Good evening to all who are here." }]);
  for (const model of ["gemini-2.0-flash", "gemini-2.5-flash"]) {
    const [first, last] = (await chunks(model)).map(({ usageMetadata }) => usageMetadata);
    t.true(first!.promptTokenCount > last!.promptTokenCount);
    t.is(first!.candidatesTokenCount === undefined, model === "gemini-2.0-flash");
    t.true(last!.candidatesTokenCount! > 0);
  }
});
