import { once } from "node:events";
import { existsSync, readdirSync, watch, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import test from "ava";
import pino from "pino";
import { AgentFile } from "../../fixtures/agent-file.ts";
import { launch } from "../../fixtures/launch.ts";
import { reached } from "../../fixtures/session-watch.ts";

/** Each thread leaves a file with its number while it is warm, and stands still for ever once it is told to. */
const hangsWhenTold = `
  import { existsSync, rmSync, writeFileSync } from "node:fs";
  import { threadId } from "node:worker_threads";
  import agent from "../agents/faults/misbehaving.ts";
  const mark = new URL("warm-" + threadId, import.meta.url);
  const order = new URL("hang-" + threadId, import.meta.url);
  writeFileSync(mark, "");
  setInterval(() => {
    if (!existsSync(order)) return;
    rmSync(order);
    for (;;);
  }, 5);
  const { createAgent } = agent;
  export default { ...agent, createAgent(context) { rmSync(mark); return createAgent(context); } };
`;

test("a warm thread that stands still when it is given a call: the call gets another thread", async (t) => {
  const file = new AgentFile(t, hangsWhenTold);
  const lines = new PassThrough();
  const launcher = await launch(t, file.url, { logger: pino(lines), warmSessions: 2 });
  const folder = dirname(fileURLToPath(file.url));
  const warm = readdirSync(folder).flatMap((name) => /^warm-(\d+)$/.exec(name)?.[1] ?? []);
  t.is(warm.length, 2);

  // Slots are handed out in the order of their start.
  const first = Math.min(...warm.map(Number));
  const order = join(folder, `hang-${first}`);
  const watcher = watch(folder);
  t.teardown(() => watcher.close());
  writeFileSync(order, "");
  while (existsSync(order)) await once(watcher, "change");

  const session = await launcher.startSession({ callId: "x" });
  await reached(session, "live");
  t.regex(String(lines.read()), /"event":"thread_dead_on_arrival"/);
});
