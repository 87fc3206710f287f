import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { PcmFrame } from "greenroom";
import * as testing from "greenroom/testing";
import { startDeepgram } from "../../emulators/deepgram.ts";
import { startElevenlabs } from "../../emulators/elevenlabs.ts";
import { bin, Child, temporaryFolder } from "../../fixtures/runner/child.ts";
import { inLongForm } from "../../fixtures/trials.ts";
import { spoken } from "../../fixtures/voice/spoken.ts";

const longForm = inLongForm(test.serial);

const example = join(import.meta.dirname, "../../../examples/voice-agent.ts");

/** The program, with this recording as the caller. */
async function called(t: ExecutionContext, sound: PcmFrame, env: Record<string, string> = {}, speed = "4") {
  const cwd = temporaryFolder(t);
  await testing.writeWav(join(cwd, "in.wav"), sound);
  return new Child(t, [bin, "run", "--wav", "in.wav", "--speed", speed], { cwd, env });
}

test.serial("a missing key is one sentence; with --debug there is the log", async (t) => {
  const child = new Child(t, [example, "run"]);
  child.end();
  t.is((await child.exit).code, 1);
  t.regex(child.stderr, /^greenroom: [^\n]*GOOGLE_API_KEY[^\n]*\n$/);
  t.notRegex(child.stderr, /TypeError/);

  const debugged = new Child(t, [example, "run", "--debug"]);
  debugged.end();
  t.is((await debugged.exit).code, 1);
  t.regex(debugged.stderr, /^\{.*"event":"agent_warm_up_failed".*\}$/m);
});

test.serial("a voice that fails: short lines on the terminal, and no success", async (t) => {
  await using elevenlabs = await startElevenlabs({ account: { apiKey: "the-right-one" } });
  const child = await called(t, await spoken("Good morning to you."), {
    ...elevenlabs.environment,
    ELEVENLABS_API_KEY: "a-wrong-key",
  });
  t.is((await child.exit).code, 1);
  t.regex(child.stderr, /^TTS elevenlabs does not work: ElevenLabs answered 401/m);
  t.regex(
    child.stderr,
    /^warn: A connection could not be opened ahead \(elevenlabs\): ElevenLabs answered 401/m,
  );
  t.notRegex(child.stderr, /[{]"level"|\n\s+at |: turn/);
  t.regex(child.stdout, /^· failed.*: ElevenLabs answered 401/m);
  t.regex(child.stdout, /^· no turn was answered\nThe call has ended: finished\.$/m);
});

longForm("a limit for a provider that the agent does not have is told, by run and by serve", async (t) => {
  const told = /^The limit for locl has no effect: .*: did you mean local\?$/m;
  const limit = ["--provider-concurrency", "locl:20,local:2"];
  const child = new Child(t, [bin, "run", ...limit]);
  child.end();
  t.is((await child.exit).code, 0);
  t.regex(child.stderr, told);
  t.notRegex(child.stderr, /The limit for local /);

  const server = new Child(t, [bin, "serve", "--port", "0", ...limit]);
  const { level } = await server.logged(told);
  t.is(level, 40);
});

longForm("the log names the error of a service that does not work", async (t) => {
  await using deepgram = await startDeepgram({ apiKey: "the-right-one" });
  const env = { ...deepgram.environment, DEEPGRAM_API_KEY: "a-wrong-key" };
  const server = new Child(t, [bin, "serve", "--port", "0"], { env });
  const { err } = await server.logged(/^STT deepgram does not work/);
  const { type, stack } = err as { readonly type: string; readonly stack: string };
  t.regex(type, /Error$/);
  t.not(stack, "");
});
