import test from "ava";
import * as aiSdk from "greenroom/ai-sdk";
import type { FunctionDeclaration } from "../../../src/agent/tools/functions.ts";
import { afterTools, ask, said } from "../../fixtures/providers/one-answer.ts";
import { vendorNames, vendorStage } from "../../fixtures/providers/vendor-stage.ts";

const weather: FunctionDeclaration = {
  name: "get_weather",
  description: "Get current weather for a location",
  parameters: {
    type: "object",
    properties: { location: { type: "string" } },
    required: ["location"],
  },
};

const image = { type: "image", data: Buffer.from("a small picture"), mimeType: "image/png" } as const;

for (const vendor of vendorNames) {
  test(`${vendor}: an answer is streamed in pieces, with its tokens`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = () => [
      { text: "Well hello there, whoever you are." },
      { usage: { input: 42, output: 9 } },
    ];
    const llm = stage.model();
    const answer = await ask(llm, "Hi!");
    t.is(answer.text, "Well hello there, whoever you are.");
    t.true(answer.events.filter(({ type }) => type === "text").length > 1);
    t.like(answer.usage, { inputTokens: 42, outputTokens: 9 });
    t.is(llm.provider, vendor.split("-")[0]!);
    const sent = JSON.stringify(stage.bodies()[0]);
    t.true(sent.includes("Hi!") && sent.includes("Be kind."));
  });

  test(`${vendor}: tools are called in parallel, and the answer to their results follows`, async (t) => {
    const stage = await vendorStage(t, vendor);
    const calls = [
      { name: "get_weather", args: { location: "Paris, “Île-de-France”" } },
      { name: "get_weather", args: { location: "München 🥨" } },
    ];
    stage.script = () =>
      stage.bodies().length === 1
        ? [{ reasoning: "Two places." }, { text: "Let me see." }, { calls }]
        : [{ text: "Fine." }];
    const llm = stage.model();
    const first = await ask(llm, "How is it there?", { functions: [weather] });
    t.is(first.text, "Let me see.");
    t.deepEqual(
      first.calls.map(({ name, arguments: args }) => ({ name, args })),
      calls,
    );
    t.is(new Set(first.calls.map(({ id }) => id)).size, 2);
    // As the agent keeps it: the words, the calls, and their results in the order of the calls.
    const history = afterTools([said("How is it there?")], first.calls, [
      { json: '{"celsius":21}' },
      { error: "Unknown" },
    ]);
    const [question, agent, results] = history;
    const spoken = [question!, { ...agent!, text: first.text } as typeof agent & object, results!];
    // The server refuses results without calls, reasoning that it did not sign, and items that it does not know.
    const second = await ask(llm, spoken, { functions: [weather] });
    t.is(second.text, "Fine.");
    // The words were cut after "Let", since the caller spoke: the rest must not come back.
    const cut = [
      question!,
      { ...agent!, text: "Let" } as typeof agent & object,
      results!,
      said("Never mind"),
    ];
    t.is((await ask(llm, cut, { functions: [weather] })).text, "Fine.");
    t.false(JSON.stringify(stage.bodies()[2]).includes("me see"));
    if (vendor.startsWith("openai") && !vendor.includes("chat")) {
      t.false(JSON.stringify(stage.bodies()[2]).includes("item_reference"));
    }
  });

  test(`${vendor}: a turn that another provider's model began goes on`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = () => [{ text: "Fine." }];
    const calls = [
      { id: "11111111-2222-3333-4444-555555555555", name: "get_weather", arguments: { location: "Rome" } },
      {
        id: "b",
        name: "get_weather",
        arguments: ["no object"],
        providerData: { gemini: { model: "x", part: {} } },
      },
    ];
    const history = afterTools([said("Rome?")], calls, ["Sunny", "Rain"]);
    t.is((await ask(stage.model(), history, { functions: [weather] })).text, "Fine.");
    // The turn was cut before its answer, and the caller goes on. The agent had the first word.
    const begun = [{ role: "agent" as const, text: "Hello!", toolCalls: [] }, ...history, said("And Oslo?")];
    t.is((await ask(stage.model(), begun, { functions: [weather] })).text, "Fine.");
    t.is(stage.bodies().length, 2);
  });

  test(`${vendor}: in the last round the model may call nothing`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = () => [{ text: "Fine." }];
    await ask(stage.model(), "Hi!", { functions: [weather], toolChoice: "none" });
    t.regex(JSON.stringify(stage.bodies()[0]), /get_weather.*("none"|"NONE")|("none"|"NONE").*get_weather/);
  });

  test(`${vendor}: images, several speakers, and messages without words`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = () => [{ text: "I see." }];
    const shown = {
      ...said("What is this?", "bob"),
      parts: [{ type: "text", text: "What is this?" } as const, image],
    };
    t.is((await ask(stage.model(), [said(" "), shown])).text, "I see.");
    const sent = JSON.stringify(stage.bodies()[0]);
    t.true(sent.includes(Buffer.from("a small picture").toString("base64")));
    t.true(sent.includes("alice: (inaudible)") && sent.includes("bob: What is this?"));
    t.regex(sent, /Several people are in this call/);
  });

  test(`${vendor}: reasoning is never spoken`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = () => [{ reasoning: "The user said hi, so I say hi." }, { text: "Hi!" }];
    t.is((await ask(stage.model(), "Hi!")).text, "Hi!");
  });

  test(`${vendor}: letters and emojis that are split between packets and pieces are whole`, async (t) => {
    const stage = await vendorStage(t, vendor);
    const text = "Grüße an 🧑‍🚀 und 🦜🦜🦜, 日本語も。";
    stage.script = () => [{ text }];
    for (const bytes of [1, 3]) {
      stage.fault({ kind: "odd_chunks", bytes });
      t.is((await ask(stage.model(), "Hi!")).text, text);
    }
  });
}

test("two blocks of text are two sentences, with a blank between them", async (t) => {
  const stage = await vendorStage(t, "anthropic");
  stage.script = () => [{ text: "One moment." }, { reasoning: "Hm" }, { text: "Here it is." }];
  t.is((await ask(stage.model(), "Hi!")).text, "One moment. Here it is.");
});

test("what a tool of the vendor itself did is not run, not spoken, and given back", async (t) => {
  const stage = await vendorStage(t, "openai");
  stage.script = () =>
    stage.bodies().length === 1
      ? [{ searched: "weather Paris" }, { text: "I found it." }, { calls: [{ name: "get_weather" }] }]
      : [{ text: "Fine." }];
  const llm = stage.model({ vendorTools: [{ id: "openai.web_search", args: {} }] });
  const first = await ask(llm, "Search!", { functions: [weather] });
  t.deepEqual(
    first.calls.map(({ name }) => name),
    ["get_weather"],
  );
  t.is(first.text, "I found it.");
  t.regex(JSON.stringify(stage.bodies()[0]), /"type":"web_search"/);
  const history = afterTools([said("Search!")], first.calls, ["Sunny"]);
  const [question, agent, results] = history;
  await ask(llm, [question!, { ...agent!, text: first.text } as typeof agent & object, results!], {
    functions: [weather],
  });
  t.regex(JSON.stringify(stage.bodies()[1]), /"item_reference","id":"ws_/);
});

test("signatures of thoughts go back to the model that made them, and to no other", async (t) => {
  const stage = await vendorStage(t, "anthropic");
  stage.script = () =>
    stage.bodies().length === 1
      ? [{ reasoning: "Hm." }, { calls: [{ name: "get_weather" }] }]
      : [{ text: "Fine." }];
  const thinking = { providerOptions: { anthropic: { thinking: { type: "enabled", budgetTokens: 1_024 } } } };
  const { calls } = await ask(stage.model(thinking), "Hi!", { functions: [weather] });
  // It is JSON, since another thread may take up the call.
  const kept = JSON.parse(JSON.stringify(calls)) as typeof calls;
  await ask(stage.model(thinking), afterTools([said("Hi!")], kept, ["Sunny"]), { functions: [weather] });
  t.regex(JSON.stringify(stage.bodies()[1]), /"thinking":"Hm\.","signature":"signature/);
  const other = await vendorStage(t, "mistral");
  other.script = () => [{ text: "Fine." }];
  await ask(other.model(), afterTools([said("Hi!")], kept, ["Sunny"]), { functions: [weather] });
  t.notRegex(JSON.stringify(other.bodies()[0]), /signature|Hm\./);
});

test("options become parameters of the request, for the vendor's own too", async (t) => {
  const stage = await vendorStage(t, "openai-chat");
  await ask(
    stage.model({
      maxOutputTokens: 200,
      temperature: 0.4,
      topP: 0.9,
      stopSequences: ["END"],
      seed: 7,
      headers: { "x-team": "voice" },
      providerOptions: { openai: { user: "caller-1" } },
    }),
    "Hi!",
  );
  t.like(stage.bodies()[0], {
    max_tokens: 200,
    temperature: 0.4,
    top_p: 0.9,
    stop: ["END"],
    seed: 7,
    user: "caller-1",
    stream: true,
  });
  const { headers } = (await stage.seen("request")) as { headers: Record<string, string> };
  t.is(headers["x-team"], "voice");
  const thinking = await vendorStage(t, "openai");
  await ask(thinking.model({ reasoning: "minimal" }), "Hi!");
  t.like(thinking.bodies()[0], { reasoning: { effort: "minimal" } } as object);
});

test.serial("a warning of the model is logged once", async (t) => {
  const stage = await vendorStage(t, "openai");
  const logged: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => logged.push(text);
  t.teardown(() => {
    console.warn = warn;
  });
  const llm = stage.model({ topK: 5 });
  await ask(llm, "Hi!");
  await ask(llm, "Hi again!");
  t.is(logged.length, 1);
  t.regex(logged[0]!, /^aiSdk\.LLM gpt-5-mini: unsupported topK/);
});

test("a wrong model or option is refused with one clear line", async (t) => {
  const { model } = await vendorStage(t, "openai-v2");
  const refused = (make: () => unknown) => t.throws(make, { instanceOf: TypeError })!.message;
  t.regex(
    refused(() => new aiSdk.LLM("gpt-5-mini" as never)),
    /^aiSdk\.LLM: the first argument must be a model of the AI SDK, such as openai\("gpt-5-mini"\), not the name "gpt-5-mini"$/,
  );
  const old = {
    specificationVersion: "v1",
    provider: "openai",
    modelId: "x",
    doStream: () => Promise.reject(),
  };
  t.regex(
    refused(() => new aiSdk.LLM(old as never)),
    /version v1 of the AI SDK's interface: v2, v3, v4 are understood$/,
  );
  t.is(
    refused(() => model({ temprature: 1 } as never)),
    "aiSdk.LLM: there is no option temprature: did you mean temperature?",
  );
  t.regex(
    refused(() => model({ reasoning: "low" })),
    /reasoning is for models of version v4: with v2 it is in providerOptions$/,
  );
  t.regex(
    refused(() => model().registerFunction({ name: "get.weather", description: "", execute: () => 1 })),
    /"get\.weather" is no name for a function/,
  );
});
