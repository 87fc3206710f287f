import test from "ava";
import { heardOf, speak as tonesOf } from "../../emulators/elevenlabs/tone.ts";
import { emulate, greeting } from "../../fixtures/providers/elevenlabs-voice.ts";

test("the emulator answers as the service does, to anybody", async (t) => {
  const { url, account } = await emulate(t, { account: { maxConcurrentRequests: 3 } });
  const path = `${url}/v1/text-to-speech/someone/stream?output_format=pcm_16000`;
  const ask = (body: unknown, headers: Record<string, string> = { "xi-api-key": "a-key" }) =>
    fetch(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });
  const spokenAnswer = await ask({ text: "Hello.", model_id: "eleven_flash_v2_5" });
  t.is(spokenAnswer.status, 200);
  t.is(spokenAnswer.headers.get("character-cost"), "6");
  t.is(spokenAnswer.headers.get("current-concurrent-requests"), "1");
  t.is(spokenAnswer.headers.get("maximum-concurrent-requests"), "3");
  t.truthy(spokenAnswer.headers.get("request-id"));
  t.is((await spokenAnswer.bytes()).length, 6 * 60 * 16 * 2);
  const refused = async (answer: Promise<Response>) => {
    const { status } = await answer;
    const { detail } = (await (await answer).json()) as {
      detail: { status?: string } | { loc: string[]; msg: string }[];
    };
    return [status, Array.isArray(detail) ? detail.map(({ loc }) => loc.join(".")) : detail.status];
  };
  t.deepEqual(await refused(ask({ text: "Hello." }, {})), [401, "needs_authorization"]);
  t.deepEqual(await refused(ask({})), [422, ["body.text"]]);
  t.deepEqual(await refused(ask("no JSON")), [422, ["body.0"]]);
  t.deepEqual(await refused(ask({ text: 5, voice_settings: { speed: 3 } })), [
    422,
    ["body.text", "body.voice_settings.speed"],
  ]);
  account.credits = 5;
  t.deepEqual(await refused(ask({ text: "Hello." })), [402, "insufficient_credits"]);
});

test("the emulator's sound tells how much of a text was heard", (t) => {
  const options = { sampleRate: 24_000 };
  const sound = tonesOf(greeting, options);
  for (const heard of [0, 1, 5, 13, greeting.length - 1]) {
    const length = heardOf(greeting, sound.subarray(0, heard * 1_440), options);
    t.is(greeting.slice(0, length).replaceAll(/\W+$/g, ""), greeting.slice(0, heard).replaceAll(/\W+$/g, ""));
  }
  const late = Int16Array.from([...new Int16Array(5_000), ...sound]);
  t.is(heardOf(greeting, late, options), greeting.length - 1);
});
