import test from "ava";
import * as local from "greenroom/local";

const many = 100;

test(`${many} sentences leave no memory behind`, async (t) => {
  t.timeout(180_000);
  const tts = new local.TTS();
  t.teardown(() => tts.close());
  const say = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      const speech = tts.speak(`This is sentence number ${index}.`, { signal: new AbortController().signal });
      for await (const _ of speech);
    }
    return process.memoryUsage.rss() / 2 ** 20;
  };
  const before = await say(10);
  const after = await say(many);
  t.true(after - before < 64, `${before.toFixed()} → ${after.toFixed()} MiB`);
});
