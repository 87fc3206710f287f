import test from "ava";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { launch } from "../../fixtures/launch.ts";

/** Returns what the process holds, by kind, and how many listeners there are on it. */
function holdings(): Record<string, number> {
  const held: Record<string, number> = { listeners: 0 };
  for (const kind of process.getActiveResourcesInfo()) held[kind] = (held[kind] ?? 0) + 1;
  for (const event of process.eventNames()) held.listeners! += process.listenerCount(event);
  // Sampling timers come and go.
  delete held.Timeout;
  delete held.Immediate;
  return held;
}

const cycles = 1_000;

test(`${cycles} starts and closes leave no handle, port or listener behind`, async (t) => {
  t.timeout(300_000);
  const launcher = await launch(t, "faults/misbehaving", {
    warmSessions: 4,
    maxConcurrentSessions: 8,
    threadWaitTimeoutMs: 60_000,
  });
  let left = cycles;
  const cycle = async () => {
    while (left > 0) {
      left -= 1;
      const session = await launcher.startSession({ callId: `call-${left}` });
      await launcher.closeSession(session.id, { wait: true });
    }
  };
  const settled = async () => {
    await (await supervisorOf(launcher)).reserveWhole();
    return holdings();
  };
  const before = await settled();
  await Promise.all([cycle(), cycle(), cycle(), cycle()]);
  const after = await settled();
  t.deepEqual(after, before);
  t.is(launcher.listSessions().length, 0);
});
