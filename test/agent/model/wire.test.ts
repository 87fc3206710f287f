import test from "ava";
import { ToolError } from "greenroom";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

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
  const thread = await new AgentThread(t, agentUrl("gemini")).join({ baseUrl: emulator.url });
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
