import { existsSync } from "node:fs";
import test from "ava";
import * as testing from "greenroom/testing";
import { AgentFile } from "../../fixtures/agent-file.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { bin, Child, program } from "../../fixtures/runner/child.ts";
import { recorded, run, sidesOf, soundIn } from "../../fixtures/runner/recorded-conversation.ts";
import { spoken } from "../../fixtures/voice/spoken.ts";

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
  await child.printed(/^agent: Hello/m);
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
