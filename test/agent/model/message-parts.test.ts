import test from "ava";
import type { Message } from "greenroom";
import { Conversation } from "../../../src/agent/turns/conversation.ts";
import { wellFormed } from "../../../src/shared/text.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";

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
