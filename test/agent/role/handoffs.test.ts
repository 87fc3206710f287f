/* Handoffs and changes of role that come at a bad moment, or without end. */
import test from "ava";
import { type AgentOptions, fallback, handoff, Tools } from "greenroom";
import * as testing from "greenroom/testing";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";

/** Returns functions that connect with each of these roles. */
function connecting(roles: readonly string[], options: Parameters<typeof handoff>[1] = {}): Tools {
  const tools = new Tools();
  for (const role of roles)
    tools.registerFunction({
      name: `connect_${role}`,
      description: `Connects with ${role}`,
      execute: () => handoff(role, options),
    });
  return tools;
}

const turnsOf = ({ events }: HostedAgent) => events.filter((event) => event.type === "turn");
const rolesOf = ({ events }: HostedAgent) =>
  events.flatMap((event) => (event.type === "role" ? [event.role] : []));
const shownTo = (llm: testing.LLM) =>
  llm.requests
    .at(-1)
    ?.messages.map((message) => ("text" in message ? `${message.role}: ${message.text}` : message.role));

test("roles that hand over to one another without end: the last one has to answer in words", async (t) => {
  const llm = new testing.LLM({
    otherwise: ({ toolChoice, functions }) =>
      toolChoice === "none" ? "Then I will help you." : [{ call: functions[0]?.name ?? "" }],
  });
  const hosted = await new HostedAgent({
    llm,
    tools: connecting(["a"]),
    roles: { a: { tools: connecting(["b"]) }, b: { tools: connecting(["a"]) } },
  }).join();
  for (const times of [1, 2]) {
    hosted.type("Who can help me?");
    await eventually("somebody answers", () => hosted.said.length === times);
  }
  t.deepEqual(hosted.said, ["Then I will help you.", "Then I will help you."]);
  // Three handoffs after each of the participant's words, as many as there may be rounds of tools.
  t.deepEqual(rolesOf(hosted), ["a", "b", "a", "b", "a", "b"]);
  const refused = llm.requests.at(-1)?.messages.at(-1);
  t.true(refused?.role === "tools" && refused.results[0]?.output.includes("Answer in words"));
});

test("roles whose functions change the role without end do not keep the thread from its work", async (t) => {
  const { hosted, other } = await (async () => {
    const roles: AgentOptions["roles"] = {
      a: { onEnter: () => agent.become("b") },
      b: { onExit: () => undefined, onEnter: async () => agent.become("a") },
    };
    const made = new HostedAgent({ roles });
    const { agent } = made;
    return { hosted: await made.join(), other: agent };
  })();
  other.become("a");
  await eventually("it is logged", () =>
    hosted.logged.some(([fields]) => "event" in fields && fields.event === "role_hook_failed"),
  );
  t.is(rolesOf(hosted).length, 16);
  // Later on the role changes as ever.
  other.become(null);
  t.is(other.role, null);
});

test("a turn that is cut while another tool of its round runs hands nothing over", async (t) => {
  const tools = connecting(["billing"], { history: "none" });
  const started = Promise.withResolvers<void>();
  tools.registerFunction({
    name: "linger",
    description: "Never ends",
    execute: () => {
      started.resolve();
      return new Promise(() => {});
    },
  });
  const llm = new testing.LLM({
    replies: ["Hello.", [{ call: "connect_billing" }, { call: "linger" }], "Still the reception."],
  });
  const entered: unknown[] = [];
  const hosted = await new HostedAgent({
    llm,
    instructions: "You are the receptionist.",
    tools,
    roles: { billing: { onEnter: (change) => entered.push(change) } },
  }).join();
  hosted.type("Hello");
  await eventually("it was greeted", () => turnsOf(hosted).length === 1);
  hosted.type("My bill");
  await started.promise;
  await new Promise(setImmediate);
  t.true(hosted.agent.interrupt());
  hosted.type("No, wait");
  await eventually("it has answered", () => turnsOf(hosted).length === 3);
  t.deepEqual([hosted.agent.role, entered], [null, []]);
  t.is(llm.requests.at(-1)?.instructions, "You are the receptionist.");
  t.true(shownTo(llm)?.includes("participant: Hello"));
  t.false(shownTo(llm)?.includes("tools"));
});

test("with no history the question stays, also where the next role is not asked at once", async (t) => {
  const llm = new testing.LLM({ replies: ["Hello.", [{ call: "connect_billing" }], "I see."] });
  const hosted = await new HostedAgent({
    llm,
    tools: connecting(["billing"], { history: "none", respond: false }),
    roles: { billing: {} },
  }).join();
  hosted.type("Hello");
  await eventually("it was greeted", () => turnsOf(hosted).length === 1);
  hosted.type("Is my bill paid?");
  await eventually("it is handed over", () => turnsOf(hosted).length === 2);
  hosted.type("It has number 7.");
  await eventually("it is answered", () => turnsOf(hosted).length === 3);
  t.deepEqual(shownTo(llm), ["participant: Is my bill paid?", "participant: It has number 7."]);
});

test("with no history the words that wait are answered by the next role, each once", async (t) => {
  const llm = new testing.LLM({ replies: ["Hello."] });
  const hosted = await new HostedAgent({
    llm,
    tools: connecting(["billing"], { history: "none" }),
    roles: { billing: { instructions: "You know of bills." } },
  }).join();
  await hosted.agent.simpleResponse("Greet");
  const held = llm.hold();
  llm.reply("It is paid.", "And so is this.");
  const asked = hosted.agent.simpleResponse("Ask billing whether it is paid.");
  await held.request;
  hosted.type("And the other one?");
  held.call("connect_billing");
  held.end();
  await asked;
  await eventually("both are answered", () => turnsOf(hosted).length === 4);
  t.deepEqual(hosted.said, ["Hello.", "It is paid.", "And so is this."]);
  t.deepEqual(shownTo(llm), [
    "instruction: Ask billing whether it is paid.",
    "agent: It is paid.",
    "participant: And the other one?",
  ]);
});

/** The sentence of a role before it hands over. */
const sentence = "I will connect you with my colleague. ";

for (const [how, withinMs] of [
  ["at once", 0],
  ["after a sentence", 2_000],
] as const)
  test(`a call that is handed to another agent in the last words of a role, ${how}: the next role answers there`, async (t) => {
    const llm = new testing.LLM({
      replies: ["Hello.", [{ text: sentence.repeat(30) }, { call: "connect_billing" }]],
    });
    let state = "";
    const roles = { billing: { instructions: "You know of bills." } };
    const hosted = await new HostedAgent(
      {
        edge: Object.assign(new testing.Edge({ speed: 1 }), { rejoins: true }),
        stt: new testing.STT(),
        tts: new testing.TTS({ characterMs: 10 }),
        llm,
        tools: connecting(["billing"], { history: "none" }),
        roles,
        restore: true,
      },
      {
        state: (told) => {
          state = told ?? "";
        },
      },
    ).join();
    await hosted.agent.simpleResponse("Greet");
    hosted.type("Is my bill paid?");
    await eventually("it is handed over", () => hosted.agent.role === "billing");
    t.like(await hosted.handle.answer({ about: "hand_over", withinMs }), { outcome: "given" });
    t.is(turnsOf(hosted).at(-1)?.outcome, "interrupted");
    // A sentence that was awaited is heard to its end.
    if (withinMs > 0) t.regex(hosted.said.at(-1) ?? "", /^(I will connect you with my colleague\. ?)+$/);
    hosted.handle.close(Object.assign(new Error("moved"), { moved: true }));
    await hosted.agent.close();

    const next = new testing.LLM({ replies: ["It is paid."] });
    const after = new HostedAgent(
      { llm: next, roles, tools: connecting(["billing"]) },
      { resumption: { reason: "drained", times: 1, state, heard: { turnId: "", text: "" }, rests: false } },
    );
    t.teardown(() => after.agent.close());
    await after.join();
    await eventually("it is answered", () => after.said.includes("It is paid."));
    t.is(next.requests.length, 1);
    t.is(next.requests[0]?.instructions, "You know of bills.");
    t.deepEqual(shownTo(next), ["participant: Is my bill paid?"]);
  });

test("a role whose model is a fallback is answered by the one that works", async (t) => {
  const broken = new testing.LLM({ otherwise: [{ fail: "no", status: 503 }] });
  const works = new testing.LLM({ otherwise: "It is paid." });
  const hosted = await new HostedAgent({
    llm: new testing.LLM({ replies: [[{ call: "connect_billing" }]] }),
    tools: connecting(["billing"]),
    roles: { billing: { llm: fallback([broken, works]), tools: new Tools() } },
  }).join();
  t.teardown(() => hosted.agent.close());
  hosted.type("Is my bill paid?");
  await eventually("it is answered", () => turnsOf(hosted).length === 2);
  t.deepEqual(hosted.said, ["It is paid."]);
});

test("an option of a role that is undefined is the agent's", async (t) => {
  const llm = new testing.LLM();
  const unset = { llm: undefined, tools: undefined, instructions: undefined };
  const hosted = await new HostedAgent({
    llm,
    instructions: "You are the receptionist.",
    tools: connecting(["a"]),
    roles: { a: unset } as unknown as NonNullable<AgentOptions["roles"]>,
  }).join();
  hosted.agent.become("a");
  hosted.type("Hello");
  await eventually("it is answered", () => turnsOf(hosted).length === 1);
  t.is(llm.requests[0]?.instructions, "You are the receptionist.");
  t.is(llm.requests[0]?.functions.length, 1);
});

test("a budget that is used up by the last words of a role ends the session, and the next role is not asked", async (t) => {
  const llm = new testing.LLM({ replies: [[{ text: "One moment." }, { call: "connect_billing" }]] });
  const hosted = await new HostedAgent({
    llm,
    tools: connecting(["billing"]),
    roles: { billing: {} },
    budget: { maxTokens: 1 },
  }).join();
  const finished = hosted.agent.finish();
  hosted.type("Is my bill paid?");
  await finished;
  t.is(llm.requests.length, 1);
});

test("a role hands the conversation back to the one who began it, who hands nothing back to themselves", async (t) => {
  const llm = new testing.LLM({
    replies: [
      [{ call: "connect_billing" }],
      "Billing.",
      [{ call: "connect_null" }],
      "Reception again.",
      [{ call: "connect_null" }],
      "I am here.",
    ],
  });
  const both = new Tools();
  for (const role of ["billing", null]) {
    both.registerFunction({ name: `connect_${role}`, description: "…", execute: () => handoff(role) });
  }
  const hosted = await new HostedAgent({ llm, tools: both, roles: { billing: {} } }).join();
  for (const [said, role] of [
    ["Billing, please", "billing"],
    ["Back, please", null],
    ["Back once more", null],
  ] as const) {
    const { length } = hosted.said;
    hosted.type(said);
    await eventually("the role has answered", () => hosted.said.length > length && hosted.said.at(-1) !== "");
    t.is(hosted.agent.role, role);
  }
  t.deepEqual(hosted.said, ["Billing.", "Reception again.", "I am here."]);
  const results = llm.requests.at(-1)?.messages.flatMap((one) => (one.role === "tools" ? one.results : []));
  t.deepEqual(
    results?.map(({ output }) => output),
    [
      'The conversation was handed over to "billing". You are "billing" from here on: go on with the conversation.',
      "The conversation was handed back to you, who began it: go on with the conversation.",
      "You are the one who began already: go on with the conversation yourself.",
    ],
  );
});

test("models and voices that only roles have are connected to before the call reaches them, and rehearsed", async (t) => {
  const warmed: string[] = [];
  const model = (name: string) =>
    Object.assign(new testing.LLM(), {
      async warm(): Promise<void> {
        warmed.push(name);
        if (name === "wrong") throw new Error("There is no such model");
      },
    });
  const own = model("own");
  const roles = {
    billing: { llm: model("billing") },
    sales: { llm: model("wrong") },
    same: { llm: own },
  };
  const hosted = new HostedAgent({ llm: own, roles });
  hosted.handle.prepare();
  t.deepEqual(warmed, ["own", "billing", "wrong"]);
  const report = await hosted.handle.report();
  t.deepEqual(
    report.map(({ part, problem }) => [part, problem?.message]),
    [
      ["llm", undefined],
      ["llm", undefined],
      ["llm", "There is no such model"],
      ["edge", undefined],
    ],
  );
  const many = Array.from({ length: 20 }, (_, place) => [`role${place}`, { llm: model(`${place}`) }]);
  warmed.length = 0;
  new HostedAgent({ llm: own, roles: Object.fromEntries(many) }).handle.prepare();
  t.is(warmed.length, 9);
});

test("instructions that are too long to be kept are refused", async (t) => {
  const { agent } = new HostedAgent();
  agent.instruct("x".repeat(65_536));
  t.throws(() => agent.instruct("x".repeat(65_537)), {
    instanceOf: RangeError,
    message: "agent.instruct: at most 65536 characters of instructions",
  });
});
