import { statSync } from "node:fs";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

let registry: Registry | undefined;

/**
 * Returns prom-client's metrics of the process itself: CPU, memory, file descriptors, garbage collection, event loop.
 * They are made once a process and shared, because every call of collectDefaultMetrics leaves behind an observer and a
 * timer that nothing stops.
 */
export function processMetrics(): Registry {
  if (registry === undefined) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
    for (const name of costly) registry.removeSingleMetric(name);
    countDescriptorsCheaply(registry);
  }
  return registry;
}

/**
 * The metrics that walk over every handle of the process, most of them twice: three quarters of a scrape's time with
 * 3,000 open ports.
 */
const costly = [
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
  "nodejs_active_resources",
  "nodejs_active_resources_total",
] as const;

/**
 * Counts file descriptors without listing them. prom-client lists their directory: 11 ms of a blocked main loop with a
 * thousand threads, which hold six each. Linux tells their number as the directory's size since 6.2 (before that it is
 * 0).
 */
function countDescriptorsCheaply(to: Registry): void {
  const name = "process_open_fds";
  const count = () => statSync("/proc/self/fd", { throwIfNoEntry: false })?.size ?? 0;
  if (count() === 0) return;
  to.removeSingleMetric(name);
  new Gauge({
    name,
    help: "Number of open file descriptors.",
    registers: [to],
    collect() {
      this.set(count());
    },
  });
}
