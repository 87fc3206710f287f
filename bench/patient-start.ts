import { setTimeout as sleep } from "node:timers/promises";
import type { AgentLauncher, Session, StartRequest } from "greenroom";

const patienceMs = 60_000;

/** Starts a session. A machine that is busy with other things may refuse starts for a while: then it is tried again. */
export async function patientStart(launcher: AgentLauncher, request: StartRequest): Promise<Session> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await launcher.startSession(request);
    } catch (error) {
      const refused = (error as { readonly code?: unknown }).code === "OVERLOADED";
      if (!refused || performance.now() > until) throw error;
      await sleep(500);
    }
  }
}
