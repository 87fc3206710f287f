import test from "ava";
import type { LlmEvent, LlmRequest, Message, ToolResult } from "greenroom";
import * as local from "greenroom/local";

const functions = ["get_weather", "get_time"].map((name) => ({
  name,
  description: "",
  parameters: {
    type: "object" as const,
    properties: name === "get_weather" ? { place: { type: "string" } } : {},
  },
}));

const asked = (text: string): Message => ({ role: "participant", participantId: "alice", text });

const brought = (...results: Omit<ToolResult, "callId">[]): Message => ({
  role: "tools",
  results: results.map((result, index) => ({ ...result, callId: `${index}` })),
});

async function answer(messages: readonly Message[], more: Partial<LlmRequest> = {}): Promise<LlmEvent[]> {
  const llm = new local.LLM({ wordDelayMs: 0 });
  const { signal } = new AbortController();
  const request = {
    instructions: "Be kind.",
    messages,
    functions,
    toolChoice: "auto" as const,
    signal,
    ...more,
  };
  return Array.fromAsync(llm.generate(request));
}

const textOf = (events: readonly LlmEvent[]): string =>
  events.map((event) => (event.type === "text" ? event.delta : "")).join("");

const callsOf = (events: readonly LlmEvent[]) =>
  events.flatMap((event) => (event.type === "tool_call" ? [[event.call.name, event.call.arguments]] : []));

for (const [question, places] of [
  ["What is the weather in Paris?", ["Paris"]],
  ["weather in Paris and Rome please", ["Paris", "Rome"]],
  ["What is the weather in Boulder, CO and Austin, TX?", ["Boulder, CO", "Austin, TX"]],
  [
    "How's the weather today in New York, in Oslo and in São Paulo right now?",
    ["New York", "Oslo", "São Paulo"],
  ],
  ["Weather for Boulder. And what about you?", ["Boulder"]],
] as const) {
  test(`it asks for the weather: ${question}`, async (t) => {
    const events = await answer([asked(question)]);
    t.deepEqual(
      callsOf(events),
      places.map((place) => ["get_weather", { place }]),
    );
    t.is(textOf(events), "");
  });
}

test("it asks for the time", async (t) => {
  t.deepEqual(callsOf(await answer([asked("What time is it?")])), [["get_time", {}]]);
});

test("it calls no function that does not exist or is not allowed", async (t) => {
  t.deepEqual(callsOf(await answer([asked("What time is it?")], { functions: [] })), []);
  t.deepEqual(callsOf(await answer([asked("weather in Rome")], { toolChoice: "none" })), []);
});

test("it puts results into words, with their source", async (t) => {
  const weather = {
    found: true,
    location: "Rome",
    temperatureCelsius: 20,
    conditions: "sunny",
    source: "a table",
  };
  const unknown = { found: false, location: "Xyzzy", reason: "no such place", source: "a table" };
  const events = await answer([
    asked("weather in Rome and Xyzzy"),
    brought(
      { name: "get_weather", ok: true, output: JSON.stringify(weather), format: "json" },
      { name: "get_weather", ok: true, output: JSON.stringify(unknown), format: "json" },
      { name: "get_time", ok: true, output: "12:00 UTC" },
      { name: "lookup", ok: true, output: '{"a":1}' },
      { name: "lookup", ok: false, output: "it broke" },
    ),
  ]);
  t.is(
    textOf(events),
    "In Rome it is 20 °C, sunny (source: a table). " +
      "I do not know the weather in Xyzzy: no such place (source: a table). " +
      'It is 12:00 UTC. {"a":1}. I could not use lookup: it broke',
  );
});

test("it greets, and repeats what it does not understand with an invitation", async (t) => {
  t.regex(textOf(await answer([asked("Hello there")])), /^Hello!/);
  t.regex(textOf(await answer([{ role: "instruction", text: "Greet the user" }])), /^Hello!/);
  t.regex(textOf(await answer([asked("blue")])), /^You said: "blue"\. Ask me/);
});

test("its tokens are words", async (t) => {
  const events = await answer([asked("one two three")]);
  const words = textOf(events).split(" ").length;
  t.deepEqual(events.at(-1), { type: "usage", inputTokens: 5, outputTokens: words });
});

test("it streams word by word, and stops when it is aborted", async (t) => {
  const llm = new local.LLM({ wordDelayMs: 1 });
  const giveUp = new AbortController();
  const heard: string[] = [];
  const error = await t.throwsAsync(async () => {
    const { signal } = giveUp;
    const request = {
      instructions: "",
      messages: [asked("hello")],
      functions,
      toolChoice: "auto" as const,
      signal,
    };
    for await (const event of llm.generate(request)) {
      if (event.type === "text") heard.push(event.delta);
      if (heard.length === 3) giveUp.abort();
    }
  });
  t.is(error?.name, "AbortError");
  t.deepEqual(heard, ["Hello! ", "I ", "am "]);
});

const talk = async (text: string, more: Partial<LlmRequest> = {}) =>
  textOf(await answer([asked(text)], more));

test("what a newcomer tries is answered", async (t) => {
  t.is(await talk("Stop talking."), "Okay.");
  t.is(await talk("How do you spell your name?"), "My name is Greenroom: G, R, E, E, N, R, O, O, M.");
  t.regex(await talk("Who are you?"), /^I am Greenroom/);
  t.regex(await talk("What can you do?"), /weather.*time.*spell my name/);
  t.is(await talk("Thank you very much."), "You are welcome!");
  t.is(await talk("Thanks, goodbye."), "Goodbye!");
  t.regex(await talk("Hi, how are you?"), /^I am fine/);
  t.is(await talk("My name is Ada."), "Nice to meet you, Ada.");
  t.regex(await talk("Tell me a story."), /Venus/);
  const repeat = [
    asked("hi"),
    { role: "agent", text: "It rains.", toolCalls: [] } as const,
    asked("Can you repeat that please?"),
  ];
  t.is(textOf(await answer(repeat)), "I said: It rains.");
});

for (const [question, place] of [
  ["How warm is it in Cairo?", "Cairo"],
  ["Is it raining in Amsterdam?", "Amsterdam"],
  ["What's the whether like in London today?", "London"],
] as const) {
  test(`it asks for the weather in other words: ${question}`, async (t) => {
    t.deepEqual(callsOf(await answer([asked(question)])), [["get_weather", { place }]]);
  });
}

test("a place that nobody knows, and that sounds like one that is known, is asked for once more", async (t) => {
  const call = { id: "0", name: "get_weather", arguments: { place: "Madred" } };
  const unknown = { found: false, location: "Madred", reason: "no such place", source: "a table" };
  const result = { name: "get_weather", ok: true, output: JSON.stringify(unknown), format: "json" } as const;
  const history = [
    asked("weather in Madred"),
    { role: "agent", text: "", toolCalls: [call] } as const,
    brought(result),
  ];
  t.deepEqual(callsOf(await answer(history)), [["get_weather", { place: "Madrid" }]]);
});

const own = [
  {
    name: "book_table",
    description: "Book a table at the restaurant",
    parameters: {
      type: "object" as const,
      properties: { guests: { type: "integer" }, time: { type: "string" } },
      required: ["guests"],
    },
  },
  {
    name: "get_order_status",
    description: "Tells where an order is, by its number",
    parameters: {
      type: "object" as const,
      properties: { order_number: { type: "string" } },
      required: ["order_number"],
    },
  },
];

test("a tool of an agent's own is called when the question matches its description", async (t) => {
  const asks = async (text: string) => callsOf(await answer([asked(text)], { functions: own }));
  t.deepEqual(await asks("Please book a table for two at seven."), [
    ["book_table", { guests: 2, time: "seven" }],
  ]);
  t.deepEqual(await asks("Where is my order A-1234?"), [["get_order_status", { order_number: "A-1234" }]]);
  t.deepEqual(await asks("Hello there."), []);
  t.regex(await talk("Book a table.", { functions: own }), /^For that I need to know this: guests\./);
});
