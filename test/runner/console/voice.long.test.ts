import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { PcmFrame } from "greenroom";
import * as testing from "greenroom/testing";
import { concatenate } from "../../../src/audio/pcm.ts";
import { startDeepgram } from "../../emulators/deepgram.ts";
import { AgentFile } from "../../fixtures/agent-file.ts";
import { bin, Child, program, temporaryFolder } from "../../fixtures/runner/child.ts";
import { spoken } from "../../fixtures/voice/spoken.ts";

/** The program, with this recording as the caller. */
async function called(t: ExecutionContext, sound: PcmFrame, env: Record<string, string> = {}, speed = "4") {
  const cwd = temporaryFolder(t);
  await testing.writeWav(join(cwd, "in.wav"), sound);
  return new Child(t, [bin, "run", "--wav", "in.wav", "--speed", speed], { cwd, env });
}

const twoSounds = (pauseMs: number): PcmFrame => ({
  sampleRate: 16_000,
  samples: concatenate([
    testing.tone(400, 600).samples,
    testing.silence(pauseMs, 16_000).samples,
    testing.tone(400, 600).samples,
  ]),
});

/** An agent that hears and says what a test wants. `parts`: source of the voice and the ears. */
const scripted = (t: ExecutionContext, parts: string) =>
  new AgentFile(
    t,
    `import { Agent, defineAgent, fallback } from "greenroom";
     import * as local from "greenroom/local";
     import * as testing from "greenroom/testing";
     export default defineAgent({
       createAgent: () =>
         new Agent({ edge: new testing.Edge(), agentUser: { id: "a", name: "A" }, instructions: "Answer.", ${parts} }),
       async joinCall(agent, { callType, callId }) {
         await using _ = await agent.join(await agent.createCall(callType, callId));
         await agent.finish();
       },
     });`,
  ).url;

test.serial("a recogniser that fails is told in the conversation, and is no success", async (t) => {
  await using deepgram = await startDeepgram({ apiKey: "the-right-one" });
  const child = await called(t, await spoken("Good morning to you."), {
    ...deepgram.environment,
    DEEPGRAM_API_KEY: "a-wrong-key",
  });
  t.is((await child.exit).code, 1);
  t.regex(child.stderr, /^STT deepgram does not work: Deepgram refused with 401/m);
  t.regex(child.stdout, /^· caller is not heard: Deepgram refused with 401/m);
  t.regex(child.stdout, /^· nothing of the recording was heard: its peak is −\d+ dBFS$/m);
});

test.serial("a recording that is too quiet to be heard is told, with how quiet it is", async (t) => {
  const { samples, sampleRate } = await spoken("Good morning to you.");
  const quiet = await called(t, { samples: samples.map((sample) => sample / 200), sampleRate });
  t.is((await quiet.exit).code, 1);
  t.regex(quiet.stdout, /^· nothing of the recording was heard: its peak is −[3-9]\d dBFS$/m);

  const silent = await called(t, testing.silence(500, 16_000));
  t.is((await silent.exit).code, 1);
  t.regex(silent.stdout, /^· nothing of the recording was heard: it is silent$/m);
});

test.serial("where the agent is interrupted, the terminal says how far it was heard", async (t) => {
  const cwd = temporaryFolder(t);
  await testing.writeWav(join(cwd, "in.wav"), twoSounds(3_000));
  const story = `${"A story without an end, ".repeat(20)}is this.`;
  const agent = scripted(
    t,
    `llm: new testing.LLM({ replies: [${JSON.stringify(story)}] }),
     stt: new testing.STT({ transcripts: ["Tell me a story", "Stop it please"] }),
     tts: new testing.TTS({ characterMs: 50 }),`,
  );
  const child = program(t, ["run", "--wav", "in.wav"], { cwd, launcher: { agent } });
  t.is((await child.exit).code, 0);
  const [, heard = "nothing"] = /^· interrupted after “…?([^”]+)”$/m.exec(child.stdout) ?? [];
  t.true(heard.length < story.length && story.includes(heard), heard);
  t.regex(child.stdout, /^agent: You said: Stop it please$/m);
});

test.serial("a voice that cannot keep up with --speed is told", async (t) => {
  const cwd = temporaryFolder(t);
  await testing.writeWav(join(cwd, "in.wav"), testing.tone(400, 600));
  const agent = scripted(
    t,
    `llm: new testing.LLM(), stt: new testing.STT({ transcripts: ["One two three four five six"] }),
     tts: new testing.TTS({ chunkMs: 100 }),`,
  );
  const hurried = program(t, ["run", "--wav", "in.wav", "--speed", "20"], { cwd, launcher: { agent } });
  t.is((await hurried.exit).code, 0);
  t.regex(
    hurried.stderr,
    /^What the agent said has holes of \d+\.\d s: it cannot keep up with --speed 20 here\.$/m,
  );
});

test.serial("who stands by in a fallback may be limited too", async (t) => {
  const agent = scripted(
    t,
    `llm: new testing.LLM(),
     tts: fallback([new testing.TTS(), fallback([new local.TTS(), new testing.TTS()])]),`,
  );
  const args = ["run", "--provider-concurrency", "local:2,testing:2"];
  const child = program(t, args, { launcher: { agent } });
  child.end();
  t.is((await child.exit).code, 0);
  t.notRegex(child.stderr, /has no effect/);
});
