import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import test from "ava";
import { Piscina } from "piscina";
import type { PlainError } from "../../src/shared/errors.ts";
import { type FailureStage, heartbeatBytes } from "../../src/shared/protocol.ts";
import { AgentFile, callsRunner } from "../fixtures/agent-file.ts";
import { agentUrl } from "../fixtures/agent-url.ts";
import { launch } from "../fixtures/launch.ts";
import { script } from "../fixtures/scripted-llm.ts";
import { AgentThread } from "../fixtures/thread/agent-thread.ts";

const defaultAgent = new URL("../../workers/default-agent.ts", import.meta.url).href;
const course = agentUrl("course");

test("a session goes from warm to ended, and the built-in agent answers in between", async (t) => {
  const thread = new AgentThread(t, defaultAgent);
  const { threadId } = await thread.next("started");
  const { importMs } = await thread.next("warm");
  t.true(threadId > 0 && importMs > 0);
  await thread.join();
  thread.type("What is the weather in Paris and Rome?", "m1");
  const { turnId } = await thread.event("transcript", (event) => event.messageId === "m1");
  const turn = await thread.event("turn", (event) => event.turnId === turnId);
  t.is(turn.outcome, "done");
  t.is(turn.toolCalls, 2);
  thread.close();
  await thread.next("ended");
  t.deepEqual(thread.course, ["warm", "entered", "created", "joined", "ended"]);
});

test("a rehearsal makes the agent, tells what it is made of, and closes it", async (t) => {
  const thread = new AgentThread(t, course);
  thread.assign({ rehearsal: true });
  await thread.next("ended");
  t.deepEqual(thread.course, ["warm", "entered", "created", "rehearsed", "ended"]);
  const { report } = await thread.next("rehearsed");
  t.deepEqual(
    report.services.map(({ part, provider, problem }) => [part, provider, problem]),
    [
      ["llm", "local", null],
      ["edge", "local", null],
    ],
  );
});

test("joinCall may return without ever joining", async (t) => {
  const thread = new AgentThread(t, course);
  thread.assign({ config: { course: "never-joins" } });
  await thread.next("ended");
  t.deepEqual(thread.course, ["warm", "entered", "created", "ended"]);
});

test("an agent that leaves the call ends the session", async (t) => {
  const thread = new AgentThread(t, course);
  thread.assign({ config: { course: "leaves" } });
  await thread.next("ended");
  t.deepEqual(thread.course, ["warm", "entered", "created", "joined", "ended"]);
});

const failures: readonly { course: string; stage: FailureStage; error: Partial<PlainError> }[] = [
  {
    course: "create-throws",
    stage: "create",
    error: { name: "RangeError", message: "no agent today", code: "E_TODAY" },
  },
  {
    course: "create-returns-nothing",
    stage: "create",
    error: { name: "TypeError", message: "createAgent() must return an Agent" },
  },
  {
    course: "throws",
    stage: "join",
    error: { name: "TypeError", message: "it broke", code: "E_BROKEN" },
  },
  {
    course: "says-before-joining",
    stage: "join",
    error: { message: "The agent is not in a call: await agent.join(call) first" },
  },
  { course: "joins-twice", stage: "join", error: { message: "An agent joins one call, once" } },
];

for (const { course: name, stage, error } of failures) {
  test(`${name}: the session fails with the agent's own error`, async (t) => {
    const thread = new AgentThread(t, course);
    thread.assign({ config: { course: name } });
    const failed = await thread.next("failed");
    t.is(failed.stage, stage);
    t.like(failed.error, error);
    t.regex(failed.error.stack ?? "", /at /);
  });
}

for (const name of ["create-waits", "create-is-late", "create-throws-late"]) {
  test(`a close ends a session in createAgent: ${name}`, async (t) => {
    const thread = new AgentThread(t, course);
    thread.assign({ config: { course: name } });
    await thread.next("entered");
    thread.close();
    await thread.next("ended");
    t.deepEqual(thread.course, ["warm", "entered", "ended"]);
  });
}

test("a close ends a session whose joinCall throws the reason of the signal", async (t) => {
  const thread = await new AgentThread(t, course).join({ course: "waits" });
  thread.close();
  await thread.next("ended");
  t.is(thread.course.at(-1), "ended");
});

for (const name of ["close-hangs", "close-throws"]) {
  test(`an edge that does not close properly holds up no session: ${name}`, async (t) => {
    const thread = await new AgentThread(t, course).join({ course: name });
    thread.close();
    await thread.next("ended");
    t.is(thread.course.at(-1), "ended");
  });
}

test("nothing is said after the last word", async (t) => {
  const thread = await new AgentThread(t, course).join({ course: "talks-after-the-end" });
  await thread.event("turn");
  thread.close();
  await thread.next("ended");
  // The agent still runs: its heartbeat tells when it would have spoken again.
  const beats = new Int32Array(thread.heartbeat);
  const seen = Atomics.load(beats, 0);
  while (Atomics.load(beats, 0) < seen + 2) await new Promise((resolve) => setImmediate(resolve));
  t.is(thread.said.at(-1)?.type, "ended");
});

test("words and names without end cost the call nothing", async (t) => {
  const thread = new AgentThread(t, agentUrl("scripted"));
  await thread.join({ limits: { maxReplyLength: 4_000_000 } });
  thread.type(script([{ text: "x".repeat(1_100_000) }]), "m".repeat(5_000));
  const asked = await thread.event("transcript", ({ role }) => role === "user");
  t.is(asked.messageId?.length, 4_096);
  const { text } = await thread.event("transcript", ({ role, final }) => role === "agent" && final);
  t.is(text?.length, 2 ** 20);
  t.like(await thread.event("turn"), { outcome: "done" });
});

test("the heart of a warm thread beats", async (t) => {
  const thread = new AgentThread(t, course);
  await thread.next("warm");
  const beats = new Int32Array(thread.heartbeat);
  while (Atomics.load(beats, 0) < 2) await new Promise((resolve) => setImmediate(resolve));
  t.pass();
});

test("a thread that is given a second run exits", async (t) => {
  const filename = new URL("../../workers/entry.cts", import.meta.url).href;
  const pool = new Piscina({
    filename,
    minThreads: 0,
    maxThreads: 1,
    concurrentTasksPerWorker: 2,
    atomics: "disabled",
  });
  t.teardown(() => pool.destroy());
  const run = () => {
    const { port1, port2 } = new MessageChannel();
    t.teardown(() => port1.close());
    const boot = {
      port: port2,
      heartbeat: new SharedArrayBuffer(heartbeatBytes),
      agentUrl: course,
      log: { level: "silent", fd: 2 },
    };
    return pool.run(boot, { transferList: [port2] });
  };
  const first = t.throwsAsync(run(), { message: /exited with code: 70/ });
  await t.throwsAsync(run(), { message: /exited with code: 70/ });
  await first;
});

for (const method of ["cli", "serve", "run"] as const)
  test(`a module that calls ${method} of a Runner in its thread: the missing condition is named`, async (t) => {
    const thread = new AgentThread(t, new AgentFile(t, callsRunner(method)).url);
    const { stage, error } = await thread.next("failed");
    t.is(stage, "import");
    t.true(error.message.endsWith(`if (import.meta.main) await ….${method}()`), error.message);
  });

test("an agent that cannot be imported says why", async (t) => {
  const thread = new AgentThread(t, agentUrl("imports/throws-at-import"));
  const { stage, error } = await thread.next("failed");
  t.is(stage, "import");
  t.like(error, { message: "no luck with this module", code: "E_LUCK" });
});

for (const name of ["imports/no-default", "imports/plain-default"]) {
  test(`a module that is no agent says so: ${name}`, async (t) => {
    const url = agentUrl(name);
    const { stage, error } = await new AgentThread(t, url).next("failed");
    t.is(stage, "import");
    t.is(error.message, `${url} has no default export made by defineAgent()`);
  });
}

test("a syntax error in the agent is told", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, "agent.mjs");
  await writeFile(file, "export default {;");
  const { stage, error } = await new AgentThread(t, pathToFileURL(file).href).next("failed");
  t.is(stage, "import");
  t.is(error.name, "SyntaxError");
});

test("what acts on the whole process is taken from a session thread, and its own is left to it", async (t) => {
  const { title } = process;
  const thread = new Worker(new URL("../fixtures/thread/isolated-thread.ts", import.meta.url));
  const [codes] = (await once(thread, "message")) as [Record<string, string | null>];
  await thread.terminate();
  // Refused by Node itself.
  const ofNode = ["process.abort", "process.chdir", "process.umask", "process.setuid", "crypto.setFips"];
  for (const [name, code] of Object.entries(codes)) {
    if (ofNode.includes(name)) t.is(code, "ERR_WORKER_UNSUPPORTED_OPERATION", name);
    else if (name === "process.title") t.is(code, "TypeError");
    else t.is(code, "NOT_IN_A_SESSION", name);
  }
  t.true(Object.keys(codes).length > 20);
  t.is(process.title, title);
});

for (const [fault, says] of [
  ["kill-process", /process\.kill\(\) would act on the whole process/],
  ["debug-main-thread", /inspector\.Session\.connectToMainThread\(\) would act/],
  ["close-output", /Closing file descriptor 1, which this thread has not opened, would act/],
] as const) {
  test(`an agent that tries it fails alone: ${fault}`, async (t) => {
    const launcher = await launch(t, "faults/misbehaving");
    const session = await launcher.startSession({ callId: "c", config: { fault } });
    await session.ended;
    t.is(session.endReason, "failed");
    t.is(session.error?.code, "NOT_IN_A_SESSION");
    t.regex(session.error?.message ?? "", says);
  });
}
