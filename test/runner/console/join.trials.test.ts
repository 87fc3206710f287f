import { stripVTControlCharacters } from "node:util";
import test, { type ExecutionContext } from "ava";
import { AgentFile } from "../../fixtures/agent-file.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { bin, Child, noTerminal, program } from "../../fixtures/runner/child.ts";
import { inLongForm } from "../../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

const launcher = { agent: agentUrl("calls/open-call") };
const talkAddress = /http:\/\/127\.0\.0\.1:\d+\/talk#session=[\w-]+&token=[\w-]+/;
const address = /https:\/\/demo\.invalid\/join\/[\w-]+\?token=guest-[\w-]+-x{120}/;

test.serial("run --join prints the link, and stays in the call though nothing is typed", async (t) => {
  const child = program(t, ["run", "--join", "--call-id", "c7", "--log-level", "trace"], { launcher });
  child.end();
  await child.printed(/^Join the call.*\nhttps:\S+$/m);
  t.regex(child.stdout, /^https:\/\/demo\.invalid\/join\/c7\?token=/m);
  t.regex(child.stdout, address);
  child.kill("SIGTERM");
  t.deepEqual(await child.exit, { code: 0, signal: null });
  t.regex(child.stdout, /The call has ended: closed\./);
  t.regex(child.stderr, /A session started/);
  t.false(child.stderr.includes("demo.invalid"), "the link is not logged");
});

longForm("without a terminal there is no link unless it is asked for", async (t) => {
  const child = program(t, ["run"], { launcher });
  child.end("thanks\n");
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /You are welcome/);
  t.false(child.stdout.includes("demo.invalid"));
});

test.serial("an edge that makes no link: --join says so and fails", async (t) => {
  const child = program(t, ["run", "--join"], { launcher: { agent: agentUrl("course") } });
  t.is((await child.exit).code, 1);
  t.regex(child.stdout, /^· the agent's edge names no page where a person joins its calls$/m);
});

test.serial("an edge for browsers: the link leads to the call alone, and only with its token", async (t) => {
  const child = new Child(t, [bin, "run", "--join"]);
  await child.printed(talkAddress);
  const address = new URL(talkAddress.exec(child.stdout)?.[0] ?? "");
  const session = new URLSearchParams(address.hash.slice(1));
  const path = new URL(`/sessions/${session.get("session")}`, address);
  t.is((await fetch(address)).status, 200);
  t.is((await fetch(path)).status, 404, "without the token nobody sees it");
  const headers = {
    "Greenroom-Session-Token": session.get("token") ?? "",
    "Content-Type": "application/json",
  };
  t.is((await fetch(path, { headers })).status, 200);
  t.is(
    (await fetch(new URL("/sessions", address), { method: "POST", headers, body: '{"call_id":"c"}' })).status,
    403,
  );
  const body = JSON.stringify({ text: "thanks" });
  t.is((await fetch(`${path}/messages`, { method: "POST", headers, body })).status, 202);
  await child.printed(/^agent: You are welcome!$/m);
  child.kill("SIGTERM");
  t.deepEqual(await child.exit, { code: 0, signal: null });
});

longForm("in a terminal the link is a hint, in one piece", async (t) => {
  const child = inTerminal(t, ["run", "--no-splash"]);
  if (!child) return;
  await child.printed(address);
  child.write("/quit\r");
  t.is((await child.exit).code, 0);
  t.regex(stripVTControlCharacters(child.stdout), address);
});

longForm("in a terminal, --no-demo prints no link", async (t) => {
  const child = inTerminal(t, ["run", "--no-splash", "--no-demo"]);
  if (!child) return;
  child.write("thanks\r");
  await child.printed(/You are welcome/);
  child.write("/quit\r");
  t.is((await child.exit).code, 0);
  t.false(child.stdout.includes("demo.invalid"));
});

test.serial("in a terminal an agent that waits for somebody says so, and for how long", async (t) => {
  if (noTerminal(t)) return;
  const { url: agent } = new AgentFile(t, waitingAgent);
  const child = program(t, ["run", "--no-splash"], { launcher: { agent }, terminal: true });
  await child.printed(/Nobody is in the call yet: the agent waits up to 60 s/);
  child.write("hello\r");
  await child.printed(/Nice to see you/);
  child.write("/quit\r");
  t.is((await child.exit).code, 0);
});

longForm("what is typed is answered as ever, also with --join", async (t) => {
  const child = program(t, ["run", "--join"], { launcher });
  child.write("thanks\n");
  await child.printed(/^agent: You are welcome!$/m);
  child.kill("SIGTERM");
  t.is((await child.exit).code, 0);
});

longForm("in a terminal the built-in agent offers the talk page, unless --no-demo is given", async (t) => {
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

const waitingAgent = `
  import { Agent, defineAgent } from "greenroom";
  import * as local from "greenroom/local";
  import * as testing from "greenroom/testing";
  export default defineAgent({
    createAgent: () =>
      new Agent({
        edge: new testing.Edge(),
        agentUser: { id: "agent", name: "Agent" },
        instructions: "x",
        llm: new local.LLM(),
      }),
    async joinCall(agent, { callType, callId }) {
      const call = await agent.createCall(callType, callId);
      await using _ = await agent.join(call, { participantWaitTimeoutMs: 60_000 });
      await agent.say("Nice to see you");
      await agent.finish();
    },
  });
`;

function inTerminal(t: ExecutionContext, args: readonly string[]): Child | null {
  return noTerminal(t) ? null : program(t, args, { launcher, terminal: true });
}
