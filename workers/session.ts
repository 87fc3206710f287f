import { runSlot, type ThreadEquipment } from "../src/agent/thread/session-thread.ts";
import type { SlotBoot } from "../src/shared/protocol.ts";

let used = false;

/** The modules that a thread loads only when they are used. */
const equipment: ThreadEquipment = {
  stage: async (sessionId, call) => (await import("./in-memory-stage.ts")).inMemoryStage(sessionId, call),
};

/**
 * Runs one slot, as the one task of a pool thread. It never returns and never throws, since the pool would hand the
 * thread to another run; the supervisor ends it by aborting the run. It imports no agent code at load, so that it
 * cannot fail there.
 */
export default async function session(boot: SlotBoot): Promise<never> {
  // A thread serves one session, never a second one.
  if (used) process.exit(70);
  used = true;
  await runSlot(boot, equipment);
  return new Promise<never>(() => {});
}
