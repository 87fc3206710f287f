import test from "ava";
import fc from "fast-check";
import { type Message, ToolError } from "greenroom";
import { Conversation } from "../../../src/agent/turns/conversation.ts";
import {
  cutText,
  cutTextStart,
  isBlank,
  toJson,
  wellFormed,
  wellFormedJson,
} from "../../../src/shared/text/text.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

const picture = { type: "image", data: Uint8Array.of(1, 2, 3), mimeType: "image/jpeg" } as const;
const inline = { inlineData: { mimeType: "image/jpeg", data: "AQID" } };

test("Gemini is shown the parts of a message in their order", async (t) => {
  const { model, bodies } = await geminiStage(t);
  await ask(model(), [
    {
      role: "participant",
      participantId: "alice",
      text: "This is my cat. What is her name?",
      parts: [
        { type: "text", text: "This is my cat." },
        picture,
        { type: "text", text: "What is her name?" },
      ],
    },
  ]);
  t.deepEqual(bodies()[0]?.contents, [
    { role: "user", parts: [{ text: "This is my cat." }, inline, { text: "What is her name?" }] },
  ]);
});

test("a picture without a word is no silence, and speech without words is inaudible", async (t) => {
  const { model, bodies } = await geminiStage(t);
  const speech: Message = {
    role: "participant",
    participantId: "bob",
    text: "",
    parts: [{ type: "audio", durationMs: 900 }],
  };
  const shown: Message = { role: "participant", participantId: "alice", text: "", parts: [picture] };
  await ask(model(), [shown]);
  await ask(model(), [speech]);
  await ask(model(), [shown, speech]);
  t.deepEqual(
    bodies().map(({ contents }) => contents?.flatMap(({ parts }) => parts)),
    [[inline], [{ text: "(inaudible)" }], [{ text: "alice:" }, inline, { text: "bob: (inaudible)" }]],
  );
});

test("the history is bounded by the bytes of its images too", (t) => {
  const conversation = new Conversation({ maxHistoryMessages: 100, maxHistoryLength: 10 });
  const message: Message = {
    role: "instruction",
    text: "Look",
    parts: [{ type: "text", text: "Look" }, picture],
  };
  conversation.append([message]);
  conversation.append([message]);
  t.is(conversation.messages.length, 1);
});

test("bytes are left as they are where texts are made well-formed", (t) => {
  const message = { text: "\ud800", parts: [picture] };
  const { text, parts } = wellFormed(message);
  t.is(text, "\ufffd");
  t.is(parts[0], picture);
});

const [high, low] = ["\ud83d", "\ude00"];

/** Tools that bring halves of surrogate pairs, and what the model is told of them. */
const tools: Readonly<Record<string, readonly [execute: () => unknown, response: object]>> = {
  "a text": [() => `cut ${high}`, { output: "cut \ufffd" }],
  "the text of an error": [
    () => {
      throw new ToolError(`${low} No such order.`);
    },
    { error: "\ufffd No such order." },
  ],
  "JSON, at any depth and in keys": [
    () => ({ rows: [{ [`name${low}`]: [`x${high}y`, "whole 😀"] }], escaped: "\\ud83d" }),
    { output: { rows: [{ "name\ufffd": ["x\ufffdy", "whole 😀"] }], escaped: "\\ud83d" } },
  ],
  "a map": [() => new Map([[high, new Set([low])]]), { output: { "\ufffd": ["\ufffd"] } }],
};

for (const [what, [execute, response]] of Object.entries(tools)) {
  test(`half a character that a tool brings never leaves, in ${what}`, async (t) => {
    const { emulator, bodies, model } = await geminiStage(t);
    // The model's own arguments go back to it.
    const script = [
      [{ call: "look", args: { [`key${high}`]: [low] } }],
      [{ text: "Found." }],
      [{ text: "Yes." }],
    ];
    emulator.script = () => script.shift() ?? [];
    const llm = model();
    llm.registerFunction({ name: "look", description: `Looks${high}.`, execute });
    const hosted = new HostedAgent({ llm, instructions: `Be kind${low}.` });
    t.teardown(() => hosted.agent.close());
    await hosted.join();
    hosted.type(`Look for ${high}, please`);
    await until(() => hosted.said.length === 1, "the first answer");
    hosted.type("Is it there?");
    await until(() => hosted.said.length === 2, "the second answer");
    t.deepEqual(hosted.said, ["Found.", "Yes."]);
    // The emulator answers 400 to a body that is not well-formed.
    t.is(
      emulator.log.of("end").find(({ status }) => status !== 200),
      undefined,
    );
    const [, told, later] = bodies();
    t.is(told?.systemInstruction?.parts?.[0]?.text, "Be kind\ufffd.");
    t.is(told?.contents?.[0]?.parts?.[0]?.text, "Look for \ufffd, please");
    t.deepEqual(told?.contents?.[1]?.parts?.[0]?.functionCall?.args, { "key\ufffd": ["\ufffd"] });
    t.deepEqual(told?.contents?.[2]?.parts?.[0]?.functionResponse?.response, response);
    t.deepEqual(later?.contents?.slice(0, 3), told?.contents);
  });
}

test("half a character in a message to a session never leaves its thread", async (t) => {
  const { emulator, bodies } = await geminiStage(t);
  const thread = await new AgentThread(t, agentUrl("providers/gemini")).join({ baseUrl: emulator.url });
  thread.type(`Hello ${high}`);
  t.like(await thread.event("turn"), { outcome: "done" });
  t.is(bodies()[0]?.contents?.[0]?.parts?.[0]?.text, "Hello \ufffd");
});

test("half a character never leaves a model that is asked without an agent", async (t) => {
  const { bodies, model } = await geminiStage(t);
  await ask(model(), `Hello ${high}`, { instructions: low });
  t.is(bodies()[0]?.contents?.[0]?.parts?.[0]?.text, "Hello \ufffd");
  t.is(bodies()[0]?.systemInstruction?.parts?.[0]?.text, "\ufffd");
});

const anyText = fc.string({ unit: "binary" });

test("a text is never cut within a character", (t) => {
  t.is(cutText("ab👍", 3), "ab");
  t.is(cutText("ab👍🏽c", 4, "…"), "ab…");
  t.is(cutText("e\u0301e\u0301", 3), "e\u0301");
  t.is(cutTextStart("👍ab", 3), "ab");
  t.is(cutText("short", 10, "…"), "short");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat({ max: 40 }), (text, length) => {
      const [begin, end] = [cutText(text, length), cutTextStart(text, length)];
      return (
        begin.length <= length &&
        end.length <= length &&
        text.startsWith(begin) &&
        text.endsWith(end) &&
        begin.isWellFormed() &&
        end.isWellFormed()
      );
    }),
  );
});

test("JSON text is well-formed in every string and key, and else the same", (t) => {
  const halves = { "\ud83d": ["\ude00", { deep: "a\ud800b" }], whole: "👍", escaped: "\\ud83d" };
  const mended = { "\ufffd": ["\ufffd", { deep: "a\ufffdb" }], whole: "👍", escaped: "\\ud83d" };
  t.deepEqual(JSON.parse(toJson(halves)), mended);
  t.deepEqual(wellFormed(halves), mended as unknown as typeof halves);
  t.is(wellFormedJson('"\\ud83d\\ude00"'), '"\\ud83d\\ude00"');
  fc.assert(
    fc.property(fc.dictionary(anyText, fc.array(anyText)), (value) => {
      const read = JSON.stringify(JSON.parse(toJson(value)));
      return read === JSON.stringify(wellFormed(value)) && !/\\ud[89a-f]/.test(read.replaceAll("\\\\", ""));
    }),
  );
});

test("blanks are nothing to hear; a sign or a picture is something", (t) => {
  for (const blank of ["", " \n", "\u200b", "\ufeff", "\u0000", "\ud83d"]) t.true(isBlank(blank));
  for (const some of ["a", "7", "…", "👍", "はい"]) t.false(isBlank(some));
});
