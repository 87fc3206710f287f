import { inspect } from "node:util";
import test from "ava";
import fc from "fast-check";
import { errorOf, messageWithCauses, type PlainError, plainError } from "../../src/shared/errors.ts";

/** Returns the number of errors that it is made of, and of characters. */
function size(error: PlainError): { errors: number; characters: number } {
  const { name, message, stack = "", code = "" } = error;
  const parts = [error.cause, ...(error.errors ?? [])].filter((part) => part !== undefined).map(size);
  return {
    errors: 1 + parts.reduce((sum, { errors }) => sum + errors, 0),
    characters:
      [name, message, stack, code].join("").length +
      parts.reduce((sum, { characters }) => sum + characters, 0),
  };
}

test("causes come along, and the errors side by side of an AggregateError", (t) => {
  const refused = Object.assign(new Error("connection refused"), { code: "ECONNREFUSED" });
  const error = new TypeError("away", { cause: new AggregateError([refused, "a text"], "none answered") });
  const plain = plainError(error);
  t.like(plain, { name: "TypeError", message: "away", stack: error.stack });
  t.like(plain.cause, { name: "AggregateError", message: "none answered" });
  t.like(plain.cause?.errors?.[0], {
    message: "connection refused",
    code: "ECONNREFUSED",
    stack: refused.stack,
  });
  t.deepEqual(plain.cause?.errors?.[1], { name: "Error", message: "a text" });
  t.is(messageWithCauses(plain), "away: none answered: connection refused; a text");
  t.deepEqual(structuredClone(plain), plain);
  t.deepEqual(plainError(plain), plain, "plain fields stay what they are");
  const again = plainError(errorOf(plain));
  t.like(again, { name: "TypeError", stack: error.stack });
  t.is(
    messageWithCauses(again),
    messageWithCauses(plain),
    "and come back from an error that was made of them",
  );
  t.is(errorOf({ name: "Error", message: "lost its stack" }).stack, "Error: lost its stack");
});

test("a message that holds that of its cause is not told twice", (t) => {
  const error = new Error("could not open: no such file", { cause: new Error("no such file") });
  t.is(messageWithCauses(plainError(error)), "could not open: no such file");
  t.is(messageWithCauses(plainError(new Error("", { cause: "why" }))), "why");
});

test("causes that lead back to where they began end there", (t) => {
  const first = new Error("first");
  const second = new Error("second", { cause: first });
  first.cause = second;
  t.is(messageWithCauses(plainError(first)), "first: second");
  const own = new AggregateError([], "own");
  own.errors.push(own);
  t.is(plainError(own).errors, undefined);
});

test("what is no error has a text that says what it was", (t) => {
  for (const [thrown, message] of [
    ["text", "text"],
    [undefined, "undefined was thrown, which is no error"],
    [null, "null was thrown, which is no error"],
    [12n, "12"],
    [Symbol("s"), "Symbol(s)"],
    [{ status: 401, body: { detail: "no" } }, "{ status: 401, body: { detail: 'no' } }"],
    [[1, 2], "[ 1, 2 ]"],
    [() => 1, "() => 1"],
  ] as const) {
    t.is(plainError(thrown).message, message, inspect(thrown));
  }
  t.is(plainError(new Error("it", { cause: { status: 500 } })).cause?.message, "{ status: 500 }");
});

test("getters that throw, and objects that want no text, do no harm", (t) => {
  const hostile = {
    get message(): string {
      throw new Error("no");
    },
    get cause(): unknown {
      throw new Error("no");
    },
    [inspect.custom]() {
      throw new Error("no");
    },
  };
  t.is(plainError(hostile).message, "(a value that has no text)");
  const trap = () => {
    throw new Error("no");
  };
  t.regex(plainError(new Proxy(new Error("hidden"), { get: trap })).message, /hidden/);
  t.is(
    plainError(
      new Proxy(
        {},
        {
          has: () => {
            throw new Error("no");
          },
        },
      ),
    ).name,
    "Error",
  );
  t.is(plainError({ [inspect.custom]: hostile[inspect.custom] }).message, "(a value that has no text)");
});

test("whatever was thrown, it is bounded, well-formed, and can cross a thread", (t) => {
  const text = fc.tuple(fc.string({ unit: "binary", maxLength: 20 }), fc.integer({ min: 1, max: 2_000 }));
  const { errors } = fc.letrec<{ errors: unknown }>((tie) => ({
    errors: fc.oneof(
      { depthSize: "small" },
      fc.anything(),
      fc
        .tuple(text, fc.option(tie("errors")), fc.array(tie("errors"), { maxLength: 12 }))
        .map(([[piece, times], cause, held]) =>
          Object.assign(new AggregateError(held, piece.repeat(times), cause === null ? {} : { cause }), {
            code: piece,
          }),
        ),
    ),
  }));
  fc.assert(
    fc.property(errors, (thrown) => {
      const plain = plainError(thrown);
      const { errors, characters } = size(plain);
      if (errors > 24 || characters > 34_000) throw new Error(`${errors} errors, ${characters} characters`);
      if (!JSON.stringify(plain).isWellFormed()) throw new Error("half a character");
      t.deepEqual(structuredClone(plain), plain);
    }),
    { numRuns: 100 },
  );
});

test("a long chain of causes is cut, and so is a long text", (t) => {
  let error = new Error("0");
  for (let depth = 1; depth < 100; depth += 1) error = new Error(`${depth}`, { cause: error });
  t.is(messageWithCauses(plainError(error)), "99: 98: 97: 96: 95: 94: 93");
  const long = plainError(new Error("😀".repeat(10_000)));
  t.true(long.message.length <= 8_193);
  t.true(long.message.isWellFormed() && long.message.endsWith("😀…"));
});
