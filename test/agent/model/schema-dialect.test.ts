import test from "ava";
import { RegisteredFunction } from "../../../src/agent/tools/functions.ts";
import { declarationOf } from "../../../src/providers/gemini/functions.ts";

const registered = (parameters: Record<string, unknown>) =>
  new RegisteredFunction({
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
