import test from "ava";
import { errorKind } from "../src/agent/error-kind.ts";
import { PermitTimeoutError } from "../src/agent/permits.ts";
import { DeadlineError } from "../src/deadline.ts";

const failed = (fields: object, cause?: unknown) => Object.assign(new Error("failed", { cause }), fields);

for (const [error, kind] of [
  [failed({ status: 429 }), "http_429"],
  [failed({ status: 200 }), "other"],
  [new DeadlineError("too long"), "timeout"],
  [new PermitTimeoutError("elevenlabs", 10_000), "permit_timeout"],
  [failed({}, new PermitTimeoutError("elevenlabs", 10_000)), "permit_timeout"],
  [failed({ code: "UND_ERR_HEADERS_TIMEOUT" }), "timeout"],
  [failed({ code: "ETIMEDOUT" }), "timeout"],
  [new TypeError("fetch failed", { cause: failed({ code: "ECONNREFUSED" }) }), "network"],
  [failed({ code: "UND_ERR_SOCKET" }), "network"],
  [new DOMException("no", "AbortError"), "aborted"],
  [failed({ code: "EXAMPLE", name: "of somebody's own" }), "other"],
  [failed({}, failed({}, failed({ status: 503 }))), "http_503"],
  ["a string", "other"],
  [null, "other"],
] as const) {
  test(`${error instanceof Error ? JSON.stringify({ ...error, name: error.name, cause: error.cause }) : error} is ${kind}`, (t) => {
    t.is(errorKind(error), kind);
  });
}

test("an error that is its own cause has a kind too", (t) => {
  const error = new Error("again");
  error.cause = error;
  t.is(errorKind(error), "other");
});
