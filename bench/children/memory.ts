// Measures the memory of the packed build, which it loads as an installed package would be, with its built-in agent.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type * as greenroom from "greenroom";
import { argumentOfChild, finishChild } from "../child.ts";
import { settled } from "../slots.ts";

export interface MemoryTask {
  /** URL of the package's main module. */
  readonly main: string;
  /** URL of its built-in agent. */
  readonly agent: string;
  /** Threads kept warm. */
  readonly warm: number;
  /** After how many sessions, started and ended four at a time, to measure. */
  readonly after: readonly number[];
  /** Collect all garbage before, as V8 does when memory is short: what is left is what is really held. */
  readonly collect: boolean;
}

export interface MemoryResult {
  /** Resident memory at rest: only the warm threads are there. One for each of `after`. */
  readonly rssBytes: readonly number[];
}

const task = argumentOfChild<MemoryTask>();
const { AgentLauncher } = (await import(task.main)) as typeof greenroom;
const launcher = new AgentLauncher({
  agent: task.agent,
  maxConcurrentSessions: task.warm + 4,
  warmSessions: task.warm,
  threadStartTimeoutMs: 60_000,
  logLevel: "silent",
  agentsLogLevel: "silent",
});
await launcher.start();
const { metrics } = await launcher.supervisor();
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as (options: object) => void;
const rssBytes: number[] = [];
let begun = 0;
for (const sessions of task.after) {
  const caller = async () => {
    while (begun < sessions) {
      begun += 1;
      const session = await launcher.startSession({ callId: `memory-${begun}` });
      await launcher.closeSession(session.id, { wait: true });
    }
  };
  await Promise.all(Array.from({ length: 4 }, caller));
  await settled(() => metrics.text(), task.warm);
  // What a thread's start and end leave behind is given back when the process comes to rest.
  await sleep(2_000);
  if (task.collect) {
    collectGarbage({ type: "major", flavor: "last-resort" });
    await sleep(500);
  }
  rssBytes.push(process.memoryUsage.rss());
}
finishChild({ rssBytes } satisfies MemoryResult);
