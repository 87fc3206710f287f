// Measures the memory of the packed build, which it loads as an installed package would be, with its built-in agent.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type * as greenroom from "greenroom";
import type * as testing from "greenroom/testing";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { argumentOfChild, finishChild } from "../child.ts";

export interface MemoryTask {
  /** URL of the package's main module. */
  readonly main: string;
  /** URL of what it offers for tests: a call in memory. */
  readonly testing: string;
  /** URL of its built-in agent. */
  readonly agent: string;
  readonly warm: number;
  /** Sessions to start and end, four at a time. */
  readonly sessions: number;
  /** True where all garbage is collected before each reading, so that only memory which is held can grow. */
  readonly collect: boolean;
  /** True where every warm thread takes a call, in which each side speaks. */
  readonly calls: boolean;
  /** Threads to start, one after another. */
  readonly starts: number;
}

export interface MemoryResult {
  /** The memory once all threads were warm, and after each session. */
  readonly rssBytes: readonly number[];
  /** The memory with a call under way in every thread, after its first turn; null where there was none. */
  readonly callBytes: number | null;
  /** The times from the start of a thread until it was warm. */
  readonly startMs: readonly number[];
}

const task = argumentOfChild<MemoryTask>();
const { AgentLauncher } = (await import(task.main)) as typeof greenroom;
const launcher = new AgentLauncher({
  maxResumes: 0,
  ignoreLoad: true,
  agent: task.agent,
  maxConcurrentSessions: task.warm + (task.calls ? 0 : 4),
  warmSessions: task.warm,
  threadStartTimeoutMs: 60_000,
  threadWaitTimeoutMs: 60_000,
  agentIdleTimeoutMs: 0,
  logLevel: "silent",
});
await launcher.start();
const supervisor = await supervisorOf(launcher);
await supervisor.reserveWhole();
// What the start left behind is collected when the process comes to rest.
await sleep(2_000);
const rssBytes = [process.memoryUsage.rss()];

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
let begun = 0;
const caller = async () => {
  while (begun < task.sessions) {
    begun += 1;
    const session = await launcher.startSession({ callId: `memory-${begun}` });
    await launcher.closeSession(session.id, { wait: true });
    if (task.collect) collect();
    rssBytes.push(process.memoryUsage.rss());
  }
};
await Promise.all(Array.from({ length: 4 }, caller));

let callBytes: number | null = null;
if (task.calls) {
  const { dial, tone } = (await import(task.testing)) as typeof testing;
  const lines: testing.DialedCall[] = [];
  for (let call = 0; call < task.warm; call += 1) {
    const session = await launcher.startSession({ callId: `memory-${call}`, inMemory: { speed: 4 } });
    const line = await dial(session.id);
    lines.push(line);
    await line.joined;
    await turnOf(session, 1);
    await line.addParticipant("caller").play(tone(400, 500));
    await turnOf(session, 2);
  }
  await sleep(2_000);
  callBytes = process.memoryUsage.rss();
  for (const line of lines) line.close();
}

const startMs: number[] = [];
const startsMs = async () =>
  Number(/^greenroom_slot_start_seconds_sum (\S+)$/m.exec(await supervisor.metrics.text())?.[1]) * 1_000;
for (let start = 0; start < task.starts; start += 1) {
  const before = await startsMs();
  const session = await launcher.startSession({ callId: `start-${start}` });
  await launcher.closeSession(session.id, { wait: true });
  await supervisor.reserveWhole();
  startMs.push((await startsMs()) - before);
}
finishChild({ rssBytes, callBytes, startMs } satisfies MemoryResult);

/** Resolves when so many turns of the session are over. */
function turnOf(session: greenroom.Session, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  const subscription = session.events.subscribe(0, ({ event }) => {
    if (event.type === "turn" && ++seen === count) resolve();
  });
  return promise.finally(() => subscription.unsubscribe());
}
