import test from "ava";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { bin, Child, noTerminal, program } from "../../fixtures/runner/child.ts";

const launcher = { agent: agentUrl("calls/open-call") };
const talkAddress = /http:\/\/127\.0\.0\.1:\d+\/talk#session=[\w-]+&token=[\w-]+/;

test.serial("what is typed is answered as ever, also with --join", async (t) => {
  const child = program(t, ["run", "--join"], { launcher });
  child.write("thanks\n");
  await child.printed(/^agent: You are welcome!$/m);
  child.kill("SIGTERM");
  t.is((await child.exit).code, 0);
});

test.serial("in a terminal the built-in agent offers the talk page, unless --no-demo is given", async (t) => {
  if (noTerminal(t)) return;
  const offers = new Child(t, [bin, "run", "--no-splash"], { terminal: true });
  await offers.printed(talkAddress);
  offers.write("/quit\r");
  t.is((await offers.exit).code, 0);
  const silent = new Child(t, [bin, "run", "--no-splash", "--no-demo"], { terminal: true });
  silent.write("thanks\r");
  await silent.printed(/You are welcome/);
  silent.write("/quit\r");
  t.is((await silent.exit).code, 0);
  t.notRegex(silent.stdout, /\/talk#/);
});
