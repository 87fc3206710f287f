import test from "ava";
import type { Message } from "greenroom";
import {
  type CallState,
  cutAnswer,
  readCallState,
  writeCallState,
} from "../../../src/agent/resume/call-state.ts";
import { StateKeeper } from "../../../src/agent/resume/state-keeper.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";

const most = 256 * 1_024;

const state = (changes: Partial<CallState>): CallState => ({
  messages: [],
  pending: null,
  waiting: [],
  turns: 0,
  tasks: [],
  handle: null,
  steps: [],
  role: { name: null, instructions: null },
  data: {},
  spent: { tokens: 0, characters: 0 },
  hints: null,
  ...changes,
});

const turn = { turnId: "turn_1", origin: "participant", startedAt: 0, toolCalls: 0 } as const;

const exchange = (number: number, length: number): Message[] => [
  { role: "participant", participantId: "ann", text: `${number} ${"x".repeat(length)}` },
  { role: "agent", text: "", toolCalls: [{ id: `${number}`, name: "look", arguments: {} }] },
  { role: "tools", results: [{ callId: `${number}`, name: "look", ok: true, output: "y".repeat(length) }] },
  { role: "agent", text: `Answer ${number}`, toolCalls: [] },
];

test("a state that fits is read as it was written", (t) => {
  const whole = state({ messages: exchange(1, 10), turns: 3, data: { name: "Ann" } });
  t.deepEqual(readCallState(writeCallState(whole) ?? ""), whole);
});

for (const [what, length] of [
  ["plain", 2_000],
  // In JSON it is six times as long, which its length does not tell.
  ["escaped", 2_000],
] as const) {
  test(`of a long conversation the newest exchanges are kept whole, and it is said how many messages are not: ${what}`, (t) => {
    const messages = Array.from({ length: 300 }, (_, number) => exchange(number, length)).flat();
    const long = what === "plain" ? messages : messages.map(escaped);
    const text = writeCallState(state({ messages: long })) ?? "";
    t.true(text.length <= most && text.length > most / 8, `${text.length}`);
    const [note, first, ...rest] = readCallState(text).messages;
    t.is(first?.role, "participant");
    t.deepEqual([first, ...rest], long.slice(-1 - rest.length));
    const left = long.length - rest.length - 1;
    t.deepEqual(note, {
      role: "instruction",
      text: `The first ${left} messages of this conversation are left out.`,
    });
  });
}

function escaped(message: Message): Message {
  return message.role === "participant"
    ? { ...message, text: message.text.replaceAll("x", "\u0001") }
    : message;
}

test("images are left out", (t) => {
  const parts = [
    { type: "text", text: "Look" },
    { type: "image", data: new Uint8Array(2 * most), mimeType: "image/jpeg" },
  ] as const;
  const message: Message = { role: "participant", participantId: "ann", text: "Look", parts };
  const pending = { ...turn, asked: [message], said: [] };
  const text = writeCallState(state({ messages: [message], pending })) ?? "";
  const shown = [
    { type: "text", text: "Look" },
    { type: "text", text: "(an image)" },
  ];
  const read = readCallState(text);
  t.like(read.messages[0], { parts: shown });
  t.like(read.pending?.asked[0], { parts: shown });
});

test("the results of a turn that is too long are cut; a turn whose words alone are too long is not kept", (t) => {
  const results = Array.from({ length: 16 }, (_, number) => ({
    callId: `${number}`,
    name: "read",
    ok: true,
    output: "z".repeat(60_000),
  }));
  const toolCalls = results.map(({ callId: id, name }) => ({ id, name, arguments: {} }));
  const said: Message[] = [
    { role: "agent", text: "", toolCalls },
    { role: "tools", results },
  ];
  const long = { ...turn, said };
  const asked: Message[] = [{ role: "participant", participantId: "ann", text: "Read all" }];
  const text = writeCallState(state({ messages: exchange(1, 10), pending: { ...long, asked } })) ?? "";
  t.true(text.length > 0 && text.length <= most);
  t.deepEqual(readCallState(text).pending?.asked, asked);
  const endless: Message[] = [{ role: "participant", participantId: "ann", text: "x".repeat(most) }];
  t.is(writeCallState(state({ pending: { ...long, asked: endless } })), null);
});

test("each call of a cut answer has one result: its own, or that it is not known", (t) => {
  const call = (id: string) => ({ id, name: "pay", arguments: {} });
  const known = { callId: "1", name: "pay", ok: true, output: "paid" };
  const [agent, tools, ...rest] = cutAnswer([
    { role: "agent", text: "One moment.", toolCalls: [call("1"), call("2")] },
    { role: "tools", results: [known] },
  ]);
  t.like(agent, { role: "agent", text: "One moment." });
  t.true(tools?.role === "tools");
  if (tools?.role !== "tools") return;
  t.deepEqual(tools.results[0], known);
  t.like(tools.results[1], { callId: "2", ok: false });
  t.regex(tools.results[1]?.output ?? "", /not known/);
  t.deepEqual(rest, []);
});

test("steps that come fast with a long state are told soon, and never more than a thread may send", async (t) => {
  let step = 0;
  const told: string[] = [];
  const keeper = new StateKeeper(
    () => `${step}`.padStart(most),
    (text) => told.push(text ?? ""),
  );
  for (step = 1; step <= 40; step += 1) keeper.step();
  t.true(told.length <= 5, `${told.length} at once`);
  t.is(told[0]?.trim(), "1");
  await eventually("the last one", () => Number(told.at(-1)) > 40);
  t.true(told.length <= 6);
  keeper.close();
  keeper.step();
  t.true(told.length <= 6);
});

test("what is too long to be kept is told once, with what it is made of", async (t) => {
  const states: (string | null)[] = [];
  const hosted = new HostedAgent({ data: { name: "Ann" } }, { state: (text) => states.push(text) });
  await hosted.join();
  // The words of a participant that are answered: those of earlier turns are left out where they are too many.
  hosted.handle.message({ messageId: "m1", participantId: "ann", text: "x".repeat(most) });
  await eventually("the turn is over", () => hosted.events.some(({ type }) => type === "turn"));
  t.true(states.includes(null));
  t.is(typeof states.at(-1), "string");
  const told = hosted.logged.filter(
    ([fields]) => "event" in fields && fields.event === "call_state_too_long",
  );
  t.is(told.length, 1);
  const [[fields] = [{}]] = told;
  t.regex((fields as { characters: string }).characters, /^(pending|waiting) 26\d+, /);
});
