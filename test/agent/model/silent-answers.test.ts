import test from "ava";
import * as testing from "greenroom/testing";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { until, VoiceCall, type VoiceCallOptions } from "../../fixtures/voice/voice-call.ts";

const silent: Readonly<Record<string, string>> = {
  "an emoji": "👍",
  "a block of code": "```py\nprint(1)\n```",
  JSON: '{"name": "weather", "arguments": {"city": "Oslo"}}',
  thoughts: "<think>What might she want?</think>\n",
  "an ellipsis": "…",
  "a source": "[1]",
};

for (const [what, text] of Object.entries(silent)) {
  test(`an answer of which nothing can be spoken is asked for again: ${what}`, async (t) => {
    const call = await VoiceCall.with(t, { llm: new testing.LLM({ replies: [text, "Here I am."] }) });
    const alice = await call.ear("alice");
    alice.say("Hello?");
    const [turn] = await call.turnsOver(1);
    t.is(turn?.outcome, "done");
    t.deepEqual(
      call.tts.spoken.map((spoken) => spoken.text),
      ["Here I am."],
    );
    // The model learns why it is asked again, and only then.
    const [, again] = call.llm.requests;
    t.regex(String(again?.messages.map((message) => "text" in message && message.text)), /can be spoken/);
    call.hosted.type("And now?");
    await call.turnsOver(2);
    const later = JSON.stringify(call.llm.requests[2]?.messages);
    t.notRegex(later, /can be spoken/);
  });
}

test("behind the result of a tool too", async (t) => {
  const llm = new testing.LLM({ replies: [[{ call: "book" }], "✅", "It is booked."] });
  llm.registerFunction({ name: "book", description: "Books.", execute: () => "done" });
  const call = await VoiceCall.with(t, { llm });
  const alice = await call.ear("alice");
  alice.say("Book it.");
  await call.turnsOver(1);
  t.deepEqual(
    call.tts.spoken.map((spoken) => spoken.text),
    ["It is booked."],
  );
});

test("one that stays silent fails audibly", async (t) => {
  const llm = new testing.LLM({ otherwise: "👍" });
  const call = await VoiceCall.with(t, { llm, agent: { apology: "Sorry, say that again." } });
  const alice = await call.ear("alice");
  alice.say("Hello?");
  const [turn] = await call.turnsOver(2);
  t.is(turn?.outcome, "failed");
  t.is(llm.requests.length, 3);
  t.deepEqual(
    call.tts.spoken.map((spoken) => spoken.text),
    ["Sorry, say that again."],
  );
});

test("to an instruction of the agent's own code it fails at once: the code can ask again", async (t) => {
  const llm = new testing.LLM({ replies: ["👍", "Welcome!"] });
  const call = await VoiceCall.with(t, { llm });
  t.is(await call.hosted.agent.simpleResponse("Greet the caller."), "failed");
  t.is(await call.hosted.agent.simpleResponse("Greet the caller."), "done");
  t.is(llm.requests.length, 2);
});

const left: Readonly<Record<string, VoiceCallOptions["agent"]>> = {
  "by a function": { ttsTextTransforms: [() => ""] },
  "by a pattern": { ttsTextTransforms: [{ start: "Nothing", end: "say." }] },
};

for (const [how, agent = {}] of Object.entries(left)) {
  test(`what the user leaves out on purpose is not asked for again: ${how}`, async (t) => {
    const llm = new testing.LLM({ replies: ["Nothing to say."] });
    const call = await VoiceCall.with(t, { llm, agent });
    const alice = await call.ear("alice");
    alice.say("Hm, well then.");
    const [turn] = await call.turnsOver(1);
    t.is(turn?.outcome, "done");
    t.is(llm.requests.length, 1);
  });
}

test("where answers are read, an emoji is one", async (t) => {
  const llm = new testing.LLM({ replies: ["👍"] });
  const hosted = new HostedAgent({ edge: new testing.Edge(), llm });
  t.teardown(() => hosted.agent.close());
  await hosted.join();
  hosted.type("Thanks!");
  await until(() => hosted.events.some(({ type }) => type === "turn"), "the turn");
  t.deepEqual(hosted.said, ["👍"]);
  t.is(llm.requests.length, 1);
});
