import { stripVTControlCharacters } from "node:util";
import test, { type ExecutionContext } from "ava";
import { AgentFile, throwsAtImport } from "../../fixtures/agent-file.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { bin, Child, noTerminal, program } from "../../fixtures/runner/child.ts";
import { script } from "../../fixtures/scripted-llm.ts";

test.serial("each line of a pipe is a turn; the end of the input ends the call", async (t) => {
  const child = new Child(t, [bin, "run"]);
  child.end("What is the weather in Paris and Rome?\n\nthanks\n");
  t.deepEqual(await child.exit, { code: 0, signal: null });
  const lines = child.stdout.trimEnd().split("\n");
  t.regex(lines.shift() ?? "", /^agent: Hello! /);
  t.regex(lines.shift() ?? "", /^· get_weather \d+ ms$/);
  t.regex(lines.shift() ?? "", /^· get_weather \d+ ms$/);
  t.regex(
    lines.shift() ?? "",
    /^agent: In Paris it is .*\(source: the built-in offline table\)\. In Rome it is /,
  );
  t.deepEqual(lines, ["agent: You are welcome!", "The call has ended: closed."]);
  t.regex(child.stderr, /^Agent: LLM local rules, .*\n$/);
});

test.serial("/metrics shows figures, /quit ends the call, whatever follows", async (t) => {
  const child = new Child(t, [bin, "run"]);
  child.end("thanks\n/metrics\n/what\n/quit\nthanks\n");
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /^ {2}llm_output_tokens__total +\d+$/m);
  t.regex(child.stdout, /^ {2}tts_latency_ms__avg +–$/m);
  t.regex(child.stdout, /^Type to talk/m);
  t.is(child.stdout.split("You are welcome!").length, 2);
});

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

test.serial("a turn that fails is told, and the conversation goes on", async (t) => {
  const child = program(t, ["run"], { launcher: { agent: agentUrl("scripted") } });
  child.end(`${script([{ fail: "the model is away" }])}\nhello\n`);
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /^· failed: the model is away$/m);
  t.regex(child.stdout, /^agent: You said hello$/m);
});

test.serial("control characters in what the agent says do not reach the terminal", async (t) => {
  const child = program(t, ["run"], { launcher: { agent: agentUrl("scripted") } });
  child.end(`${script([{ text: "\u001b[2Jgone \u0007\u009b1mloud" }])}\n`);
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /^agent: \[2Jgone 1mloud$/m);
});

test.serial("an agent that cannot be started: its own error, and exit code 1", async (t) => {
  const file = new AgentFile(t, throwsAtImport);
  const child = program(t, ["run"], { launcher: { agent: file.url } });
  t.deepEqual(await child.exit, { code: 1, signal: null });
  t.regex(child.stderr, /^greenroom: RangeError: no key was given \(at .*agent\.ts:1:7\)$/m);
  t.regex(child.stderr, /agent\.ts:1 {2}throw new RangeError/);
});

test.serial("SIGTERM ends the call in order, even while an answer is waited for", async (t) => {
  const child = program(t, ["run"], { launcher: { agent: agentUrl("scripted") } });
  child.write(`${script([{ text: "One moment" }, { wait: "abort" }])}\n`);
  await child.printed(/One moment/);
  child.kill("SIGTERM");
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.regex(child.stdout, /^The call has ended: closed\.$/m);
});

test.serial("in a terminal, words come above the prompt, and what is typed interrupts them", async (t) => {
  const child = inTerminal(t, "scripted", ["run"]);
  if (!child) return;
  await child.printed(/greenroom.*Type to talk/is);
  child.write(`${script([{ text: "One moment" }, { wait: "abort" }])}\r`);
  await child.printed(/One moment/);
  child.write("hello\r");
  await child.printed(/· interrupted/);
  await child.printed(/agent › .*You said hello/);
  child.write("\u0004");
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /The call has ended: closed\./);
});

test.serial("in a terminal, Ctrl-C ends the call; splash and hints can be left out", async (t) => {
  const child = inTerminal(t, "scripted", ["run", "--no-splash", "--no-demo"]);
  if (!child) return;
  child.write("hello\r");
  await child.printed(/You said hello/);
  child.write("\u0003");
  t.is((await child.exit).code, 0);
  t.notRegex(child.stdout, /Type to talk|Greenroom/);
});

for (const [how, typed] of [
  ["/quit", "/quit\r"],
  ["Ctrl-C", "\u0003"],
  ["Ctrl-D", "\u0004"],
] as const) {
  test.serial(
    `in a terminal, hints are broken between words, and ${how} leaves no prompt behind`,
    async (t) => {
      const child = inTerminal(t, "misbehaving", ["run", "--no-splash"]);
      if (!child) return;
      child.write("hello\r");
      await child.printed(/Hello! I am/);
      child.write(typed);
      t.is((await child.exit).code, 0);
      // The last thing before it clears the row of the prompt.
      const end = child.stdout.slice(-200);
      t.true(end.includes("\r\u001b[J\u001b[2mThe call has ended: closed."), JSON.stringify(end));
      const [hint = ""] = /^.*Type to talk[\s\S]*?ends the call\./m.exec(child.stdout) ?? [];
      const rows = stripVTControlCharacters(hint).trim().split(/\r?\n/);
      t.is(rows.length, 2);
      for (const row of rows) t.true(row.length < 80, row);
    },
  );
}

/** A terminal around the program, by util-linux' `script`. */
function inTerminal(t: ExecutionContext, agent: string, args: readonly string[]): Child | null {
  if (noTerminal(t)) return null;
  return program(t, args, { launcher: { agent: agentUrl(agent) }, terminal: true });
}
