import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import test from "ava";
import pino from "pino";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { AgentFile, brokenAgents, throwsAtImport, workingAgent } from "../../fixtures/agent-file.ts";
import { launch, launcherOf } from "../../fixtures/launch.ts";
import { answer, reached } from "../../fixtures/session-watch.ts";
import { trials } from "../../fixtures/trials.ts";

/** Some of them, and all in the long form. */
const broken = trials(
  ["throws at import", "has no default export", "never finishes importing"],
  Object.keys(brokenAgents),
);

for (const title of broken) {
  const { source, says, options } = brokenAgents[title]!;
  test.serial(
    `an agent module that ${title}: the start says so, and the server heals once it is mended`,
    async (t) => {
      const file = new AgentFile(t, source);
      const launcher = launcherOf(t, file.url, options);
      await t.throwsAsync(launcher.start(), { message: says });
      const supervisor = await supervisorOf(launcher);
      t.false(supervisor.serving);
      t.is(supervisor.unreadiness()?.code, "AGENT_UNAVAILABLE");
      const refused = await t.throwsAsync(launcher.startSession({ callId: "x" }), {
        code: "AGENT_UNAVAILABLE",
        message: "The agent cannot be loaded at the moment: the log of the server has the error",
      });
      t.regex(String(refused?.cause), says);

      file.write(workingAgent);
      await supervisor.warmedUp;
      t.true(supervisor.serving);
      const session = await launcher.startSession({ callId: "x" });
      await reached(session, "live");
    },
  );
}

test.serial(
  "an agent module that breaks while a call runs: the call goes on, starts are refused, the reserve comes back",
  async (t) => {
    const file = new AgentFile(t, workingAgent);
    const launcher = await launch(t, file.url, { warmSessions: 1, maxConcurrentSessions: 3 });
    const supervisor = await supervisorOf(launcher);
    const running = await supervisor.startSession({ callId: "running" });
    await reached(running, "live");

    await supervisor.reserveWhole();

    file.write(throwsAtImport);
    // What is warm was imported before; the threads after it fail.
    const last = await launcher.startSession({ callId: "last" });
    await reached(last, "live");
    const refused = await t.throwsAsync(launcher.startSession({ callId: "refused" }), {
      code: "AGENT_UNAVAILABLE",
    });
    t.regex(String(refused?.cause), /no key was given/);
    t.is(supervisor.unreadiness()?.code, "AGENT_UNAVAILABLE");
    t.is(supervisor.listSessions().length, 2);
    t.regex(await answer((message) => supervisor.sendMessage(running, message), running, "hello"), /\S/);

    file.write(workingAgent);
    const healed = Promise.withResolvers<void>();
    const timer = setInterval(() => {
      if (supervisor.unreadiness() === null) healed.resolve();
    }, 20);
    await healed.promise;
    clearInterval(timer);
    const session = await launcher.startSession({ callId: "healed" });
    await reached(session, "live");
  },
);

test.serial(
  "createAgent that throws in the rehearsal: the start says so, and every start until it is mended",
  async (t) => {
    const file = new AgentFile(
      t,
      `import { defineAgent } from "greenroom";
     export default defineAgent({ async createAgent() { throw new Error("GOOGLE_API_KEY is not set"); }, async joinCall() {} });`,
    );
    const launcher = launcherOf(t, file.url);
    await t.throwsAsync(launcher.start(), { message: /GOOGLE_API_KEY is not set/ });
    const supervisor = await supervisorOf(launcher);
    t.is(supervisor.unreadiness()?.code, "AGENT_UNAVAILABLE");
    const refused = await t.throwsAsync(launcher.startSession({ callId: "x" }), {
      code: "AGENT_UNAVAILABLE",
    });
    t.regex(String(refused?.cause), /GOOGLE_API_KEY is not set/);

    file.write(workingAgent);
    await supervisor.warmedUp;
    t.is(supervisor.unreadiness(), null);
  },
);

test.serial("a module that dies right after its import does not become a storm of threads", async (t) => {
  const file = new AgentFile(t, `${workingAgent} setTimeout(() => { throw new Error("late death"); }, 1);`);
  const lines = new PassThrough();
  const launcher = launcherOf(t, file.url, { warmSessions: 2, logger: pino(lines) });
  void launcher.start().catch(() => undefined);
  // The server's own timers do not keep a process alive.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  const pausesMs: number[] = [];
  for await (const line of createInterface(lines)) {
    const { event, retry_in_ms } = JSON.parse(line) as { event: string; retry_in_ms: number };
    if (event === "thread_start_failed") pausesMs.push(retry_in_ms);
    if (pausesMs.length === 4) break;
  }
  // 250, 500, 1,000, 2,000 ms, each give or take a quarter.
  t.true(pausesMs[3]! >= 1_500, `paused ${pausesMs.join(", ")} ms`);
});
