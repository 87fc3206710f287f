import type { Session } from "../../supervisor/session/session.ts";

const MiB = 2 ** 20;

/** Returns the metrics of a session as lines of a table. */
export function metricsTable(session: Session): string[] {
  const { resources } = session;
  const rows: [string, number | null][] = [
    ...Object.entries(session.metrics.snapshot()),
    ["cpu_ms", resources?.cpuMs ?? null],
    ["heap_mib", resources && resources.heapBytes / MiB],
    ["external_mib", resources && resources.externalBytes / MiB],
    ["event_loop_utilization", resources?.eventLoopUtilization ?? null],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${shown(value).padStart(9)}`);
}

const shown = (value: number | null): string => {
  if (value === null) return "–";
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
};
