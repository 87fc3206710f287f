import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import test, { type ExecutionContext } from "ava";
import { harmless } from "../../../src/runner/terminal/paint.ts";
import { textWidth, wrap } from "../../../src/runner/terminal/text-width.ts";
import { AgentFile, callsRunner, throwsAtImport } from "../../fixtures/agent-file.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { bin, Child, noTerminal, program } from "../../fixtures/runner/child.ts";
import { script } from "../../fixtures/scripted-llm.ts";
import { inLongForm } from "../../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

test.serial("each line of a pipe is a turn; the end of the input ends the call", async (t) => {
  const child = new Child(t, [bin, "run"]);
  child.end("What is the weather in Paris and Rome?\n\nthanks\n");
  t.deepEqual(await child.exit, { code: 0, signal: null });
  const lines = child.stdout.trimEnd().split("\n");
  t.regex(lines.shift() ?? "", /^agent: Hello, /);
  t.regex(lines.shift() ?? "", /^· get_weather \d+ ms$/);
  t.regex(lines.shift() ?? "", /^· get_weather \d+ ms$/);
  t.regex(
    lines.shift() ?? "",
    /^agent: In Paris it is .*\(source: the built-in offline table\)\. In Rome it is /,
  );
  t.deepEqual(lines, ["agent: You are welcome!", "The call has ended: closed."]);
  t.regex(child.stderr, /^Agent: LLM local rules, .*\n$/);
});

longForm("/metrics shows figures, /quit ends the call, whatever follows", async (t) => {
  const child = new Child(t, [bin, "run"]);
  child.end("thanks\n/metrics\n/what\n/quit\nthanks\n");
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /^ {2}llm_output_tokens__total +\d+$/m);
  t.regex(child.stdout, /^ {2}tts_latency_ms__avg +–$/m);
  t.regex(child.stdout, /^Type to talk/m);
  t.is(child.stdout.split("You are welcome!").length, 2);
});

test.serial("a turn that fails is told, and the conversation goes on", async (t) => {
  const child = program(t, ["run"], { launcher: { agent: agentUrl("scripted") } });
  child.end(`${script([{ fail: "the model is away" }])}\nhello\n`);
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /^· failed: the model is away$/m);
  t.regex(child.stdout, /^agent: You said hello$/m);
});

longForm("control characters in what the agent says do not reach the terminal", async (t) => {
  const child = program(t, ["run"], { launcher: { agent: agentUrl("scripted") } });
  child.end(`${script([{ text: "\u001b[2Jgone \u0007\u009b1mloud" }])}\n`);
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /^agent: \[2Jgone 1mloud$/m);
});

test.serial("an agent whose last line runs in each thread: the missing condition is named", async (t) => {
  const { url } = new AgentFile(t, callsRunner("cli"));
  const child = new Child(t, [fileURLToPath(url), "run"]);
  t.deepEqual(await child.exit, { code: 1, signal: null });
  t.regex(
    child.stderr,
    /^greenroom: \.cli\(\) ran in a session's thread, which .*: if \(import\.meta\.main\) await ….cli\(\) \(at .*agent\.ts:4:\d+\)$/m,
  );
  t.notRegex(child.stderr, /Usage/);
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

test.serial(
  "in a terminal, words come above the prompt, what is typed interrupts them, and Ctrl-D ends the call",
  async (t) => {
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
    leavesNoPrompt(t, child);
  },
);

longForm("in a terminal, hints are broken between words, and /quit leaves no prompt behind", async (t) => {
  const child = inTerminal(t, "faults/misbehaving", ["run", "--no-splash"]);
  if (!child) return;
  child.write("hello\r");
  await child.printed(/Hello. I am an agent of Greenroom/);
  child.write("/quit\r");
  t.is((await child.exit).code, 0);
  leavesNoPrompt(t, child);
  const [hint = ""] = /^.*Type to talk[\s\S]*?ends the call\./m.exec(child.stdout) ?? [];
  const rows = stripVTControlCharacters(hint).trim().split(/\r?\n/);
  t.is(rows.length, 2);
  for (const row of rows) t.true(row.length < 80, row);
});

longForm("the call is of the type and the id that were asked for", async (t) => {
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

longForm("in a terminal, Ctrl-C ends the call; splash and hints can be left out", async (t) => {
  const child = inTerminal(t, "scripted", ["run", "--no-splash", "--no-demo"]);
  if (!child) return;
  child.write("hello\r");
  await child.printed(/You said hello/);
  child.write("\u0003");
  t.is((await child.exit).code, 0);
  leavesNoPrompt(t, child);
  t.notRegex(child.stdout, /Type to talk|Greenroom/);
});

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

test("rows are broken between words, and hold what fits", (t) => {
  t.deepEqual(wrap("one two three", 7), ["one two", "three"]);
  t.deepEqual(wrap("one two ", 7), ["one two "]);
  t.deepEqual(wrap("a\n\nb", 7), ["a", "", "b"]);
  t.deepEqual(wrap("", 7), [""]);
});

test("a word that is longer than a row is broken inside", (t) => {
  t.deepEqual(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
  t.deepEqual(wrap("x abcdefghij y", 4), ["x", "abcd", "efgh", "ij y"]);
});

test("signs that take two columns count as two, and are never cut", (t) => {
  t.is(textWidth("漢字"), 4);
  t.is(textWidth("👩‍👩‍👧 é"), 4);
  t.deepEqual(wrap("漢字漢字", 5), ["漢字", "漢字"]);
});

test("words that come in pieces make the same rows as words that come at once", (t) => {
  const text = "In Paris it is 15 °C, partly cloudy, and in Rome it is 20 °C and sunny.";
  let row = "";
  const rows: string[] = [];
  for (const piece of text.match(/.{1,3}/gs) ?? []) {
    const wrapped = wrap(row + piece, 20);
    row = wrapped.pop() ?? "";
    rows.push(...wrapped);
  }
  t.deepEqual([...rows, row], wrap(text, 20));
});

test("colours take no room and are never cut", (t) => {
  const [on, off] = ["\u001b[31m", "\u001b[39m"];
  t.is(textWidth(`${on}red${off}`), 3);
  t.deepEqual(wrap(`${on}one two three${off}`, 7), [`${on}one two`, `three${off}`]);
  t.deepEqual(wrap(`${on}abcd${off}ef`, 4), [`${on}abcd${off}`, "ef"]);
});

test("only lines and tabs are left of what controls a terminal", (t) => {
  t.is(harmless("a\u001b[31mb\u0007\r\n\tc\u009b2J\u007f"), "a[31mb\n\tc2J");
});
