import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import {
  Agent,
  type AgentOptions,
  type BargeInOptions,
  type BudgetOptions,
  fallback,
  type SayOptions,
  Tools,
} from "greenroom";
import * as deepgram from "greenroom/deepgram";
import * as elevenlabs from "greenroom/elevenlabs";
import * as gemini from "greenroom/gemini";
import * as local from "greenroom/local";
import * as testing from "greenroom/testing";
import { defaultBroadcast } from "../../src/agent/call/call-events.ts";
import { defaultFallbackOptions } from "../../src/agent/fallback/rotation.ts";
import { defaultBargeIn } from "../../src/agent/hearing/barge-in.ts";
import { defaultBudget } from "../../src/agent/options/budget.ts";
import { defaultAgentLimits } from "../../src/agent/options/limits.ts";
import { similar } from "../../src/shared/text/similar.ts";
import { HostedAgent } from "../fixtures/agent-host.ts";
import { ScriptedLlm, script } from "../fixtures/scripted-llm.ts";

const given = {
  edge: new local.Edge(),
  agentUser: { id: "a", name: "A" },
  instructions: "",
  llm: new local.LLM(),
} satisfies AgentOptions;

for (const [options, message] of [
  [{ sttt: new testing.STT() }, "there is no option sttt: did you mean stt?"],
  [{ stt: {} }, "stt must be a recogniser, such as new deepgram.STT(), not an object"],
  [{ tts: new testing.STT() }, "tts must be a voice, such as new elevenlabs.TTS(), not an object"],
  [{ llm: "gemini" }, 'llm must be a model, such as new gemini.LLM(), not "gemini"'],
  [{ instructions: undefined }, "instructions is missing"],
  [{ agentUser: { id: "a" } }, "agentUser must be an object of id and name"],
  [{ apology: "" }, 'apology must be a text, or null, not ""'],
  [{ unheardApology: false }, "unheardApology must be a text, or null, not false"],
  [
    { limits: { toolTimeout: 1 } },
    "there is no option limits.toolTimeout: did you mean limits.toolTimeoutMs?",
  ],
  [
    { limits: { toolTimeoutMs: 2 ** 31 } },
    /limits.toolTimeoutMs must be a whole number from 1 to 2147483647/,
  ],
  [{ budget: { maxToken: 5 } }, "there is no option budget.maxToken: did you mean budget.maxTokens?"],
  [
    { budget: { maxTokens: Number.NaN } },
    /budget.maxTokens must be a whole number of at least 1, or null, not NaN/,
  ],
  [{ budget: { maxTokens: "5" } }, /budget.maxTokens must be .*, not "5"/],
  [{ budget: { maxTokens: 0 } }, /budget.maxTokens must be .*, not 0/],
  [{ budget: { maxSpokenCharacters: -1 } }, /budget.maxSpokenCharacters must be .*, not -1/],
  [{ bargeIn: { minWord: 2 } }, "there is no option bargeIn.minWord: did you mean bargeIn.minWords?"],
  [{ bargeIn: { minWords: 0 } }, /bargeIn.minWords must be a whole number of at least 1, not 0/],
  [{ bargeIn: { backchannels: "mhm" } }, 'bargeIn.backchannels must be a list of texts, not "mhm"'],
  [{ bargeIn: 5 }, "bargeIn must be an object, not 5"],
  [{ allowedTools: "slow" }, 'allowedTools must be a list of texts, not "slow"'],
  [{ userSilentAfterMs: 0 }, /userSilentAfterMs must be a whole number from 1 to 2147483647, or null, not 0/],
] as const) {
  test(`an agent refuses ${JSON.stringify(options)}`, (t) => {
    t.throws(() => new Agent({ ...given, ...options } as never), {
      instanceOf: TypeError,
      message: typeof message === "string" ? `new Agent: ${message}` : message,
    });
  });
}

test("the types of its groups of options can be named", (t) => {
  const budget: Partial<BudgetOptions> = { maxTokens: 5 };
  const bargeIn: Partial<BargeInOptions> = { minWords: 2, backchannels: [] };
  t.notThrows(() => new Agent({ ...given, budget, bargeIn }));
});

test("an option that is undefined is not given", async (t) => {
  const agent = new Agent({ ...given, budget: { maxTokens: undefined }, limits: undefined } as never);
  await agent.join(await agent.createCall("default", "call"));
  t.is(await agent.say("Hello."), "done");
  await agent.close();
});

test("a function that is allowed and not registered is named once the agent is made, or joins", async (t) => {
  const llm = new local.LLM();
  llm.registerFunction({ name: "slow", description: "", execute: () => null });
  const message = "new Agent: allowedTools: there is no function sloww: did you mean slow?";
  t.throws(() => new HostedAgent({ llm, allowedTools: ["sloww"] }), { message });
  const agent = new Agent({ ...given, llm, allowedTools: ["sloww"] });
  const call = await agent.createCall("default", "call");
  await t.throwsAsync(agent.join(call), { message });
  llm.registerFunction({ name: "sloww", description: "", execute: () => null });
  await t.notThrowsAsync(agent.join(call));
  await agent.close();
});

test("what is said wrongly is not said", async (t) => {
  const hosted = await new HostedAgent().join();
  await t.throwsAsync(hosted.agent.say("Hello.", { interupt: true } as SayOptions), {
    message: "agent.say: there is no option interupt: did you mean interrupt?",
  });
});

const execute = () => null;
for (const [name, definition, message] of [
  ["no name", { description: "", execute }, /^registerFunction: undefined is no name for a function/],
  ["a name that is a number", { name: 5, description: "", execute }, /5 is no name for a function/],
  ["no description", { name: "add", execute }, "registerFunction add: description is missing"],
  ["nothing to run", { name: "add", description: "" }, "registerFunction add: execute is missing"],
  [
    "parameters by another name",
    { name: "add", description: "", parameter: { type: "object" }, execute },
    "registerFunction add: there is no option parameter: did you mean parameters?",
  ],
  [
    "parameters that are no schema",
    { name: "add", description: "", parameters: { a: { type: "number" } }, execute },
    /parameters must be a Standard Schema, or a JSON Schema whose type is "object", not an object/,
  ],
] as const) {
  test(`no function with ${name}`, (t) => {
    t.throws(() => new local.LLM().registerFunction(definition as never), {
      instanceOf: TypeError,
      message,
    });
  });
}

test("an object that keeps more than what a function needs may be one", (t) => {
  class Counter {
    readonly name = "count";
    readonly description = "Counts";
    count = 0;
    execute() {
      this.count += 1;
      return this.count;
    }
  }
  const llm = new local.LLM();
  t.notThrows(() => llm.registerFunction(new Counter()));
});

for (const [name, make, message] of [
  ["local.LLM", () => new local.LLM({ foo: 1 } as object), "local.LLM: there is no option foo"],
  ["testing.LLM", () => new testing.LLM({ reply: "x" } as object), /no option reply: did you mean replies\?/],
  ["testing.STT", () => new testing.STT({ transcript: ["x"] } as object), /did you mean transcripts\?/],
  ["testing.TTS", () => new testing.TTS({ foo: 1 } as object), "testing.TTS: there is no option foo"],
  ["testing.Edge", () => new testing.Edge({ speeed: 1 } as object), /no option speeed: did you mean speed\?/],
  [
    "testing.Edge's speed",
    () => new testing.Edge({ speed: 0 }),
    /speed must be a number from 1 to 100, or Inf/,
  ],
  [
    "fallback",
    () => fallback([given.llm, new local.LLM()], { timeout: 5 } as object),
    /did you mean timeoutMs\?/,
  ],
] as const) {
  test(`${name} guesses at no option`, (t) => {
    t.throws(make, { instanceOf: TypeError, message });
  });
}

test.serial("a missing key, a wrong one and a wrong address are said in the same words by all", (t) => {
  for (const [owner, variable, make] of [
    ["gemini.LLM", "GOOGLE", (options: object) => new gemini.LLM(undefined, options)],
    ["deepgram.STT", "DEEPGRAM", (options: object) => new deepgram.STT(options)],
    ["elevenlabs.TTS", "ELEVENLABS", (options: object) => new elevenlabs.TTS(options)],
  ] as const) {
    const key = `${variable}_API_KEY`;
    t.throws(() => make({}), { message: `${key} is not set: set it, or give ${owner} an apiKey` });
    t.throws(() => make({ apiKey: "a secret" }), {
      message: `${owner}: apiKey must be a key, without spaces`,
    });
    process.env[key] = "a secret";
    t.throws(() => make({}), { message: `${key} must be a key, without spaces` });
    delete process.env[key];
    t.throws(() => make({ apiKey: "k", baseUrl: "nowhere" }), {
      message: /: baseUrl must be an? .*http or https URL, not "nowhere"$/,
    });
    t.throws(() => make("x" as never), { message: `${owner}: the options must be an object, not "x"` });
  }
});

test("a hint is one that may have been meant, or none", (t) => {
  const known = ["voiceId", "modelId", "sampleRate", "maxRetries"];
  t.is(similar("voice", known), "voiceId");
  t.is(similar("samplerate", known), "sampleRate");
  t.is(similar("maxRetry", known), "maxRetries");
  t.is(similar("pitch", known), null);
  t.is(similar("0", known), null);
});

const named = (name: string) => ({ name, description: "", execute: () => name });

test("the model may call the functions of the agent and its own, as far as they are allowed", async (t) => {
  const llm = new ScriptedLlm();
  llm.registerFunction(named("of_the_model"));
  const tools = new Tools();
  tools.registerFunction(named("of_the_agent"));
  const hosted = await new HostedAgent({ llm, tools }).join();
  await hosted.agent.simpleResponse(script([{ call: "of_the_agent" }, { call: "of_the_model" }]));
  t.deepEqual(
    llm.requests[0]?.functions.map(({ name }) => name),
    ["of_the_model", "of_the_agent"],
  );
  const results = llm.requests[1]?.messages.at(-1);
  t.deepEqual(results?.role === "tools" && results.results.map(({ output }) => output), [
    "of_the_agent",
    "of_the_model",
  ]);

  const allowed = await new HostedAgent({ llm, tools, allowedTools: ["of_the_agent"] }).join();
  await allowed.agent.simpleResponse("Hello");
  t.deepEqual(
    llm.requests.at(-1)?.functions.map(({ name }) => name),
    ["of_the_agent"],
  );
});

test("a function that the model and the agent both have is a mistake", (t) => {
  const llm = new ScriptedLlm();
  llm.registerFunction(named("twice"));
  const tools = new Tools();
  tools.registerFunction(named("twice"));
  const options = { edge: new local.Edge(), agentUser: { id: "a", name: "" }, instructions: "", llm, tools };
  t.throws(() => new Agent(options), { message: 'A function named "twice" is registered already' });
});

const defaults: Readonly<Record<string, object>> = {
  "options/limits.ts": defaultAgentLimits,
  "options/budget.ts": defaultBudget,
  "hearing/barge-in.ts": defaultBargeIn,
  "call/call-events.ts": defaultBroadcast,
  "fallback/rotation.ts": defaultFallbackOptions,
};

for (const [path, values] of Object.entries(defaults)) {
  test(`the comments in ${path} tell the defaults that hold`, (t) => {
    const source = readFileSync(join(import.meta.dirname, "../../src/agent", path), "utf8");
    const told = source.matchAll(/@default ([\w.]+).*\n +\*\/\n +readonly (\w+)\??:/g);
    const texts = new Map([...told].map(([, text, name]) => [name, text]));
    for (const [name, value] of Object.entries(values)) t.is(texts.get(name), String(value), name);
  });
}
