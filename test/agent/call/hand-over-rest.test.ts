import test from "ava";
import * as testing from "greenroom/testing";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { SharedCall } from "../../fixtures/shared-call.ts";

const text = "This is the first of some sentences. Here is the second one. And that was the last.";

/** An agent that speaks in a shared call. `writes`: what its model writes, step by step. */
function speaking(call: SharedCall, name: string, writes: readonly testing.LlmStep[], state: string | null) {
  const llm = new testing.LLM({ otherwise: () => writes });
  const heard = { turnId: "", text: "" };
  const told = { state: "" };
  const hosted = new HostedAgent(
    { edge: call.edge(name), llm, tts: new testing.TTS({ characterMs: 100 }), resumeLine: null },
    {
      state: (known) => {
        told.state = known ?? "";
      },
      resumption: state === null ? null : { reason: "drained", times: 1, state, heard, rests: false },
    },
  );
  return { hosted, llm, told };
}

for (const isWritten of [true, false])
  test(`the rest of a long answer is ${isWritten ? "said as it is written" : "asked of the model, where it is not written yet"}`, async (t) => {
    const call = new SharedCall();
    const writes = isWritten ? [{ text }] : [{ text }, { hang: true } as const];
    const before = speaking(call, "before", writes, null);
    await before.hosted.join();
    before.hosted.type("Tell me");
    const begins = () =>
      before.hosted.events.filter(
        (event) => event.type === "transcript" && event.role === "agent" && event.delta !== undefined,
      ).length;
    await eventually("its second sentence begins", () => begins() === 2);
    t.like(await before.hosted.handle.answer({ about: "hand_over", withinMs: 0 }), { outcome: "given" });
    const [begun = ""] = before.hosted.said;
    t.true(text.startsWith(begun) && begun !== "" && begun !== text, JSON.stringify(before.hosted.said));
    const after = speaking(call, "after", [{ text: "And so on." }], before.told.state);
    await after.hosted.join();
    await eventually("the rest is said", () => after.hosted.said.length === 1);
    t.deepEqual(after.hosted.said, [isWritten ? text.slice(begun.length).trim() : "And so on."]);
    t.is(after.llm.requests.length, isWritten ? 0 : 1);
    const words = after.hosted.agent.conversation.messages.flatMap((message) =>
      message.role === "agent" ? [message.text] : [],
    );
    t.deepEqual(words, [begun, after.hosted.said[0]]);
    before.hosted.handle.close(Object.assign(new Error("moved"), { closeReason: "drained", moved: true }));
    await Promise.all([before.hosted.agent.close(), after.hosted.agent.close()]);
  });
