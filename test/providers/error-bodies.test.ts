import test from "ava";
import { errorKind } from "../../src/agent/error-kind.ts";
import { asFailure, isPassing } from "../../src/providers/gemini/errors.ts";
import { errorText, jsonObject, reasonIn } from "../../src/providers/http/error-text.ts";
import { retryAfter } from "../../src/shared/retry-after.ts";

const key = "AIzaNotARealKey0123";

/** Returns the error that Google's SDK throws for an answer with this body. */
const apiError = (status: number, body: string) =>
  asFailure(Object.assign(new Error(body), { name: "ApiError", status }), key);

const quota = (quotaId: string, retryDelay: string) =>
  JSON.stringify({
    error: {
      code: 429,
      message: "You exceeded your current quota, please check your plan and billing details.",
      status: "RESOURCE_EXHAUSTED",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.QuotaFailure",
          violations: [{ quotaId, quotaValue: "20" }],
        },
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay },
      ],
    },
  });

for (const [what, status, body, expected] of [
  [
    "a list of errors",
    503,
    JSON.stringify([{ error: { code: 503, message: "Busy", status: "UNAVAILABLE" } }]),
    { kind: "UNAVAILABLE", passing: true, message: "Gemini answered 503 UNAVAILABLE: Busy" },
  ],
  [
    "a gateway's page, as the SDK wraps it",
    502,
    JSON.stringify({
      error: {
        message: "<html><head><title>502 Bad Gateway</title></head><body><hr>nginx</body></html>",
        code: 502,
        status: "Bad Gateway",
      },
    }),
    { kind: "http_502", passing: true, message: "Gemini answered 502 HTTP_502: 502 Bad Gateway nginx" },
  ],
  [
    "a page",
    503,
    "<!DOCTYPE html><html><body><h1>Service Unavailable</h1></body></html>",
    { kind: "http_503", passing: true, message: "Gemini answered 503 HTTP_503: Service Unavailable" },
  ],
  ["nothing", 500, "", { kind: "http_500", passing: true, message: "Gemini answered 500 HTTP_500" }],
  [
    "a gateway's JSON",
    401,
    JSON.stringify({ message: "No API key found" }),
    { kind: "http_401", passing: false, message: "Gemini answered 401 HTTP_401: No API key found" },
  ],
  [
    "an error that is a text",
    429,
    JSON.stringify({ error: "slow down" }),
    { kind: "http_429", passing: true, message: "Gemini answered 429 HTTP_429: slow down" },
  ],
  ["null", 500, "null", { kind: "http_500", passing: true, message: "Gemini answered 500 HTTP_500: null" }],
  [
    "a quota of the minute",
    429,
    quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "7s"),
    { kind: "RESOURCE_EXHAUSTED", passing: true },
  ],
  [
    "a quota of the day",
    429,
    quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "7s"),
    { kind: "RESOURCE_EXHAUSTED", passing: false },
  ],
  [
    "credits that are used up",
    429,
    JSON.stringify({
      error: { code: 429, message: "Your prepayment credits are depleted.", status: "RESOURCE_EXHAUSTED" },
    }),
    { kind: "RESOURCE_EXHAUSTED", passing: false },
  ],
  [
    "a key that is quoted",
    403,
    JSON.stringify({
      error: { message: `Consumer 'api_key:${key}' has been suspended.`, status: "PERMISSION_DENIED" },
    }),
    {
      kind: "PERMISSION_DENIED",
      passing: false,
      message: "Gemini answered 403 PERMISSION_DENIED: Consumer 'api_key:[key]' has been suspended.",
    },
  ],
] as const) {
  test(`Gemini: ${what} as an answer of ${status}`, (t) => {
    const failure = apiError(status, body);
    t.is(errorKind(failure), expected.kind);
    t.is(isPassing(failure), expected.passing);
    if ("message" in expected) t.is(failure.message, expected.message);
  });
}

test("a text for an error's message is one short line without markup, secrets or halves of characters", (t) => {
  t.is(errorText("  a\n\tb  "), "a b");
  t.is(
    errorText("the key my-secret-key is wrong", { secrets: ["my-secret-key", ""] }),
    "the key [key] is wrong",
  );
  t.is(errorText("ok, a short one", { secrets: ["k"] }), "ok, a short one");
  t.is(errorText("half \ud83d"), "half \ufffd");
  t.is(errorText(`${"a".repeat(9)}😀b`, { longest: 10 }), `${"a".repeat(9)}…`);
  t.is(errorText("<html><script>let a = '<p>';</script><p>1 &lt; 2 &amp;&nbsp;3</p></html>"), "1 < 2 & 3");
  t.is(errorText("a < b and c > d"), "a < b and c > d");
  t.is(errorText("<html><body><p unfinished"), "");
});

test("the object of a body, and its reason, are found in whatever it is", (t) => {
  t.deepEqual(jsonObject('\ufeff{"a":1}'), { a: 1 });
  t.deepEqual(jsonObject('[{"a":1},{"a":2}]'), { a: 1 });
  for (const none of ["", "null", "7", "[]", "[null]", '"text"', "{", "<html>"])
    t.deepEqual(jsonObject(none), {});
  t.is(reasonIn('{"message":"m"}'), "m");
  t.is(reasonIn('{"message":"","error":{"message":"e"}}'), "e");
  t.is(reasonIn('{"error":"e"}'), "e");
  t.is(reasonIn('{"type":"about:blank","title":"Too Many Requests"}'), "Too Many Requests");
  t.is(reasonIn('{"nothing":"known"}'), "");
  t.is(reasonIn("upstream connect error"), "upstream connect error");
  t.is(reasonIn(""), "");
});

test("a Retry-After is seconds or a date, and anything else is none", (t) => {
  t.is(retryAfter("2"), 2_000);
  t.is(retryAfter(" 1.5 "), 1_500);
  t.is(retryAfter("0"), 0);
  t.is(retryAfter("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  const wait = retryAfter(new Date(Date.now() + 60_000).toUTCString());
  t.true(wait !== null && wait > 0 && wait <= 60_000);
  for (const none of [undefined, null, "", "soon", ["1", "2"]]) t.is(retryAfter(none), null);
});
