import { readFileSync } from "node:fs";
import { freemem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { childResult } from "./child.ts";
import type { SlotsResult } from "./children/slots.ts";
import type { Bench, Report } from "./figure.ts";
import { Server } from "./server.ts";
import { median, quantile } from "./statistics.ts";

/** Measures what many threads and many sessions do to the main loop. */
export default {
  about: "main loop delay while 100 slots start; GET /metrics with 1,000 registered sessions",
  async run(report) {
    await slots(report);
    await scrapes(report);
  },
} satisfies Bench;

async function slots(report: Report): Promise<void> {
  const runs: SlotsResult[] = [];
  for (let run = 0; run < 3; run += 1) runs.push(await childResult("slots", { slots: 100 }));
  const maximum = runs.map((run) => Math.max(run.delayMaxMs, run.timerLateMaxMs));
  report({
    figure: "start_100_slots_main_loop_delay_max",
    value: median(maximum),
    unit: "ms",
    target: { atMost: 30 },
    note: `median of ${runs.length} processes, worst ${Math.round(Math.max(...maximum))}`,
  });
  report({
    figure: "start_100_slots_main_loop_delay_p99",
    value: median(runs.map((run) => run.delayP99Ms)),
    unit: "ms",
  });
  report({ figure: "start_100_slots", value: median(runs.map((run) => run.tookMs)), unit: "ms" });
}

/** Measured: an idle thread of a small agent takes about 12 MiB, and its session some more. */
const bytesPerSession = 16 * 2 ** 20;
const warmUpScrapes = 20;

/** Memory maps of a thread, rounded up: Linux gives a process 65,530 by default, and V8 aborts where there are no more. */
const mapsPerSession = 100;

const mostMaps = (): number => Number(readFileSync("/proc/sys/vm/max_map_count", "utf8"));

/** A thousand real sessions, each in a thread of its own: fewer where the machine has no memory, or no maps, for them. */
async function scrapes(report: Report): Promise<void> {
  const byMemory = Math.floor((freemem() * 0.75) / bytesPerSession);
  const count = Math.min(1_000, byMemory, Math.floor(mostMaps() / mapsPerSession));
  const agent = fileURLToPath(new URL("./agents/quiet.ts", import.meta.url));
  await using server = await Server.start(
    agent,
    ...["--warm-sessions", "2", "--max-concurrent-sessions", String(count)],
    ...["--thread-wait-timeout-ms", "60000", "--http-log-level", "warn"],
  );
  let next = 0;
  const caller = async () => {
    while (next < count) await server.client.start(`scale-${next++}`);
  };
  await Promise.all(Array.from({ length: 4 }, caller));

  // A thousand threads that just started are still busy with themselves.
  await sleep(3_000);
  const tookMs: number[] = [];
  let size = 0;
  for (let scrape = 0; scrape < warmUpScrapes + 200; scrape += 1) {
    const answer = await server.client.send("GET", "/metrics");
    if (scrape >= warmUpScrapes) tookMs.push(answer.tookMs);
    size = answer.body.length;
    await sleep(50);
  }
  const live = /^greenroom_sessions\{state="live"\} (\d+)$/m.exec(await server.exposition())?.[1];
  if (Number(live) !== count) throw new Error(`${live} of ${count} sessions are live`);
  report({ figure: "registered_sessions", value: count, unit: "count", note: "real ones, a thread each" });
  report({
    figure: "metrics_scrape_p50",
    value: median(tookMs),
    unit: "ms",
    target: { atMost: 5 },
    note: `over HTTP, ${tookMs.length} scrapes`,
  });
  report({ figure: "metrics_scrape_p95", value: quantile(tookMs, 0.95), unit: "ms" });
  report({ figure: "metrics_exposition", value: size, unit: "bytes" });
}
