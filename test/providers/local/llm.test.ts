import test from "ava";
import { handoff, type LlmEvent, type LlmRequest, type Message, type ToolResult, Tools } from "greenroom";
import * as local from "greenroom/local";
import { goOn, unknownOutcome } from "../../../src/agent/resume/words.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";

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
  t.regex(textOf(await answer([asked("Hello there")])), /^Hello, /);
  t.regex(textOf(await answer([{ role: "instruction", text: "Greet the user" }])), /^Hello, /);
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
  t.deepEqual(heard, ["Hello, ", "this ", "is "]);
});

const talk = async (text: string, more: Partial<LlmRequest> = {}) =>
  textOf(await answer([asked(text)], more));

/** Returns the messages of a turn in which the agent called a tool, and what is asked next. */
const after = (name: string, place: string, answered: string, next: string): Message[] => [
  asked(`${name} ${place}`),
  { role: "agent", text: "", toolCalls: [{ id: "0", name, arguments: { place } }] },
  brought({ name, ok: true, output: "…" }),
  { role: "agent", text: answered, toolCalls: [] },
  asked(next),
];

for (const [next, places] of [
  ["And in Rome?", ["Rome"]],
  ["What about Tokyo?", ["Tokyo"]],
  ["How about Madrid and New York?", ["Madrid", "New York"]],
  ["Berlin.", ["Berlin"]],
] as const) {
  test(`it goes on with what was asked before: ${next}`, async (t) => {
    const weather = await answer(after("get_weather", "Oslo", "It is cold.", next));
    t.deepEqual(
      callsOf(weather),
      places.map((place) => ["get_weather", { place }]),
    );
  });
}

for (const next of ["What about you?", "Hello.", "Thanks.", "And what is your name?"]) {
  test(`it does not go on with what was asked before: ${next}`, async (t) => {
    t.deepEqual(callsOf(await answer(after("get_weather", "Oslo", "It is cold.", next))), []);
  });
}

test("a place is asked for, and the answer is one", async (t) => {
  const asks = textOf(await answer([asked("How is the weather?")]));
  t.regex(asks, /^Tell me where/);
  const told = [asked("How is the weather?"), { role: "agent", text: asks, toolCalls: [] } as const];
  t.deepEqual(callsOf(await answer([...told, asked("Chicago.")])), [["get_weather", { place: "Chicago" }]]);
  t.is(textOf(await answer([...told, asked("Never mind.")])), "Okay.");
});

test("the time is asked for at places too, where the tool takes one", async (t) => {
  const time = (properties: object) =>
    functions.map((one) =>
      one.name === "get_time" ? { ...one, parameters: { ...one.parameters, properties } } : one,
    ) as typeof functions;
  const question = [asked("What time is it in Tokyo and in New York?")];
  t.deepEqual(callsOf(await answer(question, { functions: time({ location: { type: "string" } }) })), [
    ["get_time", { location: "Tokyo" }],
    ["get_time", { location: "New York" }],
  ]);
  t.deepEqual(callsOf(await answer(question, { functions: time({}) })), [["get_time", {}]]);
});

test("what a newcomer tries is answered", async (t) => {
  t.is(await talk("Stop talking."), "Okay.");
  t.is(await talk("How do you spell your name?"), "My name is Greenroom: G, R, E, E, N, R, O, O, M.");
  t.regex(await talk("Who are you?"), /^I am Greenroom/);
  t.regex(await talk("What can you do?"), /weather.*time.*spell my name/);
  t.is(await talk("Thank you very much."), "You are welcome!");
  t.is(await talk("Thanks, goodbye."), "Goodbye!");
  t.regex(await talk("Hi, how are you?"), /^I am fine/);
  t.is(await talk("My name is Ada."), "Nice to meet you, Ada.");
  t.regex(await talk("Tell me a story."), /interesting/);
  t.not(await talk("Tell me a joke."), textOf(await answer([asked("Hi"), asked("Tell me a joke.")])));
  t.is(await talk("What is two plus two?"), "That is 4.");
  t.is(await talk("What is too plus, too?"), "That is 4.");
  t.is(await talk("No, thank you."), "All right.");
  t.is(await talk("How much is 12 divided by 5?"), "That is 2.4.");
  t.is(await talk("What is twenty-one times 3?"), "That is 63.");
  t.is(await talk("What is one divided by zero?"), "That cannot be divided.");
  t.is(textOf(await answer([asked("My name is Ada."), asked("What is my name?")])), "Your name is Ada.");
  t.regex(await talk("Are you a robot?"), /^I am a program/);
  t.regex(await talk("Do you speak German?"), /English/);
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
  ["Will it rain in Seattle tomorrow?", "Seattle"],
  ["Do I need an umbrella in Lisbon?", "Lisbon"],
  ["Is it cold in Moscow?", "Moscow"],
  ["What is the temperature in the city of Oslo right now?", "Oslo"],
  ["What is the weather for tomorrow in Vienna?", "Vienna"],
  ["Weather Berlin.", "Berlin"],
  ["Whatsoever like in London to-day", "London"],
  ["What is the weathering Mumbai?", "Mumbai"],
  ["Is it sunny and Barcelona to day?", "Barcelona"],
  ["Give me the wiper for Munich.", "Munich"],
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

const more = [
  {
    name: "switch_light",
    description: "Turn the light in a room on or off",
    parameters: {
      type: "object" as const,
      properties: { room: { type: "string" }, state: { type: "string", enum: ["on", "off"] } },
      required: ["room", "state"],
    },
  },
  {
    name: "send_message",
    description: "Send a text message to somebody",
    parameters: {
      type: "object" as const,
      properties: { name: { type: "string" }, text: { type: "string" } },
      required: ["name", "text"],
    },
  },
  {
    name: "add_to_list",
    description: "Add an item to the shopping list",
    parameters: { type: "object" as const, properties: { item: { type: "string" } }, required: ["item"] },
  },
  {
    name: "toString",
    description: "Nothing that is ever asked for",
    parameters: { type: "object" as const, properties: {} },
  },
];

for (const [question, name, args] of [
  ["Turn on the light in the kitchen.", "switch_light", { state: "on", room: "kitchen" }],
  ["Switch the light in London off, please.", "switch_light", { state: "off", room: "London" }],
  ["Send a message to Anna that I am late.", "send_message", { name: "Anna", text: "I am late" }],
  ["Add milk to my shopping list.", "add_to_list", { item: "milk" }],
  ["Where is my order number twelve?", "get_order_status", { order_number: "12" }],
] as const) {
  test(`the arguments of a tool are found in the question: ${question}`, async (t) => {
    t.deepEqual(callsOf(await answer([asked(question)], { functions: [...own, ...more] })), [[name, args]]);
  });
}

test("a tool of an agent's own is called when the question matches its description", async (t) => {
  const asks = async (text: string) => callsOf(await answer([asked(text)], { functions: own }));
  t.deepEqual(await asks("Please book a table for two at seven."), [
    ["book_table", { guests: 2, time: "seven" }],
  ]);
  t.deepEqual(await asks("Where is my order A-1234?"), [["get_order_status", { order_number: "A-1234" }]]);
  t.deepEqual(await asks("Hello there."), []);
  t.regex(await talk("Book a table.", { functions: own }), /^For that I need to know this: guests\./);
});

test("an answer that was cut is finished, without the words of it that were heard", async (t) => {
  const question = asked("What is the weather in Paris and Rome?");
  const calls = callsOf(await answer([question])).map(([name, args], index) => ({
    id: `${index}`,
    name: String(name),
    arguments: args as { place: string },
  }));
  const called: Message = { role: "agent", text: "", toolCalls: calls };
  const report = (place: string) => ({
    name: "get_weather",
    ok: true,
    format: "json" as const,
    output: JSON.stringify({ found: true, place, temperature_c: 20, conditions: "sunny" }),
  });
  const results = brought(report("Paris"), report("Rome"));
  const whole = textOf(await answer([question, called, results]));
  const heard = whole.slice(0, whole.indexOf("Rome") + 4);
  const cut: Message = { role: "agent", text: heard, toolCalls: [] };
  const rest = textOf(await answer([question, called, results, cut, { role: "instruction", text: goOn }]));
  t.is(`${heard} ${rest}`.replaceAll(/\s+/g, " "), whole.replaceAll(/\s+/g, " "));
  t.not(rest, "");
});

test("it asks, once, where nobody knows what became of its tools", async (t) => {
  const unknown = { name: "get_weather", ok: false, output: unknownOutcome };
  const text = textOf(await answer([asked("Weather in Paris and Rome?"), brought(unknown, unknown)]));
  t.is(text, "I was cut off while I looked that up. Shall I try it again?");
});

test("notes that are meant for models are not read aloud: handoffs, and functions that run on", async (t) => {
  const llm = new local.LLM({ wordDelayMs: 0 });
  const baked = Promise.withResolvers<object>();
  const tools = new Tools();
  tools.registerFunction({
    name: "connect_billing",
    description: "Connects the caller with billing.",
    execute: () => handoff("billing"),
  });
  tools.registerFunction({
    name: "order_pizza",
    description: "Orders a pizza.",
    runOnAfterMs: 0,
    execute: () => baked.promise,
  });
  const hosted = await new HostedAgent({ llm, tools, roles: { billing: { tools: new Tools() } } }).join();
  t.teardown(() => hosted.agent.close());
  await hosted.agent.simpleResponse("Greet the user.");
  hosted.type("Please order a pizza");
  await eventually("it is ordered", () => hosted.said.length === 2);
  baked.resolve({ number: 7 });
  await eventually("it is there", () => hosted.said.length === 3);
  hosted.type("Please connect me with billing");
  await eventually("billing has spoken", () => hosted.said.length === 4);
  const [greeting, ...said] = hosted.said;
  t.is(
    greeting,
    "Hello. I am an agent of Greenroom, with rules in place of a language model. I can do this: connect billing, order pizza.",
  );
  t.deepEqual(said, [
    "I am on it, and tell you when it is done.",
    "It is done. number: 7.",
    "You speak with billing now. How can I help?",
  ]);
});
