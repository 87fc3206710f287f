// Starts many slots in a fresh process, and tells how late the main loop was meanwhile.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { AgentLauncher } from "greenroom";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { argumentOfChild, finishChild } from "../child.ts";
import { settled } from "../slots.ts";

export interface SlotsResult {
  /** The longest delay as `perf_hooks` saw it, less its own resolution. */
  readonly delayMaxMs: number;
  readonly delayP99Ms: number;
  /** The longest delay as a plain timer saw it. */
  readonly timerLateMaxMs: number;
  readonly tookMs: number;
}

const resolutionMs = 1;
const { slots } = argumentOfChild<{ slots: number }>();
const launcher = new AgentLauncher({
  ignoreLoad: true,
  agent: new URL("../agents/quiet.ts", import.meta.url),
  maxConcurrentSessions: slots,
  warmSessions: slots,
  threadStartTimeoutMs: 60_000,
  logLevel: "silent",
});
// Loading the server's modules blocks the loop once, before anything is served.
const { metrics } = await supervisorOf(launcher);
await metrics.text();

const delay = monitorEventLoopDelay({ resolution: resolutionMs });
let timerLateMaxMs = 0;
let last = performance.now();
const timer = setInterval(() => {
  const at = performance.now();
  timerLateMaxMs = Math.max(timerLateMaxMs, at - last - resolutionMs);
  last = at;
}, resolutionMs);
delay.enable();
const begunAt = performance.now();
await launcher.start();
await settled(() => metrics.text(), slots);
const tookMs = performance.now() - begunAt;
delay.disable();
clearInterval(timer);

finishChild({
  delayMaxMs: Math.max(0, delay.max / 1e6 - resolutionMs),
  delayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - resolutionMs),
  timerLateMaxMs,
  tookMs,
} satisfies SlotsResult);
