import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { PcmFrame } from "greenroom";
import * as testing from "greenroom/testing";
import { level } from "../../../src/audio/pcm.ts";
import { AgentFile } from "../../fixtures/agent-file.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { bin, Child, program, temporaryFolder } from "../../fixtures/runner/child.ts";
import { spoken } from "../../fixtures/voice/spoken.ts";

/** A folder with a recording in it. */
async function recorded(t: ExecutionContext, sound: PcmFrame): Promise<{ cwd: string; out: string }> {
  const cwd = temporaryFolder(t);
  await testing.writeWav(join(cwd, "in.wav"), sound);
  return { cwd, out: join(cwd, "out.wav") };
}

const run = ["run", "--wav", "in.wav", "--out", "out.wav"];

/** The two sides of a conversation that was written, at 16,000 Hz. */
function sidesOf(path: string): { caller: Int16Array; agent: Int16Array } {
  const file = readFileSync(path);
  const [channels, sampleRate] = [file.readUInt16LE(22), file.readUInt32LE(24)];
  if (channels !== 2 || sampleRate !== 16_000) throw new Error(`${channels} channels at ${sampleRate} Hz`);
  const both = new Int16Array(Uint8Array.from(file.subarray(44)).buffer);
  const side = (which: number) => both.filter((_, index) => index % 2 === which);
  return { caller: side(0), agent: side(1) };
}

/** Returns where sound begins and ends, in milliseconds. */
function soundIn(samples: Int16Array): { beginMs: number; endMs: number } {
  const loud = (at: number) => level(samples.subarray(at, at + 320)) > 200;
  const frames = Array.from({ length: Math.floor(samples.length / 320) }, (_, frame) => frame * 320);
  const found = frames.filter(loud);
  return { beginMs: (found[0] ?? Number.NaN) / 16, endMs: ((found.at(-1) ?? Number.NaN) + 320) / 16 };
}

test.serial("an agent that only types hears and speaks by the stand-ins", async (t) => {
  const { cwd, out } = await recorded(t, await spoken("Good evening to you all."));
  const child = program(t, [...run, "--speed", "10"], {
    cwd,
    launcher: { agent: agentUrl("scripted") },
  });
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /^agent: You said \(spoke for \d\.\d seconds; there is no speech recognition\)$/m);
  t.regex(
    child.stderr,
    /^It has no STT and no TTS of its own: in this call offline stand-ins take their place\.$/m,
  );
  t.true(soundIn(sidesOf(out).agent).endMs > 500);
});

test.serial("a call that is ended by Ctrl-C is written as far as it went", async (t) => {
  const { cwd, out } = await recorded(t, testing.tone(400, 1_000));
  const child = new Child(t, [bin, ...run], { cwd });
  await child.printed(/^agent: Hello!/m);
  child.kill("SIGINT");
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.regex(child.stdout, /^The call has ended: closed\.$/m);
  t.true(existsSync(out));
});

test.serial("an agent that throws: its error, what was said until then, and exit code 1", async (t) => {
  const { cwd, out } = await recorded(t, testing.tone(400, 1_000));
  const file = new AgentFile(
    t,
    `import { Agent, defineAgent } from "greenroom";
     import * as local from "greenroom/local";
     export default defineAgent({
       createAgent: () =>
         new Agent({ edge: new local.Edge(), agentUser: { id: "a", name: "A" }, instructions: "", llm: new local.LLM() }),
       async joinCall(agent, { callType, callId }) {
         await using _ = await agent.join(await agent.createCall(callType, callId));
         await agent.say("Hello.");
         throw new RangeError("that is all I can do");
       },
     });`,
  );
  const child = program(t, [...run, "--speed", "4"], { cwd, launcher: { agent: file.url } });
  t.is((await child.exit).code, 1);
  t.regex(child.stdout, /^agent: Hello\.$/m);
  t.regex(child.stdout, /^The call has ended: failed\.\nRangeError: that is all I can do$/m);
  t.true(soundIn(sidesOf(out).agent).endMs > 100);
});
