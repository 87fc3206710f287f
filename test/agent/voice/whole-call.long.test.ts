import test from "ava";
import { spokenQuestion } from "../../fixtures/voice/spoken-question.ts";
import { until } from "../../fixtures/voice/voice-call.ts";
import { hears, VoiceStage } from "../../fixtures/voice/voice-stage.ts";

test.serial("a spoken question → a tool → a spoken answer, with the delays that the services publish", (t) =>
  spokenQuestion(t, "published"),
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
