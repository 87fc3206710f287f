import test, { type ExecutionContext } from "ava";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { bin, Child, noTerminal, program } from "../../fixtures/runner/child.ts";

/** The row of the last prompt is cleared before the last words. */
function leavesNoPrompt(t: ExecutionContext, { stdout }: Child): void {
  const end = stdout.slice(stdout.lastIndexOf("›"));
  const [cleared, last] = [end.indexOf("\r\u001b[J"), end.indexOf("\u001b[2mThe call has ended: closed.")];
  t.true(cleared >= 0 && last > cleared, JSON.stringify(end));
}

/** A terminal around the program, by util-linux' `script`. */
function inTerminal(t: ExecutionContext, agent: string, args: readonly string[]): Child | null {
  if (noTerminal(t)) return null;
  return program(t, args, { launcher: { agent: agentUrl(agent) }, terminal: true });
}

test.serial("the call is of the type and the id that were asked for", async (t) => {
  const child = new Child(t, [
    bin,
    "run",
    "--call-type",
    "support",
    "--call-id",
    "42",
    "--log-level",
    "info",
  ]);
  child.end();
  t.is((await child.exit).code, 0);
  t.regex(child.stderr, /"call_type":"support","call_id":"42"/);
  t.false(child.stdout.includes("call_id"));
});

test.serial("in a terminal, Ctrl-C ends the call; splash and hints can be left out", async (t) => {
  const child = inTerminal(t, "scripted", ["run", "--no-splash", "--no-demo"]);
  if (!child) return;
  child.write("hello\r");
  await child.printed(/You said hello/);
  child.write("\u0003");
  t.is((await child.exit).code, 0);
  leavesNoPrompt(t, child);
  t.notRegex(child.stdout, /Type to talk|Greenroom/);
});
