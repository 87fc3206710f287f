import { PassThrough } from "node:stream";
import test from "ava";
import pino from "pino";
import { GreenroomError, plainError } from "../../src/shared/errors.ts";
import { causeOf, errorLine, loggedError } from "../../src/supervisor/log-error.ts";

/** The `err` of a line, as pino writes it. */
function written(error: unknown): Record<string, unknown> {
  const lines = new PassThrough();
  pino(lines).error({ err: loggedError(error) }, "it failed");
  return JSON.parse(String(lines.read())).err;
}

test("an error that crossed a thread is written as one that did not", (t) => {
  const error = Object.assign(new RangeError("too far"), { code: "FAR" });
  const expected = { type: "RangeError", message: "too far", stack: error.stack, code: "FAR" };
  t.deepEqual(written(error), expected);
  t.deepEqual(written(plainError(error)), expected);
  t.deepEqual(written(Object.assign(new Error(error.message), plainError(error))), expected);
});

test("an error of our own keeps what it came from; what is no error has a text", (t) => {
  const caused = written(new Error("away", { cause: new TypeError("its cable") }));
  t.is(caused.message, "away: its cable");
  t.regex(String(caused.stack), /caused by: TypeError: its cable/);
  t.like(written("just a text"), { type: "Error", message: "just a text" });
  t.like(written(null), { type: "Error", message: "null was thrown, which is no error" });
});

test("what an error of the table came from is what an operator wants", (t) => {
  const cause = new TypeError("its cable");
  t.is(causeOf(new GreenroomError("START_FAILED", undefined, { cause })), cause);
  const refusal = new GreenroomError("POOL_FULL");
  t.is(causeOf(refusal), refusal);
  t.is(errorLine(cause), "TypeError: its cable");
});
