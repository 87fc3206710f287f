import test from "ava";
import { errorKind } from "../../src/agent/error-kind.ts";
import { PermitTimeoutError } from "../../src/agent/thread/permits.ts";
import { DeadlineError } from "../../src/shared/deadline.ts";

const failed = (fields: object, cause?: unknown) => Object.assign(new Error("failed", { cause }), fields);

for (const [error, kind] of [
  [failed({ status: 429 }), "http_429"],
  [failed({ status: 200 }), "other"],
  [failed({ status: 401, code: "quota_exceeded" }), "quota_exceeded"],
  [failed({ status: 400, code: "INVALID_ARGUMENT", reason: "API_KEY_INVALID" }), "API_KEY_INVALID"],
  [failed({ status: 429, code: "RESOURCE_EXHAUSTED", reason: undefined }), "RESOURCE_EXHAUSTED"],
  [failed({ status: 401, number: 40 }), "code_40"],
  [failed({ status: 429, code: 9 }), "code_9"],
  [failed({ status: 503, code: "HTTP_503" }), "http_503"],
  [failed({ status: 502, code: "something that was said" }), "http_502"],
  [failed({ status: 502, code: "7b1c2f9a-5d0e-4a66-9a54-3f2b" }), "http_502"],
  [failed({ status: 502, code: "x".repeat(65) }), "http_502"],
  [failed({ status: 502, code: "ECONNRESET" }), "network"],
  [failed({ status: 500, code: "ERR_INVALID_ARG_TYPE" }), "http_500"],
  [failed({ code: "DATA-0000" }), "DATA-0000"],
  [failed({ code: "SFU_FULL", number: 700 }), "SFU_FULL"],
  [failed({ code: "CERT_HAS_EXPIRED" }), "tls"],
  [failed({ code: "ERR_TLS_CERT_ALTNAME_INVALID" }), "tls"],
  [new DOMException("no", "DataCloneError"), "other"],
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
