import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import type * as openaiCompatible from "greenroom/openai-compatible";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { refusal } from "../../../src/providers/openai-compatible/error.ts";
import { plainError } from "../../../src/shared/errors.ts";
import type { OpenaiFault } from "../../emulators/openai.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";

type Failure = openaiCompatible.OpenAICompatibleError & { readonly pieces: number };

const failure = (t: ExecutionContext, asking: Promise<unknown>): Promise<Failure> =>
  t.throwsAsync(asking) as unknown as Promise<Failure>;

const quick = { maxRetryDelayMs: 1 };

test("a passing failure before the first piece is retried without an error", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  const llm = model("emulated", quick);
  const passing: OpenaiFault[] = [
    ...[408, 409, 429, 500, 502, 503, 504].map((status) => ({ kind: "status" as const, status, times: 2 })),
    { kind: "reset", times: 2 },
    { kind: "cut", afterEvents: 0, times: 2 },
    { kind: "cut", afterEvents: 1, times: 2 },
  ];
  for (const fault of passing) {
    emulator.faults.add(fault);
    t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
  }
  t.is(bodies().length, 3 * passing.length);
});

test("attempts are bounded, and the last error is thrown", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  emulator.faults.add({ kind: "status", status: 429, times: 4 });
  const error = await failure(t, ask(model("emulated", quick), "Hi!"));
  t.like(error, {
    name: "OpenAICompatibleError",
    kind: "busy",
    status: 429,
    code: "rate_limit_exceeded",
    pieces: 0,
  });
  const { host } = new URL(emulator.url);
  t.is(error.message, `${host} answered 429 rate_limit_exceeded: Rate limit reached for requests`);
  t.is(errorKind(error), "rate_limit_exceeded");
  t.is(bodies().length, 3);
  await failure(t, ask(model("emulated", { maxRetries: 0 }), "Hi!"));
  t.is(bodies().length, 4);
});

test("a short wait that the service asks for is kept; a long one fails at once", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  const llm = model("emulated", { maxRetryDelayMs: 500 });
  for (const headers of [{ "retry-after": "0.3" }, { "retry-after-ms": "300", "retry-after": "9" }]) {
    const before = bodies().length;
    emulator.faults.add({ kind: "status", status: 429, headers });
    await ask(llm, "Hi!");
    const [first, second] = emulator.log.of("request").slice(before);
    t.true(second!.at - first!.at >= 295);
  }
  emulator.faults.add({ kind: "status", status: 429, headers: { "retry-after": "37" } });
  t.like(await failure(t, ask(llm, "Hi!")), { status: 429, retryAfterMs: 37_000 });
  t.is(bodies().length, 5);
});

test("a lasting failure is not retried, and is known by its kind", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t, { apiKey: "right-key", contextTokens: 100 });
  const lasting: readonly (readonly [Promise<unknown>, object])[] = [
    [
      ask(model("emulated", { apiKey: "other-key" }), "Hi!"),
      { kind: "unauthorized", status: 401, code: "invalid_api_key" },
    ],
    [ask(model("no-such-model"), "Hi!"), { kind: "model", status: 404, code: "model_not_found" }],
    [ask(model(), "word ".repeat(1_000)), { kind: "too_long", status: 400, code: "context_length_exceeded" }],
    [
      ask(model("emulated", { body: { logit_biases: 1 } }), "Hi!"),
      { kind: "invalid", status: 400, code: "invalid_request_error" },
    ],
    [
      ask(model("emulated", { body: { max_tokens: 1, max_completion_tokens: 1 } }), "Hi!"),
      { kind: "invalid", code: "invalid_parameter_combination" },
    ],
    [ask(model("emulated", { baseUrl: emulator.origin }), "Hi!"), { kind: "invalid", status: 404 }],
  ];
  for (const [asking, expected] of lasting) t.like(await failure(t, asking), expected);
  t.is(bodies().length, lasting.length);
  for (const [fault, kind] of [
    [{ status: 403 }, "unauthorized"],
    [{ status: 402, message: "Insufficient credits" }, "quota"],
    [{ status: 429, code: "insufficient_quota" }, "quota"],
    [{ status: 413 }, "invalid"],
    [{ status: 301, headers: { location: "/elsewhere" } }, "server"],
  ] as const) {
    emulator.faults.add({ kind: "status", ...fault });
    t.is(
      (await failure(t, ask(model("emulated", { maxRetries: 0 }), "Hi!"))).kind,
      kind,
      JSON.stringify(fault),
    );
  }
});

/** Bodies of refusals as services write them, and what becomes of each. */
const bodiesOfServices = [
  [
    401,
    { error: { code: "401", message: "Access denied due to invalid subscription key." } },
    "unauthorized",
    "HTTP_401",
  ],
  [
    404,
    { error: { code: "DeploymentNotFound", message: "The API deployment does not exist." } },
    "model",
    "DeploymentNotFound",
  ],
  [
    404,
    { error: { message: 'model "x" not found, try pulling it first', type: "api_error", code: null } },
    "model",
    "api_error",
  ],
  [
    401,
    { message: "Wrong API Key", type: "invalid_request_error", param: "api_key", code: "wrong_api_key" },
    "unauthorized",
    "wrong_api_key",
  ],
  [
    400,
    { object: "error", message: "Invalid model: x", type: "invalid_model", param: null, code: "1500" },
    "model",
    "invalid_model",
  ],
  [401, { detail: "Unauthorized" }, "unauthorized", "HTTP_401"],
  [
    503,
    { error: { code: 503, message: "Loading model", type: "unavailable_error" } },
    "busy",
    "unavailable_error",
  ],
  [
    400,
    {
      object: "error",
      message: "This model's maximum context length is 4096 tokens.",
      type: "BadRequestError",
      code: 400,
    },
    "too_long",
    "BadRequestError",
  ],
  [
    400,
    {
      error: {
        message: "the request exceeds the available context size, try increasing it",
        type: "exceed_context_size_error",
        code: 400,
      },
    },
    "too_long",
    "exceed_context_size_error",
  ],
  [502, "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", "server", "HTTP_502"],
  [500, "", "server", "HTTP_500"],
] as const;

for (const [status, body, kind, code] of bodiesOfServices) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  test(`a refusal of ${status} with ${text.slice(0, 60)} is ${kind}`, (t) => {
    t.like(refusal({ title: "X", secrets: [] }, { status, text }), { kind, code, status });
  });
}

test("an answer that a gateway compressed without being asked is read, and so is a refusal", async (t) => {
  const chunk = { choices: [{ index: 0, delta: { content: "Hi." }, finish_reason: "stop" }] };
  const answers = [
    { status: 200, type: "text/event-stream", body: `data: ${JSON.stringify(chunk)}\n\n` },
    {
      status: 403,
      type: "application/json",
      body: JSON.stringify({ error: { message: "Not you", code: "not_you" } }),
    },
    { status: 200, type: "text/html", body: "<html>Log in</html>" },
  ];
  const server = createServer((incoming, response) => {
    incoming.resume().on("end", () => {
      const { status, type, body } = answers.shift()!;
      response.writeHead(status, { "content-type": type, "content-encoding": "gzip" }).end(gzipSync(body));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const { model } = await openaiStage(t);
  const llm = model("emulated", { baseUrl });
  t.is((await ask(llm, "Hi!")).text, "Hi.");
  t.like(await failure(t, ask(llm, "Hi!")), { status: 403, code: "not_you" });
  const page = await failure(t, ask(llm, "Hi!"));
  t.like(page, { kind: "invalid", code: "wrong_content" });
  t.regex(page.message, /answered with text\/html in place of an answer: is its address right\?$/);
});

test("a server that cannot be reached is a network error", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const llm = model("emulated", quick);
  await emulator.close();
  const error = await failure(t, ask(llm, "Hi!"));
  t.like(error, { kind: "network", code: "ECONNREFUSED", status: undefined });
  t.is(errorKind(error), "network");
});

test("a response that never begins, and one that stands still, are timeouts, which are not repeated", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  emulator.faults.add({ kind: "hang" }, { kind: "stall", afterEvents: 2 });
  const late = await failure(t, ask(model("emulated", { firstByteTimeoutMs: 1_000 }), "Hi!"));
  t.regex(late.message, /^The response of .* took longer than 1000 ms \(firstByteTimeoutMs\)$/);
  t.is(errorKind(late), "timeout");
  await emulator.log.seen("aborted");
  const still = await failure(t, ask(model("emulated", { idleTimeoutMs: 50 }), "Hi!"));
  t.regex(still.message, /took longer than 50 ms \(idleTimeoutMs\)$/);
  await emulator.log.seen("aborted", 2);
  t.is(bodies().length, 2);
});

test("an error inside a stream is retried only while nothing was spoken, however it is written and cut", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  const llm = model("emulated", quick);
  for (const form of ["event", "named_event", "printed", "error_field", "bare", "text"] as const) {
    for (const bytes of [3, 100_000]) {
      const before = bodies().length;
      emulator.faults.add({ kind: "error_event", afterEvents: 0, form, bytes });
      t.regex((await ask(llm, "Hi!")).text, /^Hello!/, form);
      // The first event has no words.
      emulator.faults.add({ kind: "error_event", afterEvents: 2, form, bytes });
      const error = await failure(t, ask(llm, "Hi!"));
      t.like(error, { name: "OpenAICompatibleError", kind: "server", pieces: 1 }, `${form} ${bytes}`);
      t.regex(error.message, /currently overloaded/);
      t.is(bodies().length - before, 3);
    }
  }
  for (const [error, expected] of [
    [{ error: { message: "Slow down", code: "rate_limit_exceeded" } }, { kind: "busy", status: 429 }],
    [
      { error: { message: "Too long", code: 400, type: "exceed_context_size_error" } },
      { kind: "too_long", status: 400 },
    ],
    [
      { object: "error", message: "Gone", code: 503 },
      { kind: "busy", status: 503 },
    ],
  ] as const) {
    emulator.faults.add({ kind: "error_event", afterEvents: 2, form: "event", error });
    t.like(await failure(t, ask(llm, "Hi!")), expected);
  }
});

test("a stream that breaks off after the first piece is an error, and not retried", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  emulator.faults.add({ kind: "cut", afterEvents: 2 }, { kind: "garbage", afterEvents: 2 });
  const cut = await failure(t, ask(model(), "Hi!"));
  t.is(cut.pieces, 1);
  t.is(errorKind(cut), "network");
  const garbage = await failure(t, ask(model(), "Hi!"));
  t.like(garbage, { name: "BadAnswerError", code: "UNREADABLE", pieces: 1 });
  t.is(bodies().length, 2);
});

test("no error contains the key, or the words of the conversation", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const apiKey = "sk-very-secret";
  const llm = model("emulated", { apiKey, headers: { "x-other": "other-secret" }, maxRetries: 0 });
  emulator.faults.add(
    { kind: "status", status: 401, message: `Incorrect API key provided: ${apiKey} with other-secret.` },
    {
      kind: "status",
      status: 400,
      body: {
        object: "error",
        message: "[{'type': 'string_type', 'loc': ('body',), 'msg': 'Bad', 'input': 'a confession'}]",
        code: 400,
      },
    },
    { kind: "garbage", afterEvents: 2 },
    { kind: "cut", afterEvents: 2 },
    { kind: "reset" },
  );
  emulator.script = () => [{ text: "private words, told at some length" }];
  for (let fault = 0; fault < 5; fault++) {
    const error = await failure(t, ask(llm, "a confession"));
    const shown = inspect(error, { depth: 5, showHidden: true }) + JSON.stringify(plainError(error));
    for (const secret of [apiKey, "other-secret", "private", "confession"])
      t.false(shown.includes(secret), shown);
  }
  t.false(inspect(llm, { depth: 5, showHidden: true }).includes(apiKey));
});
