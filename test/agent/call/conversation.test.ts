import test from "ava";
import { Agent, type Message } from "greenroom";
import * as local from "greenroom/local";
import * as testing from "greenroom/testing";
import { CallHistory } from "../../../src/agent/call/call-history.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";

const earlier: readonly Message[] = [
  { role: "participant", participantId: "ann", text: "I ordered a red bicycle." },
  { role: "agent", text: "It will be there on Monday.", toolCalls: [] },
];

const textsOf = (messages: readonly Message[] = []) =>
  messages.map((message) => ("text" in message ? message.text : message.role));

test("a call begins with the messages that were added before it, and they can be read", async (t) => {
  const llm = new testing.LLM({ otherwise: "On Monday." });
  const agent = new Agent({
    edge: new local.Edge(),
    agentUser: { id: "agent", name: "Agent" },
    instructions: "",
    llm,
  });
  t.teardown(() => agent.close());
  agent.conversation.append(...earlier);
  t.deepEqual(agent.conversation.messages, earlier);
  await agent.join(await agent.createCall("default", "c1"), { participantWaitTimeoutMs: null });
  await agent.simpleResponse("When will it be there?");
  const asked = ["I ordered a red bicycle.", "It will be there on Monday.", "When will it be there?"];
  t.deepEqual(textsOf(llm.requests[0]?.messages), asked);
  t.deepEqual(textsOf(agent.conversation.messages), [...asked, "On Monday."]);
  // It is a copy.
  (agent.conversation.messages as Message[]).length = 0;
  t.is(agent.conversation.messages.length, 4);
});

test("messages are added in the middle of a call, and the state of the call has them", async (t) => {
  let state = "";
  const llm = new testing.LLM();
  const hosted = await new HostedAgent(
    { llm, restore: true },
    { state: (told) => (state = told ?? "") },
  ).join();
  hosted.agent.conversation.append(...earlier);
  await eventually("the state has them", () => state.includes("red bicycle"));
  await hosted.agent.simpleResponse("Go on");
  t.is(llm.requests[0]?.messages.length, 3);
  await hosted.agent.close();

  const next = new testing.LLM();
  const after = new HostedAgent(
    { llm: next },
    { resumption: { reason: "crashed", times: 1, state, heard: { turnId: "", text: "" }, rests: false } },
  );
  t.teardown(() => after.agent.close());
  await after.join();
  after.type("Hello");
  await eventually("it is answered", () => next.requests.length === 1);
  t.is(textsOf(next.requests[0]?.messages).filter((text) => text.includes("bicycle")).length, 1);
});

test("the agent that takes up a call leaves out what it would have begun with", (t) => {
  const history = new CallHistory();
  history.append(...earlier);
  const messages: Message[] = [];
  history.enter({ messages, append: (more) => void messages.push(...more) }, { takesUp: true });
  t.deepEqual(history.messages, []);
});

test("a message that no model could be shown is refused", async (t) => {
  const { agent } = await new HostedAgent({}).join();
  const append = (message: unknown) => () => agent.conversation.append(message as Message);
  t.throws(append(null), {
    message: /the role of a message must be one of participant, instruction, agent, tools/,
  });
  t.throws(append({ role: "system", text: "x" }), { instanceOf: TypeError });
  t.throws(append({ role: "participant", text: "x" }), {
    message: 'agent.conversation: participantId of a message "participant" must be a text',
  });
  t.throws(append({ role: "agent", text: "x" }), {
    message: /toolCalls of a message "agent" must be a list/,
  });
  const call = { id: "c1", name: "look", arguments: {} };
  const calling = { role: "agent", text: "", toolCalls: [call] };
  const result = { callId: "c1", name: "look", ok: true, output: "there" };
  for (const [messages, message] of [
    [[{ role: "agent", text: "x", toolCalls: [null] }], /toolCalls of a message "agent" must be a list/],
    [
      [{ ...calling, toolCalls: [{ ...call, arguments: 1n }] }],
      /toolCalls of a message "agent" must be a list/,
    ],
    [[calling], /behind tool calls there must be one message with a result of each/],
    [[calling, { role: "tools", results: [{ ...result, callId: "c2" }] }], /behind tool calls/],
    [[calling, { role: "tools", results: [result, result] }], /behind tool calls/],
    [
      [
        { ...calling, toolCalls: [call, call] },
        { role: "tools", results: [result, result] },
      ],
      /each must have an id of its own/,
    ],
    [
      [calling, { role: "tools", results: [{ ...result, format: "json" }] }],
      /output of a result must be JSON/,
    ],
    [
      [calling, { role: "tools", results: [{ ...result, format: "xml" }] }],
      /results of a message "tools" must be/,
    ],
    [[{ ...calling, toolCalls: [{ ...call, name: "look up!" }] }], /toolCalls of a message "agent" must be/],
    [[{ role: "participant", participantId: "ann", text: "x", parts: [] }], /must have something in it/],
    [
      [
        {
          role: "instruction",
          text: "x",
          parts: [{ type: "image", data: new Uint8Array(0), mimeType: "image/png" }],
        },
      ],
      /parts of a message/,
    ],
    [[calling, { role: "tools", results: [{}] }], /behind tool calls/],
    [[{ role: "tools", results: [result] }], /before results there must be/],
    [
      [{ role: "participant", participantId: "ann", text: "x", parts: "y" }],
      /parts of a message "participant"/,
    ],
    [
      [{ role: "participant", participantId: "ann", text: "x", parts: [{ type: "video" }] }],
      /parts of a message/,
    ],
    [[{ role: "participant", participantId: "ann", text: " " }], /must have something in it/],
    [[{ role: "agent", text: "", toolCalls: [] }], /must have something in it/],
  ] as const)
    t.throws(() => agent.conversation.append(...(messages as unknown as Message[])), {
      instanceOf: TypeError,
      message,
    });
  t.deepEqual(agent.conversation.messages, []);
  // All or nothing.
  t.throws(() => agent.conversation.append(earlier[0] as Message, calling as Message));
  agent.conversation.append(calling as Message, { role: "tools", results: [result] });
  t.is(agent.conversation.messages.length, 2);
});

test("a message is kept as it was when it was added, and without what does not belong to it", async (t) => {
  let state: string | null = "";
  const hosted = await new HostedAgent(
    { llm: new testing.LLM(), restore: true },
    { state: (told) => (state = told) },
  ).join();
  t.teardown(() => hosted.agent.close());
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const message = { role: "participant", participantId: "ann", text: "as it was", circle } as const;
  hosted.agent.conversation.append(message);
  (message as { text: string }).text = "changed";
  t.deepEqual(hosted.agent.conversation.messages, [
    { role: "participant", participantId: "ann", text: "as it was" },
  ]);
  t.true(state?.includes("as it was"));
  await hosted.agent.simpleResponse("Go on");
  t.true(state?.includes("You said: Go on"));
});

test("messages that are longer than the state of a call may be are left out of it, and the call goes on", async (t) => {
  let state: string | null = "";
  const hosted = await new HostedAgent(
    { llm: new testing.LLM(), restore: true },
    { state: (told) => (state = told) },
  ).join();
  t.teardown(() => hosted.agent.close());
  hosted.agent.conversation.append({ role: "participant", participantId: "ann", text: "x".repeat(300_000) });
  await hosted.agent.simpleResponse("Go on");
  t.true(state?.includes("The first 1 messages of this conversation are left out."));
  t.true(state?.includes("You said: Go on"));
});
