import test from "ava";
import * as openaiCompatible from "greenroom/openai-compatible";
import { compatibleServices } from "../../../src/shared/providers/compatible-services.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";

test("an answer is streamed in pieces, with its tokens", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  emulator.script = () => [{ text: "Well hello there, whoever you are." }];
  const llm = model();
  const answer = await ask(llm, "Hi!");
  t.is(answer.text, "Well hello there, whoever you are.");
  t.deepEqual(
    answer.events.flatMap((event) => (event.type === "text" ? [event.delta] : [])),
    ["Well hello there, ", "whoever you are."],
  );
  t.is(answer.usage?.outputTokens, 6);
  t.true(answer.usage!.inputTokens > 0);
  t.deepEqual([llm.provider, llm.model], ["openai-compatible", "emulated"]);
  t.deepEqual(bodies()[0], {
    model: "emulated",
    messages: [
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hi!" },
    ],
    stream: true,
    stream_options: { include_usage: true },
  });
});

test("options become fields of the request, and others are sent as they are", async (t) => {
  const { model, bodies } = await openaiStage(t);
  const llm = model("emulated", {
    temperature: 0,
    topP: 0.5,
    maxOutputTokens: 200,
    instructionsRole: "developer",
    usage: false,
    body: { reasoning_effort: "low", seed: 7, temperature: 1 },
  });
  await ask(llm, "Hi!");
  t.deepEqual(bodies()[0], {
    model: "emulated",
    temperature: 1,
    top_p: 0.5,
    max_tokens: 200,
    reasoning_effort: "low",
    seed: 7,
    messages: [
      { role: "developer", content: "Be kind." },
      { role: "user", content: "Hi!" },
    ],
    stream: true,
  });
  await ask(model("gpt-5-mini", { maxOutputTokens: 200, maxTokensField: "max_completion_tokens" }), "Hi!");
  t.like(bodies()[1], { max_completion_tokens: 200, max_tokens: undefined });
  await ask(model("gpt-5-mini", { maxOutputTokens: 200, service: "openai" }), "Hi!");
  t.like(bodies()[2], { max_completion_tokens: 200 });
});

test("the address may end with a slash, and each request has the headers and the query", async (t) => {
  const { emulator, model } = await openaiStage(t, { apiKey: "right-key" });
  const llm = model("emulated", {
    baseUrl: `${emulator.url}/`,
    headers: { "X-Team": "voice" },
    query: { a: "1", "b c": "d&e" },
  });
  await llm.warm(new AbortController().signal);
  await ask(llm, "Hi!");
  const [lookup, request] = [await emulator.log.seen("lookup"), await emulator.log.seen("request")];
  t.like(lookup, { path: "/v1/models", query: { a: "1", "b c": "d&e" } });
  t.like(request, { path: "/v1/chat/completions", query: { a: "1", "b c": "d&e" } });
  t.is((request.headers as Record<string, string>)["x-team"], "voice");
});

test("Azure is reached by its own header and a dated version, and by a token in place of a key", async (t) => {
  const { emulator, model } = await openaiStage(t, { dialect: "azure", apiKey: "right-key" });
  const azure = { service: "azure", query: { "api-version": "2024-10-21" } } as const;
  const llm = model("emulated", azure);
  t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
  t.is(llm.provider, "azure");
  const wrong = await t.throwsAsync(ask(model("emulated", { ...azure, apiKey: "wrong-key" }), "Hi!"));
  t.like(wrong, { kind: "unauthorized", status: 401 });
  const { Authorization } = { Authorization: "Bearer of-entra" };
  const { apiKey: _, ...withToken } = {
    apiKey: undefined,
    baseUrl: emulator.url,
    headers: { Authorization },
  };
  const byToken = new openaiCompatible.LLM("emulated", { ...azure, ...withToken });
  t.teardown(() => byToken.close());
  await t.throwsAsync(ask(byToken, "Hi!"), { message: /answered 401/ });
  const last = () => emulator.log.of("request").at(-1)!;
  t.is((last().headers as Record<string, string>).authorization, "Bearer of-entra");
  // The address of a resource alone means its newest API.
  const own = new openaiCompatible.LLM("emulated", {
    service: "azure",
    baseUrl: emulator.origin,
    apiKey: "k",
  });
  t.teardown(() => own.close());
  await t.throwsAsync(ask(own, "Hi!"));
  t.is(last().path, "/openai/v1/chat/completions");
});

test("a server without keys is asked without one", async (t) => {
  const { emulator } = await openaiStage(t, { apiKey: null });
  const llm = new openaiCompatible.LLM("deepseek-r1", { service: "ollama", baseUrl: emulator.origin });
  t.teardown(() => llm.close());
  await llm.warm(new AbortController().signal);
  await t.throwsAsync(ask(llm, "Hi!"), { message: /^Ollama answered 404 model_not_found/ });
  t.is((await emulator.log.seen("request")).path, "/v1/chat/completions");
  t.false("authorization" in ((await emulator.log.seen("request")).headers as object));
});

test.serial("the key of each service comes from its own variable", async (t) => {
  const { emulator } = await openaiStage(t, { apiKey: "from-environment" });
  for (const [name, { apiKey, needsKey }] of Object.entries(compatibleServices)) {
    const service = name as openaiCompatible.CompatibleServiceName;
    const create = () => new openaiCompatible.LLM("emulated", { service, baseUrl: emulator.url });
    delete process.env[apiKey.name];
    if (needsKey)
      t.throws(create, {
        message: `${apiKey.name} is not set: set it, or give openaiCompatible.LLM an apiKey`,
      });
    else await create().close();
    process.env[apiKey.name] = "from-environment";
    const llm = create();
    // Azure's header is another one.
    if (name !== "azure") t.regex((await ask(llm, "Hi!")).text, /^Hello!/, name);
    t.is(llm.provider, name);
    await llm.close();
    delete process.env[apiKey.name];
  }
});

test("a wrong option is one clear line, and no key is quoted", (t) => {
  const wrong: readonly [openaiCompatible.LLMOptions, RegExp][] = [
    [{ temprature: 1 } as openaiCompatible.LLMOptions, /no option temprature: did you mean temperature\?$/],
    [{ temperature: 3 }, /temperature must be a number from 0 to 2/],
    [{ maxOutputTokens: 0 }, /maxOutputTokens must be a whole number of at least 1/],
    [{ baseUrl: "127.0.0.1:8080/v1" }, /baseUrl must be an http or https URL, not "127.0.0.1:8080\/v1"$/],
    [{ service: "grok" as "groq" }, /service must be one of openai, azure, groq, .*, not "grok"$/],
    [{ body: { messages: [] } }, /body must be an object of fields other than model, messages/],
    [{ headers: { "a b": "c" } }, /headers must be an object of headers$/],
    [{ refusal: "" }, /refusal must be a text, or null/],
    [{ maxTokensField: "tokens" as "max_tokens" }, /maxTokensField must be one of/],
  ];
  for (const [options, message] of wrong) {
    t.throws(
      () => new openaiCompatible.LLM("m", { baseUrl: "http://127.0.0.1:9/v1", apiKey: "k", ...options }),
      {
        instanceOf: TypeError,
        message,
      },
    );
  }
  t.throws(() => new openaiCompatible.LLM("m"), {
    message: "openaiCompatible.LLM: give a service or a baseUrl",
  });
  t.throws(() => new openaiCompatible.LLM("m", { service: "azure", apiKey: "k" }), {
    message: "openaiCompatible.LLM: give a baseUrl for Azure OpenAI",
  });
  t.throws(() => new openaiCompatible.LLM("a model", { service: "groq", apiKey: "k" }), {
    message: /the first argument must be the name of a model, not "a model"$/,
  });
  const error = t.throws(() => new openaiCompatible.LLM("m", { service: "groq", apiKey: "a-secret\nkey" }));
  t.false(error.message.includes("secret"));
});

test("letters that are split between two packets are decoded, and so are halves of a character in two chunks", async (t) => {
  const { emulator, model } = await openaiStage(t);
  emulator.script = () => [{ text: "Grüße aus Zürich: 你好, 👋🏽!" }];
  for (const bytes of [1, 3, 7]) {
    emulator.faults.add({ kind: "odd_chunks", bytes });
    t.is((await ask(model(), "Hi!")).text, "Grüße aus Zürich: 你好, 👋🏽!");
  }
  emulator.script = () => [{ delta: { content: "Wave \ud83d" } }, { delta: { content: "\udc4b now" } }];
  const { events, text } = await ask(model(), "Hi!");
  t.is(text, "Wave 👋 now");
  for (const event of events) if (event.type === "text") t.true(event.delta.isWellFormed(), event.delta);
});
