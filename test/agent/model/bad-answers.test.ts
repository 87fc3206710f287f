import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { fallback, type LLM, type LlmRequest } from "greenroom";
import * as testing from "greenroom/testing";
import { WrittenCalls } from "../../../src/agent/model/written-calls.ts";
import { Metrics } from "../../../src/metrics/prometheus.ts";
import type { GeminiStep } from "../../emulators/gemini.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";
import { until, VoiceCall, type VoiceCallOptions } from "../../fixtures/voice/voice-call.ts";

const [first, second] = ["gemini-2.5-flash", "gemini-2.5-flash-lite"] as const;
const quick = { maxRetryDelayMs: 1 };

/** A call with sound in which Alice has asked something, and its turn is over. */
async function asked(t: ExecutionContext, llm: LLM) {
  const call = await VoiceCall.with(t, { agent: { llm, apology: "Sorry, say that again." } });
  const alice = await call.ear("alice");
  alice.say("What is the weather in Oslo?");
  const [turn] = await call.turnsOver(1);
  return { call, turn };
}

const heard = (call: VoiceCall) => call.tts.spoken.map(({ text }) => text);

/** Resolves with the numbers of answers that were counted as bad, by model and reason, as Prometheus reads them. */
async function counted(call: VoiceCall): Promise<Readonly<Record<string, number>>> {
  const metrics = new Metrics();
  for (const measurement of call.hosted.measurements) metrics.record(measurement);
  const text = await metrics.text();
  const series = text.matchAll(
    /^greenroom_llm_bad_answers_total\{provider="gemini",model="(.+)",reason="(.+)"\} (\d+)$/gm,
  );
  return Object.fromEntries(
    [...series].map(([, model, reason, count]) => [`${model} ${reason}`, Number(count)]),
  );
}

const brokenCalls: Readonly<Record<string, readonly GeminiStep[]>> = {
  "that it could not write": [{ finish: "MALFORMED_FUNCTION_CALL" }],
  "that was not expected": [{ finish: "UNEXPECTED_TOOL_CALL" }],
  "without a name": [{ parts: [{ functionCall: { args: { city: "Oslo" } } }] }],
  "with an empty name": [{ parts: [{ functionCall: { name: "", args: {} } }] }],
};

for (const [what, steps] of Object.entries(brokenCalls)) {
  test(`a model that speaks and makes a call ${what} is told so, and its next answer is heard`, async (t) => {
    const { emulator, bodies, model } = await geminiStage(t);
    const script = [[{ text: "One moment." }, ...steps], [{ text: "It rains." }], [{ text: "Bye." }]];
    emulator.script = () => script.shift() ?? [];
    const { call, turn } = await asked(t, model(second, quick));
    t.is(turn?.outcome, "done");
    t.deepEqual(heard(call), ["One moment.", "It rains."]);
    t.regex(JSON.stringify(bodies()[1]?.contents), /Your function call could not be read/);
    t.deepEqual(await counted(call), { [`${second} broken_call`]: 1 });
    // Later requests tell of the words alone, and are taken.
    call.hosted.type("Thanks");
    t.is((await call.turnsOver(2))[1]?.outcome, "done");
    t.notRegex(JSON.stringify(bodies()[2]?.contents), /could not be read|functionCall/);
  });

  test(`a model that only makes a call ${what} is asked again`, async (t) => {
    const { emulator, bodies, model } = await geminiStage(t);
    const script: (readonly GeminiStep[])[] = [steps, [{ text: "It rains." }]];
    emulator.script = () => script.shift() ?? [];
    const { call, turn } = await asked(t, model(second, quick));
    t.is(turn?.outcome, "done");
    t.deepEqual(heard(call), ["It rains."]);
    t.deepEqual(bodies()[1]?.contents, bodies()[0]?.contents);
    const reason = what.includes("expected") ? "unexpected_tool_call" : "malformed_function_call";
    t.deepEqual(await counted(call), { [`${second} ${reason}`]: 1 });
  });
}

test("a call to a function that there is not, with the word that it was unexpected, lets the model correct itself", async (t) => {
  const { emulator, bodies, model } = await geminiStage(t);
  const script = [
    [{ call: "get_forecast" }, { finish: "UNEXPECTED_TOOL_CALL" }],
    [{ call: "weather" }],
    [{ text: "It rains." }],
  ];
  emulator.script = () => script.shift() ?? [];
  const llm = model(second, quick);
  llm.registerFunction({ name: "weather", description: "The weather.", execute: () => "rain" });
  const { call, turn } = await asked(t, llm);
  t.is(turn?.outcome, "done");
  t.deepEqual(heard(call), ["It rains."]);
  const results = bodies()[2]?.contents?.flatMap(({ parts = [] }) =>
    parts.flatMap(({ functionResponse }) =>
      functionResponse === undefined ? [] : [functionResponse.response],
    ),
  );
  t.deepEqual(results, [
    { error: 'There is no function named "get_forecast". Functions: weather' },
    { output: "rain" },
  ]);
});

test("a call by a name that no service takes is not made, and no later request has it", async (t) => {
  for (const name of ["multi_tool_use.parallel", "look up!", "x".repeat(20_000)]) {
    const llm = new testing.LLM({ replies: [[{ call: name }], "It rains."], otherwise: "Bye." });
    const hosted = await new HostedAgent({ llm }).join();
    hosted.type("What is the weather?");
    await until(() => hosted.said.length === 1, "it is answered");
    t.deepEqual(hosted.said, ["It rains."]);
    hosted.type("Thanks");
    await until(() => hosted.said.length === 2, "it is answered again");
    t.deepEqual(
      llm.requests.at(-1)?.messages.map(({ role }) => role),
      ["participant", "agent", "participant"],
    );
    t.false(hosted.logged.some(([fields]) => JSON.stringify(fields).length > 1_000));
    await hosted.agent.close();
  }
});

test("an image that a model refuses costs no later turn: the model is asked again without it", async (t) => {
  const hasImage = ({ messages }: LlmRequest) =>
    messages.some((message) => "parts" in message && message.parts?.some(({ type }) => type === "image"));
  const llm = new testing.LLM({
    otherwise: (request) =>
      hasImage(request) ? [{ fail: "no such image", status: 400 }] : "I cannot see it.",
  });
  const hosted = await new HostedAgent({ llm, apology: null }).join();
  t.teardown(() => hosted.agent.close());
  const image = { type: "image", data: Buffer.from("no picture"), mimeType: "image/png" } as const;
  hosted.agent.conversation.append({ role: "instruction", text: "Look.", parts: [image] });
  for (const count of [1, 2]) {
    hosted.type("What is in it?");
    await until(() => hosted.said.length === count, "it is answered");
  }
  t.deepEqual(hosted.said, ["I cannot see it.", "I cannot see it."]);
  t.deepEqual(llm.requests.map(hasImage), [true, false, false]);
  t.regex(JSON.stringify(llm.requests.at(-1)?.messages), /an image that cannot be shown/);
  t.true(hosted.logged.some(([fields]) => "event" in fields && fields.event === "images_refused"));
});

test("a refusal of a request without images is told as it is", async (t) => {
  const llm = new testing.LLM({ otherwise: [{ fail: "no", status: 400 }] });
  const hosted = await new HostedAgent({ llm, apology: null }).join();
  t.teardown(() => hosted.agent.close());
  t.is(await hosted.agent.simpleResponse("Go"), "failed");
  t.is(llm.requests.length, 1);
});

test("of calls made at once only the one without a name is dropped", async (t) => {
  const { emulator, model } = await geminiStage(t);
  emulator.script = () => [
    { parts: [{ functionCall: { args: {} } }, { functionCall: { name: "weather" } }] },
  ];
  const { calls, events } = await ask(model(), "Hi!");
  t.deepEqual(
    calls.map(({ name }) => name),
    ["weather"],
  );
  t.false(events.some(({ type }) => type === "broken_call"));
});

const nothing: Readonly<Record<string, readonly GeminiStep[]>> = {
  "no parts": [],
  "an empty text": [{ parts: [{ text: "" }] }],
  "a line break": [{ parts: [{ text: "\n" }] }],
  "thoughts only": [{ thought: "What might she want?" }],
};

for (const [what, steps] of Object.entries(nothing)) {
  test(`of a fallback whose first model answers nothing the second answers: ${what}`, async (t) => {
    const { emulator, model } = await geminiStage(t);
    emulator.script = (_, name) => (name === first ? steps : [{ text: "It rains." }]);
    const llm = fallback([model(first, { maxRetries: 0 }), model(second, quick)]);
    const { call, turn } = await asked(t, llm);
    t.is(turn?.outcome, "done");
    t.deepEqual(heard(call), ["It rains."]);
    t.deepEqual(await counted(call), { [`${first} empty`]: 1 });
  });

  test(`an agent whose only model answers nothing says its apology: ${what}`, async (t) => {
    const { emulator, bodies, model } = await geminiStage(t);
    emulator.script = () => steps;
    const { call, turn } = await asked(t, model(second, { ...quick, maxRetries: 2 }));
    t.like(turn, { outcome: "failed", error: { name: "BadAnswerError", code: "EMPTY" } });
    await call.turnsOver(2);
    t.deepEqual(heard(call), ["Sorry, say that again."]);
    t.is(bodies().length, 3);
    t.deepEqual(await counted(call), { [`${second} empty`]: 3 });
    // The next question is answered.
    emulator.script = () => [{ text: "It rains." }];
    call.hosted.type("And now?");
    t.is((await call.turnsOver(3))[2]?.outcome, "done");
  });
}

const silent: Readonly<Record<string, string>> = {
  "an emoji": "👍",
  "a block of code": "```py\nprint(1)\n```",
  JSON: '{"name": "weather", "arguments": {"city": "Oslo"}}',
  thoughts: "<think>What might she want?</think>\n",
  "an ellipsis": "…",
  "a source": "[1]",
};

for (const [what, text] of Object.entries(silent)) {
  test(`an answer of which nothing can be spoken is asked for again: ${what}`, async (t) => {
    const call = await VoiceCall.with(t, { llm: new testing.LLM({ replies: [text, "Here I am."] }) });
    const alice = await call.ear("alice");
    alice.say("Hello?");
    const [turn] = await call.turnsOver(1);
    t.is(turn?.outcome, "done");
    t.deepEqual(
      call.tts.spoken.map((spoken) => spoken.text),
      ["Here I am."],
    );
    // The model learns why it is asked again, and only then.
    const [, again] = call.llm.requests;
    t.regex(String(again?.messages.map((message) => "text" in message && message.text)), /can be spoken/);
    call.hosted.type("And now?");
    await call.turnsOver(2);
    const later = JSON.stringify(call.llm.requests[2]?.messages);
    t.notRegex(later, /can be spoken/);
  });
}

test("behind the result of a tool too", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "book" }], "✅", "It is booked."] });
  llm.registerFunction({ name: "book", description: "Books.", execute: () => "done" });
  const call = await VoiceCall.with(t, { llm });
  const alice = await call.ear("alice");
  alice.say("Book it.");
  await call.turnsOver(1);
  t.deepEqual(
    call.tts.spoken.map((spoken) => spoken.text),
    ["It is booked."],
  );
});

test("one that stays silent fails audibly", async (t) => {
  const llm = new testing.LLM({ otherwise: "👍" });
  const call = await VoiceCall.with(t, { llm, agent: { apology: "Sorry, say that again." } });
  const alice = await call.ear("alice");
  alice.say("Hello?");
  const [turn] = await call.turnsOver(2);
  t.is(turn?.outcome, "failed");
  t.is(llm.requests.length, 3);
  t.deepEqual(
    call.tts.spoken.map((spoken) => spoken.text),
    ["Sorry, say that again."],
  );
});

test("to an instruction of the agent's own code it fails at once: the code can ask again", async (t) => {
  const llm = new testing.LLM({ replies: ["👍", "Welcome!"] });
  const call = await VoiceCall.with(t, { llm });
  t.is(await call.hosted.agent.simpleResponse("Greet the caller."), "failed");
  t.is(await call.hosted.agent.simpleResponse("Greet the caller."), "done");
  t.is(llm.requests.length, 2);
});

const left: Readonly<Record<string, VoiceCallOptions["agent"]>> = {
  "by a function": { ttsTextTransforms: [() => ""] },
  "by a pattern": { ttsTextTransforms: [{ start: "Nothing", end: "say." }] },
};

for (const [how, agent = {}] of Object.entries(left)) {
  test(`what the user leaves out on purpose is not asked for again: ${how}`, async (t) => {
    const llm = new testing.LLM({ replies: ["Nothing to say."] });
    const call = await VoiceCall.with(t, { llm, agent });
    const alice = await call.ear("alice");
    alice.say("Hm, well then.");
    const [turn] = await call.turnsOver(1);
    t.is(turn?.outcome, "done");
    t.is(llm.requests.length, 1);
  });
}

test("where answers are read, an emoji is one", async (t) => {
  const llm = new testing.LLM({ replies: ["👍"] });
  const hosted = new HostedAgent({ edge: new testing.Edge(), llm });
  t.teardown(() => hosted.agent.close());
  await hosted.join();
  hosted.type("Thanks!");
  await until(() => hosted.events.some(({ type }) => type === "turn"), "the turn");
  t.deepEqual(hosted.said, ["👍"]);
  t.is(llm.requests.length, 1);
});

const through = (pieces: readonly string[]) => {
  const calls = new WrittenCalls(["get_weather", "weather"]);
  const text = pieces.map((piece) => calls.push(piece)).join("");
  return { text: text + calls.end(), found: calls.found };
};

test("a call that is written as text is found, wherever the stream is cut", (t) => {
  const calls = [
    "print(default_api.end_conversation(reason='done'))",
    "default_api.get_weather(city='Oslo')",
    "```tool_code\nprint(default_api.get_weather(city='Oslo'))\n```",
    "get_weather(city='Oslo')",
    '{"name": "get_weather", "arguments": {}}',
    '{"name":"weather","arguments":{}}',
    '{\n  "name": "weather",\n  "arguments": {}\n}',
    '<|tool_call|>[{"name": "weather"}]',
    '<invoke name="weather">',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...calls), fc.array(fc.integer({ min: 1, max: 9 })), (call, sizes) => {
      const whole = `Sure, one moment. ${call} Done.`;
      const pieces: string[] = [];
      for (let at = 0, index = 0; at < whole.length; index++) {
        const size = sizes[index % Math.max(1, sizes.length)] ?? 4;
        pieces.push(whole.slice(at, at + size));
        at += size;
      }
      const { text, found } = through(pieces);
      return found && text === "Sure, one moment. ";
    }),
  );
  t.pass();
});

test("other words go through, whole", (t) => {
  const text =
    'The weather (today) is fine, and my_default_api.x is a name. Print it: {"a": 1} ```js\n1\n``` 👍';
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), (size) => {
      const pieces = text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? [];
      const result = through(pieces);
      return result.text === text && !result.found;
    }),
  );
  t.pass();
});
