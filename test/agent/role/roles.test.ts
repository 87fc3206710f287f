import test from "ava";
import { Agent, type AgentEvent, type AgentOptions, type FunctionContext, handoff, Tools } from "greenroom";
import * as local from "greenroom/local";
import * as testing from "greenroom/testing";
import { attachAgent } from "../../../src/agent/agent.ts";
import { noHost } from "../../../src/agent/host.ts";
import { now } from "../../../src/shared/protocol.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { until, VoiceCall } from "../../fixtures/voice/voice-call.ts";

/** Returns functions of which one hands over to a role. */
function tools(role: string, options: Parameters<typeof handoff>[1] = {}): Tools {
  const set = new Tools();
  set.registerFunction({
    name: `connect_${role}`,
    description: `Connects with ${role}`,
    execute: () => handoff(role, options),
  });
  return set;
}

const turnsOf = ({ events }: HostedAgent) => events.filter((event) => event.type === "turn");
const rolesOf = ({ events }: HostedAgent) =>
  events.flatMap((event) => (event.type === "role" ? [[event.role, event.by]] : []));

/** Opens a call of text with a receptionist who knows of billing. */
async function reception(
  llm: testing.LLM,
  { roles, ...options }: Partial<AgentOptions> = {},
  handoffOptions: Parameters<typeof handoff>[1] = {},
): Promise<HostedAgent> {
  const hosted = new HostedAgent({
    instructions: "You are the receptionist.",
    llm,
    tools: tools("billing", handoffOptions),
    roles: { billing: { instructions: "You know of bills.", tools: tools("reception") }, ...roles },
    ...options,
  });
  return hosted.join();
}

test("a tool hands over: the next role answers in a turn of its own, and knows what was said", async (t) => {
  const llm = new testing.LLM({
    replies: [[{ text: "One moment." }, { call: "connect_billing" }], "Your bill is paid."],
  });
  const hosted = await reception(llm);
  hosted.type("Is my bill paid?");
  await eventually("both turns are over", () => turnsOf(hosted).length === 2);
  t.deepEqual(hosted.said, ["One moment.", "Your bill is paid."]);
  t.deepEqual(rolesOf(hosted), [["billing", "tool"]]);
  t.is(hosted.agent.role, "billing");
  const [before, after] = llm.requests;
  t.is(before?.instructions, "You are the receptionist.");
  t.is(after?.instructions, "You know of bills.");
  t.deepEqual(
    after?.functions.map(({ name }) => name),
    ["connect_reception"],
  );
  t.deepEqual(
    after?.messages.map((message) => message.role),
    ["participant", "agent", "tools"],
  );
  t.deepEqual(
    turnsOf(hosted).map(({ origin, outcome, toolCalls }) => [origin, outcome, toolCalls]),
    [
      ["participant", "done", 1],
      ["response", "done", 0],
    ],
  );
});

test("with no history the next role knows the question alone", async (t) => {
  const llm = new testing.LLM({ replies: ["Hello.", [{ call: "connect_billing" }], "It is paid."] });
  const hosted = await reception(llm, {}, { history: "none" });
  hosted.type("Hello");
  await eventually("it was greeted", () => turnsOf(hosted).length === 1);
  hosted.type("Is my bill paid?");
  await eventually("the next role has answered", () => turnsOf(hosted).length === 3);
  t.deepEqual(
    llm.requests.at(-1)?.messages.map((message) => ("text" in message ? message.text : message.role)),
    ["Is my bill paid?"],
  );
});

test("a role that leaves its first words to onEnter is not asked", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "connect_billing" }]] });
  const seen: unknown[] = [];
  const hosted: HostedAgent = await reception(
    llm,
    {
      roles: {
        billing: {
          onEnter: (change) => {
            seen.push(change);
            return change.agent.say("Billing here.");
          },
        },
      },
    },
    { respond: false },
  );
  hosted.type("My bill, please");
  await eventually("it has spoken", () => turnsOf(hosted).length === 2);
  t.deepEqual(hosted.said, ["Billing here."]);
  t.deepEqual(seen, [{ from: null, to: "billing", agent: hosted.agent }]);
  t.is(llm.requests.length, 1);
});

test("a role that does not exist makes the tool fail, and nothing changes", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "connect_billing" }], "I cannot connect you."] });
  const hosted = await reception(llm, { roles: {}, tools: tools("billing") });
  t.throws(() => hosted.agent.become("biling"), {
    message: 'The agent has no role "biling": did you mean billing?',
  });
  const none = new HostedAgent({
    llm: new testing.LLM({ replies: [[{ call: "connect_billing" }], "I cannot."] }),
    tools: tools("billing"),
  });
  await none.join();
  none.type("My bill, please");
  await eventually("it has answered", () => turnsOf(none).length === 1);
  t.deepEqual(none.said, ["I cannot."]);
  t.deepEqual(rolesOf(none), []);
  t.is(none.agent.role, null);
});

test("two tools of one round that hand over: the last one counts, and one role answers", async (t) => {
  const llm = new testing.LLM({
    replies: [[{ call: "connect_billing" }, { call: "connect_sales" }], "Sales here."],
  });
  const both = tools("billing");
  both.registerFunction({
    name: "connect_sales",
    description: "Connects with sales",
    execute: () => handoff("sales"),
  });
  const hosted = await reception(llm, { tools: both, roles: { sales: { instructions: "You sell." } } });
  hosted.type("Whoever is there");
  await eventually("it has answered", () => turnsOf(hosted).length === 2);
  t.deepEqual(rolesOf(hosted), [["sales", "tool"]]);
  t.is(llm.requests.length, 2);
  t.is(llm.requests[1]?.instructions, "You sell.");
});

test("a role that is taken on in the middle of an answer holds from the next request on", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "switch" }], "Done."] });
  llm.registerFunction({
    name: "switch",
    description: "Changes the role by code",
    execute: (_, { agent }) => agent.become("billing"),
  });
  const hosted = await reception(llm);
  hosted.type("Switch");
  await eventually("it has answered", () => turnsOf(hosted).length === 1);
  t.deepEqual(
    llm.requests.map(({ instructions }) => instructions),
    ["You are the receptionist.", "You know of bills."],
  );
  t.deepEqual(rolesOf(hosted), [["billing", "code"]]);
});

test("the functions of the roles are called in order, and one that throws is logged", async (t) => {
  const calls: string[] = [];
  const hosted = await reception(new testing.LLM(), {
    roles: {
      a: {
        onEnter: () => calls.push("enter a"),
        onExit: ({ to }) => {
          calls.push(`exit a to ${to}`);
          throw new Error("the hook broke");
        },
      },
      b: { onEnter: ({ from }) => calls.push(`enter b from ${from}`) },
    },
  });
  hosted.agent.become("a");
  hosted.agent.become("a");
  hosted.agent.become("b");
  hosted.agent.become(null);
  await eventually("it was logged", () => hosted.logged.some(([, line]) => line.includes("role")));
  t.deepEqual(calls, ["enter a", "exit a to b", "enter b from a"]);
  t.like(hosted.logged.at(-1)?.[0], { event: "role_hook_failed", from: "a", to: "b" });
});

test("other instructions hold until the role changes", async (t) => {
  const llm = new testing.LLM();
  const hosted = await reception(llm);
  hosted.agent.instruct("Answer in French.");
  t.is(hosted.agent.instructions, "Answer in French.");
  await hosted.agent.simpleResponse("Greet");
  hosted.agent.become("billing");
  await hosted.agent.simpleResponse("Greet");
  t.deepEqual(
    llm.requests.map(({ instructions }) => instructions),
    ["Answer in French.", "You know of bills."],
  );
});

test("a backend changes the role and the instructions; only a change of role is told as one", async (t) => {
  const llm = new testing.LLM();
  const hosted = await reception(llm);
  const changes = [
    [{ instructions: "Answer in French." }, "Answer in French."],
    [{ role: "billing", instructions: "Be brief." }, "Be brief."],
    [{ role: "billing" }, "You know of bills."],
    [{ role: null }, "You are the receptionist."],
  ] as const;
  for (const [change, instructions] of changes) {
    t.like(await hosted.handle.answer({ about: "change", ...change }), { outcome: "given" });
    await hosted.agent.simpleResponse("Greet");
    t.is(llm.requests.at(-1)?.instructions, instructions);
  }
  t.deepEqual(rolesOf(hosted), [
    ["billing", "api"],
    [null, "api"],
  ]);
});

test("a role that is chosen before the call is the one that the agent begins with", async (t) => {
  const llm = new testing.LLM();
  const agent = new Agent({
    edge: new local.Edge(),
    agentUser: { id: "agent", name: "Several" },
    instructions: "You are the receptionist.",
    llm,
    roles: { billing: { instructions: "You know of bills." } },
  });
  agent.become("billing");
  const told: AgentEvent[] = [];
  attachAgent(agent, { ...noHost, event: (event) => told.push(event) });
  await agent.join(await agent.createCall("default", "call-1"), { participantWaitTimeoutMs: null });
  await agent.simpleResponse("Greet");
  t.is(llm.requests[0]?.instructions, "You know of bills.");
  t.deepEqual(
    told.flatMap((event) => (event.type === "role" ? [[event.role, event.by]] : [])),
    [["billing", "code"]],
  );
});

test("the agent that takes up a call has the role and the instructions of the one before", async (t) => {
  let state = "";
  const roles = { billing: { instructions: "You know of bills." } };
  const before = new HostedAgent({ roles, restore: true }, { state: (told) => (state = told ?? "") });
  await before.join();
  before.agent.become("billing");
  before.agent.instruct("You know of unpaid bills.");
  await eventually("the state tells of it", () => state.includes("unpaid"));
  await before.agent.close();
  const resumption = {
    reason: "crashed",
    times: 1,
    state,
    heard: { turnId: "", text: "" },
    rests: false,
  } as const;
  const after = new HostedAgent({ roles }, { resumption });
  await after.join();
  t.is(after.agent.role, "billing");
  t.is(after.agent.instructions, "You know of unpaid bills.");
  const without = new HostedAgent({}, { resumption });
  await without.join();
  t.is(without.agent.role, null);
  t.deepEqual(rolesOf(without), [[null, "code"]]);
  t.true(without.logged.some(([fields]) => "event" in fields && fields.event === "role_unknown"));
  await Promise.all([after.agent.close(), without.agent.close()]);
});

test("functions know their agent, its participants and its session", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "look" }], "Done."] });
  const given: FunctionContext[] = [];
  llm.registerFunction({
    name: "look",
    description: "Looks",
    execute: (_, context) => void given.push(context),
  });
  const session = { sessionId: "s1", callType: "default", callId: "c1", config: { city: "Paris" } };
  const call = await VoiceCall.with(t, { llm, host: { session } });
  const alice = await call.ear("alice");
  alice.say("Look.");
  await call.turnsOver(1);
  const [context] = given;
  t.is(context?.agent, call.hosted.agent);
  t.deepEqual(context?.session, session);
  t.deepEqual([...(context?.participants.keys() ?? [])], ["alice"]);
});

test("a role has a voice of its own, from its first turn on, and the wait of the caller is measured to it", async (t) => {
  const voice = new testing.TTS();
  const llm = new testing.LLM({ replies: [[{ call: "connect_billing" }], "Billing here.", "Goodbye."] });
  const call = await VoiceCall.with(t, {
    llm,
    agent: { tools: tools("billing"), roles: { billing: { tts: voice } } },
  });
  const alice = await call.ear("alice");
  alice.started();
  alice.ended("Billing, please.", now());
  const turns = await call.turnsOver(2);
  t.deepEqual(
    [call.tts.spoken.map(({ text }) => text), voice.spoken.map(({ text }) => text)],
    [[], ["Billing here."]],
  );
  t.is(turns[0]?.latency, null);
  t.true((turns[1]?.latency?.responseMs ?? 0) > 0);
  call.hosted.agent.become(null);
  await call.hosted.agent.say("Back at the reception.");
  t.deepEqual(
    call.tts.spoken.map(({ text }) => text),
    ["Back at the reception."],
  );
});

test("words over the last words of a role: the next one answers these, once", async (t) => {
  const long = "I will connect you with my colleague. ".repeat(30);
  const llm = new testing.LLM({
    replies: [[{ text: long }, { call: "connect_billing" }], "What is the number?"],
  });
  const call = await VoiceCall.with(t, {
    llm,
    agent: { tools: tools("billing"), roles: { billing: { instructions: "You know of bills." } } },
  });
  const alice = await call.ear("alice");
  alice.say("My bill, please.");
  await until(() => call.hosted.agent.role === "billing", "the handoff");
  await call.edge.recording.reached(300);
  alice.started();
  alice.partial("wait what is the number");
  alice.ended("wait what is the number");
  await call.turnsOver(2);
  t.deepEqual(
    call.turns.map(({ outcome }) => outcome),
    ["interrupted", "done"],
  );
  t.is(llm.requests.length, 2);
  t.is(llm.requests[1]?.instructions, "You know of bills.");
});

test("the models and voices of all roles are freed with the agent, each once", async (t) => {
  const closed: string[] = [];
  const model = (name: string) =>
    Object.assign(new testing.LLM(), { close: async () => void closed.push(name) });
  const own = model("own");
  const other = model("other");
  const hosted = new HostedAgent({
    llm: own,
    roles: { a: { llm: other }, b: { llm: other }, c: { llm: own } },
  });
  await hosted.join();
  await hosted.agent.close();
  t.deepEqual(closed.sort(), ["other", "own"]);
});

test("roles that cannot be are refused as the agent is made", (t) => {
  const make = (options: object) => () => new HostedAgent(options as Partial<AgentOptions>);
  t.throws(make({ roles: { a: { instruction: "x" } } }), {
    message: /^new Agent: roles\.a: there is no option instruction: did you mean instructions/,
  });
  t.throws(make({ roles: { a: { tts: {} } } }), { message: /^new Agent: roles\.a: tts must be a voice/ });
  t.throws(make({ roles: { a: { allowedTools: ["nothing"] } } }), {
    message: /^new Agent: roles\.a\.allowedTools: there is no function nothing/,
  });
});

test("a handoff to the role that the agent has fails, and the model goes on", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "connect_billing" }], "I am billing."] });
  const hosted = await reception(llm, { roles: { billing: {} } });
  hosted.agent.become("billing");
  hosted.type("Billing, please");
  await eventually("it has answered", () => turnsOf(hosted).length === 1);
  t.deepEqual(hosted.said, ["I am billing."]);
  const last = llm.requests.at(-1)?.messages.at(-1);
  t.is(
    last?.role === "tools" ? last.results[0]?.output : "",
    'You are "billing" already: go on with the conversation yourself.',
  );
});
