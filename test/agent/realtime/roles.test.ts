/* Roles, handoffs and instructions of an agent whose model hears and speaks by itself. */
import test from "ava";
import { type AgentOptions, handoff, Tools } from "greenroom";
import * as testing from "greenroom/testing";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { RealtimeCall } from "../../fixtures/voice/realtime-call.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

function connecting(role: string | null, options: Parameters<typeof handoff>[1] = {}): Tools {
  const tools = new Tools();
  tools.registerFunction({
    name: "connect",
    description: "Connects with somebody else",
    execute: () => handoff(role, options),
  });
  return tools;
}

const reception = (options: Partial<AgentOptions> = {}): Partial<AgentOptions> => ({
  instructions: "You are the receptionist.",
  tools: connecting("billing"),
  roles: { billing: { instructions: "You know of bills.", tools: new Tools() } },
  ...options,
});

const namesOf = ({ functions }: Pick<testing.RealtimeSession["opened"], "functions">) =>
  functions.map(({ name }) => name);
const remembered = ({ history }: testing.RealtimeSession) =>
  history.map(({ role, text }) => `${role}: ${text}`);

test("a handoff: the next role answers in another session, which knows what was said", async (t) => {
  const llm = new testing.RealtimeModel({
    transcripts: ["Is my bill paid?", "Thanks."],
    replies: [[{ say: "One moment." }, { call: "connect" }], "It is paid.", "Bye."],
  });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent: reception() });
  const alice = call.edge.addParticipant("alice");
  await alice.play(testing.tone(400, 800));
  await call.turnsOver(2);
  const [before, after] = [await llm.session(), await llm.session(2)];
  t.false(before.open);
  t.is(before.opened.instructions, "You are the receptionist.");
  t.is(after.opened.instructions, "You know of bills.");
  t.deepEqual([namesOf(before.opened), namesOf(after.opened)], [["connect"], []]);
  t.deepEqual(
    after.opened.messages.map(({ role }) => role),
    ["participant", "agent", "tools"],
  );
  // The participant is heard there.
  await alice.play(testing.tone(400, 800));
  await call.turnsOver(3);
  t.deepEqual(call.transcript, [
    "alice: Is my bill paid?",
    "agent: One moment.",
    "agent: It is paid.",
    "alice: Thanks.",
    "agent: Bye.",
  ]);
  t.deepEqual(
    call.turns.map(({ outcome }) => outcome),
    ["done", "done", "done"],
  );
  t.is(call.hosted.agent.role, "billing");
  t.false(call.events.some((event) => event.type === "participant_unheard"));
  t.false(call.hosted.logged.some(([fields]) => "event" in fields && fields.event === "model_failed"));
});

test("with no history the next role knows the question alone, and one that leaves its words to onEnter is not asked", async (t) => {
  const llm = new testing.RealtimeModel({ replies: ["Hello.", [{ call: "connect" }], "It is paid."] });
  const tools = connecting("billing", { history: "none" });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent: reception({ tools }) });
  call.hosted.type("Hi");
  await call.turnsOver(1);
  call.hosted.type("Is my bill paid?");
  await call.turnsOver(3);
  t.deepEqual(remembered(await llm.session(2)), ["user: Is my bill paid?", "model: It is paid."]);

  const silent = new testing.RealtimeModel({ replies: [[{ call: "connect" }]] });
  const other = await RealtimeCall.with(t, {
    llm: silent,
    edge: { speed: 4 },
    agent: reception({
      tools: connecting("billing", { respond: false }),
      roles: { billing: { onEnter: ({ agent }) => agent.say("Billing here.") } },
    }),
  });
  other.hosted.type("My bill, please");
  await other.turnsOver(2);
  t.deepEqual((await silent.session(2)).requests, [{ type: "say", id: "request_2", text: "Billing here." }]);
});

test("a handoff that cannot be is told to the model, which goes on", async (t) => {
  const llm = new testing.RealtimeModel({ replies: [[{ call: "connect" }, { say: "I cannot." }]] });
  const agent = reception({ tools: connecting("nobody") });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent });
  call.hosted.type("Somebody else, please");
  await call.turnsOver(1);
  const { results } = await llm.session();
  t.like(results, [{ ok: false }]);
  t.deepEqual(call.transcript.slice(1), ["agent: I cannot."]);
  t.is(llm.sessions.length, 1);
});

for (const changes of [true, false]) {
  test(`instructions and roles change in the call, ${changes ? "in the session" : "by another session"}`, async (t) => {
    const llm = new testing.RealtimeModel({ changes, replies: ["Hello.", "Yes.", "Bill."] });
    const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent: reception() });
    const { agent } = call.hosted;
    call.hosted.type("Hi");
    await call.turnsOver(1);
    agent.instruct("Answer in one word.");
    call.hosted.type("Is it?");
    await call.turnsOver(2);
    agent.become("billing");
    call.hosted.type("What?");
    await call.turnsOver(3);
    const told = changes
      ? (await llm.session()).changed
      : [(await llm.session(2)).opened, (await llm.session(3)).opened];
    t.deepEqual(
      told.map(({ instructions }) => instructions),
      ["Answer in one word.", "You know of bills."],
    );
    t.deepEqual(told.map(namesOf), [["connect"], []]);
    t.is(llm.sessions.length, changes ? 1 : 3);
    t.deepEqual(remembered(llm.sessions.at(-1)!), [
      "user: Hi",
      "model: Hello.",
      "user: Is it?",
      "model: Yes.",
      "user: What?",
      "model: Bill.",
    ]);
  });
}

test("a change while a session is being opened: another one is opened, and does not wait for the end of the first", async (t) => {
  const llm = new testing.RealtimeModel({ replies: ["Hello."] });
  const [begun, held, closing] = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  const open = llm.open.bind(llm);
  llm.open = async (request) => {
    llm.open = open;
    begun!.resolve();
    await held!.promise;
    const session = await open(request);
    const close = session.close.bind(session);
    session.close = () => closing!.promise.then(close);
    return session;
  };
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent: reception() });
  t.teardown(closing!.resolve);
  call.hosted.type("Hi");
  await begun!.promise;
  call.hosted.agent.instruct("Be brief.");
  held!.resolve();
  await call.turnsOver(1);
  const [first, second] = [await llm.session(), await llm.session(2)];
  t.deepEqual(
    [first.opened.instructions, second.opened.instructions],
    ["You are the receptionist.", "Be brief."],
  );
  t.deepEqual([first.requests.length, second.requests.length], [0, 1]);
  closing!.resolve();
  await until(() => !first.open, "the end of the first");
});

test("a change in the middle of an answer, and of a question, cuts neither", async (t) => {
  const llm = new testing.RealtimeModel({ replies: ["I say this to its end.", "Yes."] });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent: reception() });
  const outcome = call.hosted.agent.simpleResponse("Speak.");
  const session = await llm.session();
  await until(() => session.requests.length === 1, "the request");
  session.speechStarted();
  t.is(await outcome, "interrupted");
  call.hosted.agent.instruct("Be brief.");
  t.true(session.open);
  session.speechEnded("Really?");
  await call.turnsOver(2);
  const next = await llm.session(2);
  t.is(next.opened.instructions, "Be brief.");
  t.false(session.open);
  t.is(call.transcript.at(-1), "agent: Yes.");
  t.is(remembered(next).at(-1), "model: Yes.");
});

test("a handoff whose last words are cut: the old session is told its result, and the next role answers after that", async (t) => {
  const llm = new testing.RealtimeModel({
    characterMs: 100,
    replies: [[{ call: "connect" }], "A word.", "Of course.", "Billing."],
  });
  const tools = new Tools();
  tools.registerFunction({ name: "connect", description: "", execute: () => handoff("billing") });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 1 }, agent: reception({ tools }) });
  const session = await llm.session();
  // The words are heard while the tool hands over.
  session.tell({ type: "answer_started", answerId: "own", answers: null });
  session.tell({ type: "words", answerId: "own", delta: "One long moment, please." });
  session.tell({ type: "sound", answerId: "own", frame: testing.tone(400, 20_000) });
  session.tell({
    type: "tool_call",
    answerId: "own",
    call: { id: "call", name: "connect", arguments: {} },
  });
  await until(() => call.hosted.agent.role === "billing", "the role");
  session.speechStarted();
  await call.turnsOver(1);
  t.like(session.results, [{ callId: "call", ok: true }]);
  t.true(session.open);
  session.speechEnded("Wait!");
  await call.turnsOver(2);
  t.is((await llm.session(2)).opened.instructions, "You know of bills.");
});

test("a model that goes on while its tools run hands over too", async (t) => {
  const llm = new testing.RealtimeModel({
    capabilities: { asyncTools: true },
    replies: [[{ call: "connect" }, { say: "One moment." }], "Billing."],
  });
  const release = Promise.withResolvers<void>();
  const tools = new Tools();
  tools.registerFunction({
    name: "connect",
    description: "",
    execute: async () => {
      await release.promise;
      return handoff("billing");
    },
  });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 }, agent: reception({ tools }) });
  call.hosted.type("Billing, please");
  await call.turnsOver(1);
  release.resolve();
  await call.turnsOver(2);
  t.is((await llm.session(2)).opened.instructions, "You know of bills.");
  t.is(call.transcript.at(-1), "agent: Billing.");
});

test("a role may have a model of its own, such as one with another voice, and never one of another kind", async (t) => {
  const llm = new testing.RealtimeModel({ replies: [[{ call: "connect" }]] });
  const other = new testing.RealtimeModel({
    replies: ["Billing."],
    capabilities: { inputSampleRate: 24_000, says: false },
  });
  const call = await RealtimeCall.with(t, {
    llm,
    edge: { speed: 4 },
    agent: reception({ roles: { billing: { llm: other, instructions: "Bills." } } }),
  });
  call.hosted.type("Billing, please");
  await call.turnsOver(2);
  const session = await other.session();
  t.is(session.opened.instructions, "Bills.");
  const alice = call.edge.addParticipant("alice");
  await alice.play(testing.tone(400, 200));
  await until(() => session.heardMs > 100, "the sound");
  const make = (model: object, role: object) => () =>
    new HostedAgent({ llm: model, roles: { other: { llm: role } } } as Partial<AgentOptions>);
  t.throws(make(llm, new testing.LLM()), {
    message: "new Agent: roles.other.llm must be a speech-to-speech model, as the agent's own is",
  });
  t.throws(make(new testing.LLM(), llm), {
    message: "new Agent: roles.other.llm must be a model that writes text, as the agent's own is",
  });
});
