import { setTimeout as delay } from "node:timers/promises";
import type { Supervisor } from "../supervisor/supervisor.ts";
import type { Announcer } from "./announcer.ts";

const lookIntervalMs = 200;
const reportIntervalMs = 1_000;

/** Tells how many threads are warm while that changes, at most once a second. Call what it returns to end it. */
export function reportProgress(supervisor: Supervisor, announcer: Announcer): () => void {
  const target = supervisor.options.warmSessions;
  let reported = -1;
  const report = () => {
    const { warm } = supervisor.slots();
    if (warm === reported) return;
    reported = warm;
    announcer.say("info", `Warming up: ${warm} of ${target} threads`, { warm, target });
  };
  report();
  const timer = setInterval(report, reportIntervalMs).unref();
  return () => clearInterval(timer);
}

/** Resolves true once the supervisor serves, false once it never will. */
export async function untilServing(supervisor: Supervisor): Promise<boolean> {
  while (supervisor.state === "warming") await delay(lookIntervalMs);
  return supervisor.state === "serving" || supervisor.state === "announced";
}
