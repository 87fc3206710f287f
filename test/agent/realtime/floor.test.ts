import test from "ava";
import * as testing from "greenroom/testing";
import { FloorGate } from "../../../src/agent/realtime/floor-gate.ts";
import { RealtimeCall } from "../../fixtures/voice/realtime-call.ts";

const quiet = new Int16Array(320);
const loud = testing.tone(400, 20).samples;

function admitted(gate: FloorGate, frames: readonly (readonly [string, Int16Array])[]): string {
  return frames.map(([who, samples]) => (gate.admits(who, samples) ? who : ".")).join("");
}

test("one voice at a time is heard: who is loud first, until they have been quiet for a while", (t) => {
  const gate = new FloorGate();
  t.is(
    admitted(gate, [
      ["a", quiet],
      ["b", quiet],
      ["a", loud],
      ["b", loud],
      ["a", quiet],
      ["b", loud],
    ]),
    "a.a.a.",
  );
  t.is(gate.holder, "a");
  const pause = Array.from({ length: 40 }, () => ["a", quiet] as const);
  admitted(gate, pause);
  t.is(
    admitted(gate, [
      ["b", quiet],
      ["b", loud],
      ["a", quiet],
      ["b", quiet],
    ]),
    ".b.b",
  );
  gate.participantLeft("b");
  t.is(gate.holder, "a");
});

test("of two who speak one after the other it is known who said what", async (t) => {
  const llm = new testing.RealtimeModel({
    transcripts: ["Tea for me.", "Coffee for me."],
    replies: ["One tea.", "One coffee."],
  });
  const call = await RealtimeCall.with(t, { llm, edge: { speed: 4 } });
  const alice = call.edge.addParticipant("alice");
  const bob = call.edge.addParticipant("bob");
  await alice.play(testing.tone(400, 600));
  await call.turnsOver(1);
  await bob.play(testing.tone(500, 600));
  await call.turnsOver(2);
  t.deepEqual(call.transcript, [
    "alice: Tea for me.",
    "agent: One tea.",
    "bob: Coffee for me.",
    "agent: One coffee.",
  ]);
});
