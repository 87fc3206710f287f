import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import * as testing from "greenroom/testing";
import { level } from "../../../src/audio/pcm.ts";
import { none as deepgramNone, startDeepgram } from "../../emulators/deepgram.ts";
import { startElevenlabs } from "../../emulators/elevenlabs.ts";
import { geminiDelays, startGemini } from "../../emulators/gemini.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { bin, Child, commandLines, temporaryFolder } from "../../fixtures/runner/child.ts";
import { recorded, run, sidesOf, soundIn } from "../../fixtures/runner/recorded-conversation.ts";
import { spoken } from "../../fixtures/voice/spoken.ts";

test.serial(
  "without any key a recording is heard, answered aloud, and the conversation is a file",
  async (t) => {
    const { cwd, out } = await recorded(t, await spoken("What is the weather in Paris today?"));
    const child = new Child(t, [bin, ...run, "--speed", "4"], { cwd });
    t.deepEqual(await child.exit, { code: 0, signal: null });
    const [greeting, heard, answer, written, ended, ...rest] = child.stdout.trimEnd().split("\n");
    t.regex(greeting ?? "", /^agent: Hello, this is Greenroom\. I am its built-in agent/);
    t.regex(heard ?? "", /^caller: \(spoke for [12]\.\d seconds; there is no speech recognition\)$/);
    t.regex(answer ?? "", /^agent: I heard you speak for [12]\.\d seconds, but I cannot tell words/);
    t.regex(
      written ?? "",
      /^out\.wav: the caller on the left, the agent on the right; the agent spoke for \d+\.\d s$/,
    );
    t.is(ended, "The call has ended: finished.");
    t.deepEqual(rest, []);
    t.regex(
      child.stderr,
      /^Agent: LLM local rules, STT local voice-activity, TTS local flite-slt, edge browser\./m,
    );

    const { caller, agent } = sidesOf(out);
    const speech = soundIn(caller);
    t.true(soundIn(agent).beginMs < speech.beginMs, "the greeting comes first");
    t.true(soundIn(agent).endMs > speech.endMs + 2_000, "the answer comes last, and is a sentence or more");
    const during = agent.subarray(speech.beginMs * 16, speech.endMs * 16);
    t.true(level(during) < 200, "nobody speaks over the caller");
  },
);

test.serial("with all keys set a recording goes through Deepgram, Gemini and ElevenLabs", async (t) => {
  const said = "What is the weather like in Oslo?";
  await using deepgram = await startDeepgram({ delays: deepgramNone, script: { phrases: [said] } });
  await using gemini = await startGemini({ delays: geminiDelays.none });
  await using elevenlabs = await startElevenlabs({ script: { msPerCharacter: 30 } });
  const { cwd, out } = await recorded(t, testing.tone(400, 1_200, { sampleRate: 44_100 }));
  const env = { ...deepgram.environment, ...gemini.environment, ...elevenlabs.environment };
  const child = new Child(t, [bin, ...run], { cwd, env });
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.regex(child.stdout, /^agent: Hello! I stand in for Gemini/m);
  t.regex(child.stdout, /^caller: What is the weather like in Oslo\?$/m);
  t.regex(child.stdout, /^· get_weather \d+ ms$/m);
  t.regex(child.stdout, /^agent: In Oslo it is .*\.$/m);
  t.regex(child.stdout, /^The call has ended: finished\.$/m);

  t.true(deepgram.log.of("audio").some(({ speech }) => speech));
  const texts = elevenlabs.log
    .of("request")
    .flatMap(({ body }) => (body as { text?: string } | null)?.text ?? []);
  t.true(texts.some((text) => text.startsWith("In Oslo it is ")));
  await eventually(
    "no connection is open",
    () => elevenlabs.connections.open + deepgram.connections.length + gemini.openConnections === 0,
  );
  const { caller, agent } = sidesOf(out);
  const spokenAt = soundIn(caller);
  const speech = caller.subarray(spokenAt.beginMs * 16, spokenAt.endMs * 16);
  t.true(testing.shareOf(400, { samples: speech, sampleRate: 16_000 }) > 0.9);
  const answer = agent.subarray(spokenAt.endMs * 16);
  const { beginMs, endMs } = soundIn(answer);
  t.true(level(answer.subarray(beginMs * 16, endMs * 16)) > 1_000, "the answer is as loud as speech");
});

test.serial("files that cannot be used are told before anything starts", async (t) => {
  const cwd = temporaryFolder(t);
  const tone = testing.encodeWav(testing.tone(400, 100));
  mkdirSync(join(cwd, "folder.wav"));
  for (const [name, bytes] of [
    ["text.wav", "Hello, I am no sound at all."],
    ["silent.wav", testing.encodeWav({ samples: new Int16Array(), sampleRate: 16_000 })],
    ["tone.wav", tone],
  ] as const) {
    writeFileSync(join(cwd, name), bytes);
  }
  const wrong = [
    [["--wav", "none.wav"], "--wav: there is no none.wav"],
    [["--wav", "folder.wav"], "--wav: folder.wav is a folder"],
    [
      ["--wav", "text.wav"],
      "--wav: text.wav is no WAV file: it does not begin with RIFF and WAVE. To convert it: ffmpeg -i in.wav -c:a pcm_s16le out.wav",
    ],
    [["--wav", "silent.wav"], "--wav: silent.wav holds no sound"],
    [["--wav", "tone.wav", "--out", "there/out.wav"], `--out: there is no ${join(cwd, "there")}`],
    [
      ["--wav", "tone.wav", "--out", "./tone.wav"],
      "--out would overwrite the recording of --wav: name another file",
    ],
    [["--out", "out.wav"], "--out needs --wav: a recording that is the caller"],
    [["--wav", "tone.wav", "--speed", "0"], '--speed: must be at least 1, not "0"'],
  ] as const;
  const { ends } = await commandLines(
    t,
    wrong.map(([args]) => ["run", ...args]),
    { cwd },
  );
  t.deepEqual(
    ends,
    wrong.map(([, complaint]) => ({ code: 2, stdout: "", stderr: `greenroom: ${complaint}\n` })),
  );
  t.deepEqual(readFileSync(join(cwd, "tone.wav")), Buffer.from(tone));
});
