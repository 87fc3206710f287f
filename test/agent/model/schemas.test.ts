import test from "ava";
import { z } from "zod";
import { CheckedFunction } from "../../../src/agent/tools/functions.ts";
import { standardDialect } from "../../../src/agent/tools/schema-dialect.ts";
import { declarationOf } from "../../../src/providers/gemini/functions.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";

const dialects: Readonly<Record<string, object>> = {
  "types in capitals": { type: "OBJECT", properties: { a: { type: "ARRAY", items: { type: "STRING" } } } },
  nullable: { type: "object", properties: { a: { type: "string", nullable: true, enum: ["x", "y"] } } },
  "a constant object": { type: "object", properties: { at: { const: { x: 1, deep: [true, null] } } } },
  "constants of all kinds": {
    type: "object",
    properties: { a: { const: "x" }, b: { const: 2 }, c: { const: false }, d: { const: null } },
  },
  "an enum of flags": { type: "object", properties: { a: { enum: [true, false] } } },
  "a tuple of older drafts": {
    type: "object",
    properties: { at: { type: "array", items: [{ type: "number" }, { type: "STRING" }] } },
  },
  "bounds of older drafts": {
    type: "object",
    properties: { n: { type: "number", minimum: 0, exclusiveMinimum: true, maxItems: "3" } },
  },
  "words beside a reference": {
    type: "object",
    properties: { home: { $ref: "#/$defs/place", description: "Where" }, work: { $ref: "#/$defs/place" } },
    $defs: { place: { type: "object", properties: { street: { const: "High" } } } },
  },
  "properties with names of keywords": {
    type: "object",
    properties: {
      const: { type: "string" },
      enum: { const: "x" },
      default: { type: "STRING" },
      $schema: { type: "string" },
    },
  },
  "drafts named inside": {
    type: "object",
    properties: { a: { $schema: "http://json-schema.org/draft-07/schema#", type: "string" } },
  },
};

for (const [what, parameters] of Object.entries(dialects)) {
  test(`Gemini takes a function with ${what}`, async (t) => {
    const { model, bodies } = await geminiStage(t);
    const schema = standardDialect({ type: "object", ...parameters }, "f");
    const functions = [{ name: "f", description: "d", parameters: schema }];
    await ask(model(), "Hi!", { functions });
    t.is(bodies().length, 1);
    const [told] = bodies()[0]?.tools?.[0]?.functionDeclarations ?? [];
    const names = Object.keys((parameters as { properties: object }).properties);
    t.deepEqual(Object.keys(told?.parametersJsonSchema?.properties ?? {}), names);
  });
}

test("Gemini takes what zod describes", async (t) => {
  const { model, bodies } = await geminiStage(t);
  const node = z.object({
    name: z.string(),
    get children() {
      return z.array(node).optional().describe("Below it");
    },
  });
  const llm = model();
  llm.registerFunction({
    name: "f",
    description: "d",
    parameters: z.object({
      kind: z.union([z.literal("a"), z.literal(2), z.literal(true), z.null()]),
      flags: z.record(z.string(), z.boolean()),
      at: z.tuple([z.number(), z.string()]),
      tree: node.describe("All of it"),
      maybe: z.enum(["x", "y"]).nullable().default("x"),
      size: z.int().positive().optional(),
    }),
    execute: () => "done",
  });
  await ask(llm, "Hi!", { functions: [...llm.functions.values()].map(({ declaration }) => declaration) });
  t.is(bodies().length, 1);
});

test("a schema that no dialect has is refused when the function is registered, by name and place", async (t) => {
  const { model } = await geminiStage(t);
  const llm = model();
  const circle: { type: string; properties: Record<string, unknown> } = { type: "object", properties: {} };
  circle.properties.self = circle;
  for (const [parameters, message] of [
    [{ properties: { n: { type: "float" } } }, /^registerFunction f: parameters\.n has the type "float"/],
    [
      { properties: { n: { type: "array", items: 7 } } },
      /^registerFunction f: parameters\.n\.items must be a schema/,
    ],
    [{ properties: { n: { anyOf: [] } } }, /^registerFunction f: parameters\.n\.anyOf must be a list/],
    [{ properties: { n: { $ref: "#/$defs/x" } } }, /^registerFunction f: parameters\.n refers to/],
    [{ properties: { n: { enum: [] } } }, /^registerFunction f: parameters\.n has an enum/],
    [circle, /^registerFunction f: parameters(\.self)+ contains itself/],
  ] as const) {
    const definition = {
      name: "f",
      description: "d",
      parameters: { type: "object" as const, ...parameters },
    };
    t.throws(() => llm.registerFunction({ ...definition, execute: () => "done" } as never), {
      instanceOf: TypeError,
      message,
    });
  }
});

test("a name that Gemini refuses is refused when the function is registered", async (t) => {
  const { model } = await geminiStage(t);
  for (const name of ["21st_builder", "-x", ".x"]) {
    t.throws(() => model().registerFunction({ name, description: "d", execute: () => "done" }), {
      instanceOf: TypeError,
      message: new RegExp(`^gemini\\.LLM: "${name.replace(".", "\\.")}" is no name for a function`),
    });
  }
});

const registered = (parameters: Record<string, unknown>) =>
  new CheckedFunction({
    name: "book",
    description: "Books.",
    parameters: { type: "object", ...parameters },
    execute: () => "done",
  });

test("a parameter may have the name of a keyword", (t) => {
  const names = ["const", "default", "enum", "examples", "items", "properties", "required", "type"];
  const properties = Object.fromEntries(names.map((name) => [name, { type: "STRING", const: "now" }]));
  const { parametersJsonSchema } = declarationOf(registered({ properties }).declaration);
  t.deepEqual(parametersJsonSchema, {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, { type: "string", enum: ["now"] }])),
  });
});

test("values in a schema are no schemas", (t) => {
  const values = { default: { const: 1 }, examples: [{ const: 1 }] };
  const { parametersJsonSchema } = declarationOf(registered({ properties: { a: values } }).declaration);
  t.like(parametersJsonSchema, { properties: { a: values } });
});

test("what no service can be sent is refused, with the name of the function", (t) => {
  const refuse = (properties: object, message: RegExp) =>
    t.throws(() => registered({ properties }), { instanceOf: TypeError, message });
  refuse({ count: { type: "integer", default: 1n } }, /^registerFunction book: parameters cannot be written/);
  refuse(
    { count: { type: "integer", description: 5 } },
    /^registerFunction book: parameters.count has a descr/,
  );
  refuse({ count: { type: "whole" } }, /^registerFunction book: parameters.count has the type "whole"/);
  refuse({ count: null }, /^registerFunction book: parameters.count must be a schema/);
});
