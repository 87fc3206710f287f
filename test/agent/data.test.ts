import test from "ava";
import { Agent, type AgentOptions, defineAgent, type FunctionContext, handoff, Tools } from "greenroom";
import * as testing from "greenroom/testing";
import { attachAgent } from "../../src/agent/agent.ts";
import { noHost } from "../../src/agent/host.ts";
import { HostedAgent } from "../fixtures/agent-host.ts";
import { eventually } from "../fixtures/eventually.ts";

type Values = { bill: string | null; tries: number; lines?: { readonly text: string }[] };

const others = (llm = new testing.LLM()) => ({
  edge: new testing.Edge({ sound: false }),
  agentUser: { id: "agent", name: "Agent" },
  instructions: "",
  llm,
});

test("the option data is what agent.data begins with, typed for functions, roles and joinCall", async (t) => {
  const llm = new testing.LLM({
    replies: [[{ call: "find_bill" }, { call: "note_try" }, { call: "connect_billing" }], "It is paid."],
  });
  const tools = new Tools<Values>();
  tools.registerFunction({
    name: "find_bill",
    description: "Finds the bill.",
    execute: (_, { agent }) => agent.data.set("bill", "A7"),
  });
  llm.registerFunction({
    name: "note_try",
    description: "Counts.",
    execute: (_, { agent: { data } }: FunctionContext<Values>) => data.set("tries", data.get("tries") + 1),
  });
  tools.registerFunction({ name: "connect_billing", description: "…", execute: () => handoff("billing") });
  const found: unknown[] = [];
  const module = defineAgent({
    createAgent: () =>
      new Agent<Values>({
        ...others(llm),
        tools,
        data: { bill: null, tries: 0 },
        roles: { billing: { onEnter: ({ agent }) => found.push(agent.data.get("bill")) } },
      }),
    async joinCall(agent) {
      await using _ = await agent.join(await agent.createCall("default", "c1"), {
        participantWaitTimeoutMs: null,
      });
      await agent.simpleResponse("Is it paid?");
      const bill: string | null = agent.data.get("bill");
      const tries: number = agent.data.get("tries");
      await eventually("billing has answered", () => llm.requests.length === 2);
      found.push(bill, tries, agent.data.get("lines"));
    },
  });
  const session = { config: {}, callType: "default", callId: "c1", sessionId: "s1", resumed: null };
  const context = { ...session, signal: new AbortController().signal };
  await module.joinCall(await module.createAgent(context), context);
  t.deepEqual(found, ["A7", "A7", 1, undefined]);
});

test("the compiler knows which values there are, and that they are JSON", (t) => {
  const agent = new Agent({ ...others(), data: { bill: null as string | null, tries: 0 } });
  // @ts-expect-error There is no such value.
  t.is(agent.data.get("bil"), undefined);
  // @ts-expect-error It is a number.
  agent.data.set("tries", "1");
  // An agent whose values nobody knows is one too.
  const any: Agent = agent;
  t.is(any.data.get("tries"), "1");
  // @ts-expect-error A date is no JSON.
  t.throws(() => new Agent({ ...others(), data: { at: new Date(0) } }), {
    instanceOf: TypeError,
    message: "agent.data: at is not JSON",
  });
  const untyped: AgentOptions = { ...others(), data: 1 as never };
  t.throws(() => new Agent(untyped), { message: "new Agent: data must be an object of JSON, not 1" });
});

test("what JSON would change or lose is refused, and what is kept is a copy", (t) => {
  const { data } = new Agent(others());
  const itself: Record<string, unknown> = {};
  itself.itself = itself;
  const wrong = [
    new Map(),
    new Date(),
    Number.NaN,
    [undefined],
    { deep: [1n] },
    () => 1,
    itself,
    Symbol("s"),
  ];
  for (const value of wrong) {
    t.throws(() => data.set("value", value as never), {
      instanceOf: TypeError,
      message: /value is not JSON/,
    });
  }
  const list = [{ text: "a" }];
  data.set("list", list);
  list[0]!.text = "b";
  const got = data.get("list") as typeof list;
  got[0]!.text = "c";
  t.deepEqual(data.get("list"), [{ text: "a" }]);
  data.set("object", { known: 1, unknown: undefined } as never);
  t.deepEqual(data.get("object"), { known: 1 });
  t.throws(() => data.set("long", "x".repeat(65_536)), { instanceOf: RangeError });
  data.set("list", undefined);
  t.is(data.get("list"), undefined);
});

test("in a call that is taken up the values of the agent before count, and new ones begin", async (t) => {
  const states: (string | null)[] = [];
  const first = new HostedAgent({ data: { bill: "A7", tries: 1 } }, { state: (state) => states.push(state) });
  await first.join();
  first.agent.data.set("tries", 2);
  const agent = new Agent({ ...others(), data: { bill: null as string | null, tries: 0, newer: true } });
  attachAgent(agent, {
    ...noHost,
    resumption: { reason: "crashed", times: 1, state: states.at(-1)!, heard: null, rests: false } as never,
  });
  t.deepEqual([agent.data.get("bill"), agent.data.get("tries"), agent.data.get("newer")], ["A7", 2, true]);
  await agent.close();
});
