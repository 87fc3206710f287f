import { collectDefaultMetrics, Registry } from "prom-client";

let registry: Registry | undefined;

/**
 * What prom-client knows of the process itself: CPU, memory, file descriptors, garbage collection, event loop. Made once a
 * process and shared, because every call of collectDefaultMetrics leaves behind an observer and a timer that nothing stops.
 */
export function processMetrics(): Registry {
  if (registry === undefined) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
    for (const name of costly) registry.removeSingleMetric(name);
  }
  return registry;
}

/** They walk over every handle of the process, most of them twice: three quarters of a scrape's time with 3,000 open ports. */
const costly = [
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
  "nodejs_active_resources",
  "nodejs_active_resources_total",
] as const;
