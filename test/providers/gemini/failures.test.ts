import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import type * as gemini from "greenroom/gemini";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { plainError } from "../../../src/shared/errors.ts";
import type { GeminiFault } from "../../emulators/gemini.ts";
import { geminiStage, lastWords } from "../../fixtures/providers/gemini-stage.ts";
import { afterTools, ask, said } from "../../fixtures/providers/one-answer.ts";

type Failure = gemini.GeminiError & { readonly pieces: number };

const failure = (t: ExecutionContext, asking: Promise<unknown>): Promise<Failure> =>
  t.throwsAsync(asking) as unknown as Promise<Failure>;

test("pitfall 2: a passing failure before the first piece is retried without an error", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 });
  const passing: GeminiFault[] = [
    ...[408, 429, 500, 502, 503, 504].map((status) => ({ kind: "status" as const, status, times: 2 })),
    { kind: "reset", times: 2 },
    { kind: "cut", afterChunks: 0, times: 2 },
  ];
  for (const fault of passing) {
    emulator.faults.add(fault);
    t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
  }
  t.is(bodies().length, 24);
});

test("attempts are bounded, and the last error is thrown", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  emulator.faults.add({ kind: "status", status: 503, times: 4 });
  const error = await failure(t, ask(model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 }), "Hi!"));
  t.like(error, { name: "GeminiError", status: 503, code: "UNAVAILABLE", pieces: 0 });
  t.is(error.message, "Gemini answered 503 UNAVAILABLE: The model is overloaded. Please try again later.");
  t.is(errorKind(error), "UNAVAILABLE");
  t.is(bodies().length, 3);
  await failure(t, ask(model("gemini-2.5-flash-lite", { maxRetries: 0 }), "Hi!"));
  t.is(bodies().length, 4);
});

test("a short wait that Google asks for is kept; a long one fails at once", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 500 });
  emulator.faults.add({ kind: "status", status: 429, retryDelay: "0.3s" });
  const { entries } = emulator.log;
  await ask(llm, "Hi!");
  const [first, second] = entries.filter(({ kind }) => kind === "request");
  t.true(second!.at - first!.at >= 295);
  emulator.faults.add({ kind: "status", status: 429, retryDelay: "37s" });
  const error = await failure(t, ask(llm, "Hi!"));
  t.like(error, { status: 429, code: "RESOURCE_EXHAUSTED", retryDelayMs: 37_000 });
  t.is(bodies().length, 3);
});

test("an answer that a gateway compressed without being asked is read, and so is a refusal", async (t) => {
  const chunk = {
    candidates: [{ content: { role: "model", parts: [{ text: "Hi." }] }, finishReason: "STOP", index: 0 }],
  };
  const refusal = { error: { code: 403, message: "Not you", status: "PERMISSION_DENIED" } };
  const answers = [
    { status: 200, type: "text/event-stream", body: `data: ${JSON.stringify(chunk)}\n\n` },
    { status: 403, type: "application/json", body: JSON.stringify(refusal) },
  ];
  const server = createServer((incoming, response) => {
    incoming.resume().on("end", () => {
      const { status, type, body } = answers.shift()!;
      response.writeHead(status, { "content-type": type, "content-encoding": "gzip" }).end(gzipSync(body));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { model } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { baseUrl });
  t.is((await ask(llm, "Hi!")).text, "Hi.");
  t.like(await failure(t, ask(llm, "Hi!")), { status: 403, code: "PERMISSION_DENIED" });
});

test("a lasting failure is not retried", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t, { apiKey: "right-key" });
  t.like(await failure(t, ask(model("gemini-2.5-flash", { apiKey: "wrong" }), "Hi!")), {
    status: 400,
    code: "INVALID_ARGUMENT",
    reason: "API_KEY_INVALID",
    message: "Gemini answered 400 INVALID_ARGUMENT: API key not valid. Please pass a valid API key.",
  });
  t.like(await failure(t, ask(model("gemma-3"), "Hi!")), { status: 404, code: "NOT_FOUND" });
  emulator.faults.add({ kind: "status", status: 403 });
  t.like(await failure(t, ask(model(), "Hi!")), { status: 403, code: "PERMISSION_DENIED" });
  t.is(bodies().length, 3);
});

test("a server that cannot be reached is a network error", async (t) => {
  const { emulator, model } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 });
  await emulator.close();
  const error = await failure(t, ask(llm, "Hi!"));
  t.like(error, { name: "GeminiError", code: "ECONNREFUSED", status: undefined });
  t.is(errorKind(error), "network");
});

test("pitfall 7: an error inside a stream is retried only while nothing was spoken", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 });
  emulator.faults.add({ kind: "error_chunk", afterChunks: 0, status: 503 });
  t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
  t.is(bodies().length, 2);
  emulator.faults.add({ kind: "error_chunk", afterChunks: 1, status: 503 });
  t.like(await failure(t, ask(llm, "Hi!")), { status: 503, code: "UNAVAILABLE", pieces: 1 });
  t.is(bodies().length, 3);
});

test("a stream that breaks off after the first piece is an error, and not retried", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  emulator.faults.add({ kind: "cut", afterChunks: 1 }, { kind: "garbage", afterChunks: 1 });
  const cut = await failure(t, ask(model(), "Hi!"));
  t.is(cut.pieces, 1);
  t.is(errorKind(cut), "network");
  const garbage = await failure(t, ask(model(), "Hi!"));
  t.like(garbage, { name: "BadAnswerError", code: "UNREADABLE", pieces: 1 });
  t.is(bodies().length, 2);
});

test("a refusal is spoken, also after other text", async (t) => {
  const { emulator, model } = await geminiStage(t);
  emulator.script = (request) =>
    lastWords(request) === "late"
      ? [{ text: "Well, you take" }, { finish: "SAFETY" }]
      : [{ finish: "PROHIBITED_CONTENT" }];
  const llm = model();
  t.is((await ask(llm, "early")).text, "I'm sorry, I can't help with that.");
  t.is((await ask(llm, "late")).text, "Well, you take I'm sorry, I can't help with that.");
  t.is((await ask(model("gemini-2.5-flash", { refusal: "Nein." }), "early")).text, "Nein.");
});

test("a refusal is an error where no line is spoken for it", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { refusal: null });
  for (const reason of ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"]) {
    emulator.script = () => [{ finish: reason }];
    const error = await failure(t, ask(llm, "Hi!"));
    t.like(error, { name: "RefusalError", code: "REFUSED", reason, refused: "answer" } as object);
    t.is(errorKind(error), "refused");
  }
  emulator.script = () => [{ block: "SAFETY" }];
  t.like(await failure(t, ask(llm, "Hi!")), { reason: "SAFETY", refused: "prompt" } as object);
  t.is(bodies().length, 6);
});

test("words that were blocked do not block the rest of the call", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  emulator.script = ({ contents }) =>
    JSON.stringify(contents).includes("forbidden") ? [{ block: "PROHIBITED_CONTENT" }] : [{ text: "Fine." }];
  const llm = model();
  const refused = await ask(llm, [said("Say something forbidden")]);
  t.is(refused.text, "I'm sorry, I can't help with that.");
  const history = [
    said("Say something forbidden"),
    { role: "agent" as const, text: refused.text, toolCalls: [] },
  ];
  t.is((await ask(llm, [...history, said("Never mind")])).text, "Fine.");
  t.is(bodies()[1]?.contents?.[0]?.parts?.[0]?.text, "(These words were withheld by a safety filter.)");
});

test("an unreadable tool call is retried, then an error", async (t) => {
  const { emulator, model } = await geminiStage(t);
  let tries = 0;
  const usage = { promptTokenCount: 10, candidatesTokenCount: 2 };
  emulator.script = () => [
    { usage },
    ...(++tries < 3 ? [{ finish: "MALFORMED_FUNCTION_CALL" }] : [{ call: "a" }]),
  ];
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 });
  const { calls, usage: counted } = await ask(llm, "go");
  t.is(calls.length, 1);
  t.like(counted, { inputTokens: 30, outputTokens: 6 });
  for (const reason of ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER", "A_REASON_OF_TOMORROW"]) {
    emulator.script = () => [{ finish: reason }];
    const error = await failure(t, ask(llm, "go"));
    t.like(error, { name: "BadAnswerError", code: reason });
    t.is(errorKind(error), "bad_answer");
  }
});

test("an empty answer is retried, after the result of a tool too", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  emulator.script = () => [];
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 });
  t.like(await failure(t, ask(llm, "Hi!")), { name: "BadAnswerError", code: "EMPTY" });
  t.is(bodies().length, 3);
  const calls = [{ id: "1", name: "hang_up", arguments: {} }];
  t.like(await failure(t, ask(llm, afterTools([said("Bye!")], calls, []))), { code: "EMPTY" });
  t.is(bodies().length, 6);
  emulator.script = () => [{ thought: "Hm, hm" }, { finish: "MAX_TOKENS" }];
  t.like(await failure(t, ask(llm, "Hi!")), { code: "MAX_TOKENS" });
  t.is(bodies().length, 7);
});

test("an answer that ends for its length, or for an unknown reason, is complete", async (t) => {
  const { emulator, model } = await geminiStage(t);
  for (const finish of ["MAX_TOKENS", "OTHER", "LANGUAGE", "A_REASON_OF_TOMORROW"]) {
    emulator.script = () => [{ text: "To begin with" }, { finish }];
    t.is((await ask(model(), "Hi!")).text, "To begin with");
    emulator.script = () => [{ call: "a" }, { finish }];
    t.is((await ask(model(), "Hi!")).calls.length, 1);
  }
});

test("an answer without an end is incomplete; it is retried while nothing of it was spoken", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 });
  emulator.script = () => [{ text: "The" }, { finish: null }];
  t.like(await failure(t, ask(llm, "Hi!")), { name: "BadAnswerError", code: "UNFINISHED", pieces: 1 });
  t.is(bodies().length, 1);
  for (const begun of [[], [{ thought: "Hm" }], [{ call: "a" }], [{ text: "\n" }]]) {
    let tries = 0;
    emulator.script = () => (++tries === 1 ? [...begun, { finish: null }] : [{ call: "b" }]);
    const { calls, text } = await ask(llm, "Hi!");
    t.deepEqual([calls.map(({ name }) => name), text, tries], [["b"], "", 2]);
  }
});

test("Model Armor refuses, whether it blocks the question or the answer", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  emulator.script = () => [{ finish: "MODEL_ARMOR" }];
  t.is((await ask(model(), "Hi!")).text, "I'm sorry, I can't help with that.");
  emulator.script = () => [{ block: "MODEL_ARMOR" }];
  t.is((await ask(model(), "Hi!")).text, "I'm sorry, I can't help with that.");
  t.is(bodies().length, 2);
});

test("an answer with nothing but blanks is empty, and a blank beginning is kept", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 });
  const blanks = ["\n", " ", "\u200b", "\r\n\u00a0", "\ufeff", "\u0000"];
  for (const blank of blanks) {
    emulator.script = () => [{ parts: [{ text: blank }] }];
    t.like(await failure(t, ask(llm, "Hi!")), { code: "EMPTY", pieces: 0 }, JSON.stringify(blank));
  }
  t.is(bodies().length, 3 * blanks.length);
  emulator.script = () => [{ parts: [{ text: "\n" }] }, { parts: [{ text: "Hello." }] }];
  t.is((await ask(llm, "Hi!")).text, "\nHello.");
});

test("a call that Gemini reports as unexpected is given, so that the model learns what it may call", async (t) => {
  const { emulator, model } = await geminiStage(t);
  for (const finish of ["UNEXPECTED_TOOL_CALL", "MALFORMED_FUNCTION_CALL", "TOO_MANY_TOOL_CALLS"]) {
    emulator.script = () => [{ call: "list_files" }, { finish }];
    t.deepEqual(
      (await ask(model(), "Hi!")).calls.map(({ name }) => name),
      ["list_files"],
    );
    emulator.script = () => [{ text: "One moment." }, { finish }];
    const { events } = await ask(model(), "Hi!");
    t.deepEqual(events.at(-1), { type: "broken_call", reason: finish });
  }
});

test("a request that the SDK does not send is an error of its own, and not retried", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 });
  emulator.script = () => [{ parts: [{ functionCall: { name: "a", partialArgs: [{ jsonPath: "$.x" }] } }] }];
  const { calls } = await ask(llm, "go");
  const error = await failure(t, ask(llm, afterTools([said("go")], calls, [])));
  t.like(error, { name: "GeminiError", code: "INVALID_REQUEST" });
  t.regex(error.message, /^The SDK of Gemini refused the request before it was sent: partialArgs/);
  t.is(bodies().length, 1);
});

test("an error at the end of a stream is found, however it is written and wherever it is cut", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model("gemini-2.5-flash-lite", { maxRetryDelayMs: 1 });
  for (const form of ["event", "bare", "list", "printed"] as const) {
    for (const bytes of [1, 40, 100_000]) {
      const before = bodies().length;
      emulator.faults.add({ kind: "error_chunk", afterChunks: 0, status: 503, form, bytes });
      t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
      emulator.faults.add({ kind: "error_chunk", afterChunks: 1, status: 503, form, bytes });
      t.like(await failure(t, ask(llm, "Hi!")), { status: 503, code: "UNAVAILABLE" }, `${form} ${bytes}`);
      t.is(bodies().length - before, 3);
    }
  }
});

test("no error contains the key, or the words of the conversation", async (t) => {
  const { emulator, model } = await geminiStage(t);
  const apiKey = "AIzaSy-very-secret";
  const llm = model("gemini-2.5-flash-lite", { apiKey, maxRetries: 0 });
  emulator.faults.add(
    { kind: "status", status: 403, message: `Consumer 'api_key:${apiKey}' has been suspended.` },
    { kind: "garbage", afterChunks: 1 },
    { kind: "cut", afterChunks: 1 },
    { kind: "reset" },
  );
  emulator.script = () => [{ text: "private words, told at some length" }];
  for (let fault = 0; fault < 4; fault++) {
    const error = await failure(t, ask(llm, "a confession"));
    const shown = inspect(error, { depth: 5, showHidden: true }) + JSON.stringify(plainError(error));
    for (const secret of [apiKey, "private", "confession"]) t.false(shown.includes(secret), shown);
  }
  t.false(inspect(llm, { depth: 5, showHidden: true }).includes(apiKey));
});
