// Tests of agents, without a network, a key or a microphone: node --test agent.test.ts
import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent, AgentLauncher } from "greenroom";
import * as testing from "greenroom/testing";

test("what is asked aloud is looked up, and answered aloud", async () => {
  const edge = new testing.Edge({ speed: 10 });
  const stt = new testing.STT({ transcripts: ["What is the weather in Oslo?"] });
  const llm = new testing.LLM({
    replies: [[{ call: "get_weather", arguments: { location: "Oslo" } }], "It rains in Oslo."],
  });
  const tts = new testing.TTS();
  const asked: string[] = [];
  llm.registerFunction<{ location: string }>({
    name: "get_weather",
    description: "Get the current weather for a location",
    parameters: { type: "object", properties: { location: { type: "string" } } },
    execute: ({ location }) => {
      asked.push(location);
      return "rain";
    },
  });
  const agentUser = { id: "agent", name: "Agent" };
  const agent = new Agent({ edge, agentUser, instructions: "Be brief.", llm, stt, tts });
  const alice = edge.addParticipant("alice");
  await using _ = await agent.join(await agent.createCall("default", "call-1"));

  await alice.play(testing.tone(400, 1_000)); // any sound: what it means is in `transcripts`
  await edge.recording.reached(300); // so much is heard of the answer, in milliseconds

  assert.deepEqual(asked, ["Oslo"]);
  assert.equal(tts.spoken[0]?.text, "It rains in Oslo.");
});

test("agent.ts greets, in a spoken session of a server, and leaves with the caller", async () => {
  const agent = import.meta.resolve("./agent.ts");
  const launcher = new AgentLauncher({ agent, warmSessions: 1, logLevel: "warn", agentsLogLevel: "warn" });
  try {
    await launcher.start();
    const session = await launcher.startSession({ callId: "call-1", inMemory: { speed: 4 } });
    using call = await testing.dial(session.id);
    call.addParticipant("alice"); // and .play("question.wav")
    await call.recording.reached(1_000);
    call.hangUp();
    await session.ended;
    assert.equal(session.endReason, "finished");
  } finally {
    await launcher.stop();
  }
});
