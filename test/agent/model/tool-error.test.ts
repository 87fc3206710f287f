import test from "ava";
import { ToolError } from "greenroom";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

const marker = Symbol.for("greenroom.tool_error");

/** An error such as one of another copy of the package, which `instanceof` does not know. */
class OtherCopy extends Error {
  readonly [marker] = true;
}

const neutral = "The function failed for a technical reason.";

const thrown: Readonly<Record<string, readonly [error: unknown, told: string]>> = {
  "a ToolError": [new ToolError("There is no order 17."), "There is no order 17."],
  "a ToolError of another copy of the package": [new OtherCopy("Closed on Sundays."), "Closed on Sundays."],
  "an error": [new Error("connect ECONNREFUSED 10.0.0.7:5432 as admin"), neutral],
  "an error whose cause is a ToolError": [
    new Error("SELECT failed for admin", { cause: new ToolError("inner") }),
    neutral,
  ],
  "a text": ["the password of admin is wrong", neutral],
};

for (const [what, [error, told]] of Object.entries(thrown)) {
  test(`of ${what} that a function throws the model learns what is meant for it, and the log all`, async (t) => {
    const { emulator, bodies, model } = await geminiStage(t);
    const script = [[{ call: "find_order", args: {} }], [{ text: "Sorry." }]];
    emulator.script = () => script.shift() ?? [];
    const llm = model();
    llm.registerFunction({
      name: "find_order",
      description: "Finds an order.",
      execute: () => {
        throw error;
      },
    });
    const hosted = new HostedAgent({ llm });
    t.teardown(() => hosted.agent.close());
    await hosted.join();
    hosted.type("Where is my order?");
    await until(() => hosted.said.length === 1, "the answer");
    const { functionResponse } = bodies()[1]?.contents?.at(-1)?.parts?.[0] ?? {};
    t.deepEqual(functionResponse?.response, { error: told });
    t.notRegex(JSON.stringify(bodies()[1]), /admin/);
    const [fields] = hosted.logged.find(([, message]) => message === "A tool failed") ?? [];
    t.like(fields, { tool: "find_order", err: { message: error instanceof Error ? error.message : error } });
  });
}
