import test from "ava";
import { eventually } from "../../fixtures/eventually.ts";
import { listen, said, turnOf, write } from "../../fixtures/recogniser/open-recogniser.ts";
import { plain, shareRecogniser, wordsOf } from "../../fixtures/recogniser/shared-recogniser.ts";

/** Loading takes seconds: the tests share one, one after the other. The last of them ends it. */
const shared = shareRecogniser();

test.serial("a short word is heard, however long the silence behind it", async (t) => {
  const { stream, events } = await listen(t, { captionMs: 0, eagerMs: 2_000, endMs: 900 });
  for (const word of ["Stop.", "Yes.", "Why?"]) {
    write(stream, await said(word));
    t.is(wordsOf(await turnOf(events)), plain(word));
  }
});

test.serial("captions come while somebody speaks", async (t) => {
  const { stream, events } = await listen(t, { captionMs: 100, eagerMs: 1_000, endMs: 2_000 });
  write(stream, await said("Hello there."));
  write(stream, new Int16Array(32_000));
  await turnOf(events);
  const sound = await said("Tell me something interesting about the city of Berlin please.");
  let told = false;
  void (async () => {
    for (let event = await events.next(); !event.done; event = await events.next()) {
      told ||= event.value.type === "partial";
    }
  })();
  let at = 0;
  // It speaks until it is told, and then again.
  await eventually("a caption", () => {
    stream.write({ samples: sound.slice(at, at + 320), sampleRate: 16_000 });
    at = (at + 320) % 48_000;
    return told;
  });
  t.pass();
});

test.serial("names that are expected are heard where they would be taken for something else", async (t) => {
  const heard = async (keyterms: readonly string[]) => {
    const { stream, events } = await listen(t, { keyterms, captionMs: 0 });
    write(stream, await said("Open the Vonage account."));
    return wordsOf(await turnOf(events));
  };
  t.not(await heard([]), "open the vonage account");
  t.is(await heard(["Vonage"]), "open the vonage account");
});

test.serial("a long turn is recognised in parts, and no word of it is lost", async (t) => {
  const { stream, events } = await listen(t, { endMs: 2_000, maxTurnMs: 60_000, captionMs: 0 });
  const sentences = [
    "The first thing that I would like to know is the weather in the city of Paris.",
    "The second thing is whether there is a table for two people at seven this evening.",
    "And the third thing is how long the train to Berlin takes in the morning.",
  ];
  write(stream, await said(...sentences));
  write(stream, new Int16Array(16_000 * 2));
  const text = wordsOf(await turnOf(events));
  for (const word of ["weather in the city of paris", "table for two", "train to berlin", "morning"]) {
    t.true(text.includes(word), `${word}: ${text}`);
  }
});

test.serial("where it ends in the middle of a turn, the turn is recognised by the next one", async (t) => {
  const { kill, log } = shared();
  const { stream, events } = await listen(t, { captionMs: 0 });
  write(stream, await said("What time is it?"));
  t.is(wordsOf(await turnOf(events)), "what time is it");
  const sound = await said("What is the weather in Madrid?");
  write(stream, sound.subarray(0, 16_000));
  kill();
  await eventually("its end", () => log.includes("The local speech recogniser has ended"));
  write(stream, sound.subarray(16_000));
  const turn = await turnOf(events);
  t.is(wordsOf(turn), "what is the weather in madrid");
  t.true(
    turn.some((event) => event.type === "error" && !event.fatal && /has ended/.test(event.error.message)),
  );
});
