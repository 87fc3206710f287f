// Measures the memory of the packed build, which it loads as an installed package would be, with its built-in agent.
import { setTimeout as sleep } from "node:timers/promises";
import type * as greenroom from "greenroom";
import { argumentOfChild, finishChild } from "../child.ts";

export interface MemoryTask {
  /** URL of the package's main module. */
  readonly main: string;
  /** URL of its built-in agent. */
  readonly agent: string;
  readonly warm: number;
  /** Sessions to start and end, four at a time. */
  readonly sessions: number;
}

export interface MemoryResult {
  /** Once all threads were warm, and after each session. */
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
});
await launcher.start();
// What the start left behind is collected when the process comes to rest.
await sleep(2_000);
const rssBytes = [process.memoryUsage.rss()];
let begun = 0;
const caller = async () => {
  while (begun < task.sessions) {
    begun += 1;
    const session = await launcher.startSession({ callId: `memory-${begun}` });
    await launcher.closeSession(session.id, { wait: true });
    rssBytes.push(process.memoryUsage.rss());
  }
};
await Promise.all(Array.from({ length: 4 }, caller));
finishChild({ rssBytes } satisfies MemoryResult);
