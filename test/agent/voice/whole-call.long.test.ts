import test from "ava";
import { spokenQuestion } from "../../fixtures/voice/spoken-question.ts";
import { until } from "../../fixtures/voice/voice-call.ts";
import { hears, VoiceStage } from "../../fixtures/voice/voice-stage.ts";

const story =
  "Once upon a time there was a king. He had a castle with a hundred rooms. In each room there was a bed.";

test.serial("a spoken question → a tool → a spoken answer, with the delays that the services publish", (t) =>
  spokenQuestion(t, "published"),
);

test.serial(
  "the recogniser's connection is lost in mid-turn: the turn goes on with the next one",
  async (t) => {
    const stage = await VoiceStage.open(t, "none");
    const { deepgram } = stage.services;
    hears(stage.services, "Hello there.");
    const call = await stage.call(t);
    const { alice } = call;
    const playing = call.say(4_000);
    await until(
      () => deepgram.log.of("sent").some(({ message }) => JSON.stringify(message).includes("StartOfTurn")),
      "the start of the turn",
    );
    await deepgram.connections[0]!.read();
    deepgram.connections[0]!.cut();
    await playing;
    await alice.pause(100);
    const turn = await call.turnsOver(1);
    t.is(turn.outcome, "done");
    t.regex(call.transcript[0]!, /^alice: Hello.*Hello there\.$/);
    t.is(deepgram.log.of("open").length, 2);
  },
);

test.serial(
  "the voice fails in mid-sentence: what was made is heard, the agent says so, the call lives on",
  async (t) => {
    const stage = await VoiceStage.open(t, "none");
    const { gemini, elevenlabs } = stage.services;
    hears(stage.services, "Tell me a story.");
    gemini.script = () => [{ text: story }];
    elevenlabs.faults.push({}, { cutAfterMs: 600 });
    const call = await stage.call(t, { speed: 4 });
    await call.say();
    t.is((await call.turnsOver(1)).outcome, "failed");
    const heard = call.transcript[1]!.replace("agent: ", "");
    // The third sentence may overtake the second one, which needs a connection of its own.
    t.regex(heard, /^Once upon a time there was a king\. He had a( castle with a hundred rooms\. In each)? /);
    t.true(heard.length < story.length - 10, heard);
    t.is((await call.turnsOver(2)).outcome, "done");
    await call.say();
    t.is((await call.turnsOver(3)).outcome, "done");
    t.is(call.transcript.at(-1), `agent: ${story}`);
  },
);

/** Returns what the process holds, by kind; the services count sockets themselves. */
function holdings(): Record<string, number> {
  const held: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (!/^TCP/.test(kind)) held[kind] = (held[kind] ?? 0) + 1;
  }
  return held;
}

const calls = 100;

test.serial(`${calls} calls in a row leave no socket, timer or thread behind`, async (t) => {
  t.timeout(900_000);
  const before = holdings();
  const stage = await VoiceStage.open(t, "none");
  const { gemini, deepgram, elevenlabs } = stage.services;
  hears(stage.services, "Hello there.");
  gemini.script = () => [{ text: "Hello Alice!" }];
  for (let count = 0; count < calls; count += 1) {
    deepgram.log.clear();
    const call = await stage.call(t, { speed: 20 });
    await call.say();
    t.is((await call.turnsOver(1)).outcome, "done");
    await call.end();
    t.is(call.session.endReason, "finished");
    await until(() => deepgram.connections.length === 0, "the end of the recogniser's connections");
  }
  t.is(stage.launcher.listSessions().length, 0);
  await stage.launcher.stop();
  await until(() => gemini.openConnections === 0, "the end of the model's connections");
  await until(() => elevenlabs.connections.open === 0, "the end of the voice's connections");
  t.is(elevenlabs.speaking, 0);
  await until(
    () => Object.entries(holdings()).every(([kind, count]) => count <= (before[kind] ?? 0)),
    "the end of all",
  );
});
