import { type IncomingMessage, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundleConsole } from "../src/control-plane/documents/console.ts";
import type { Bench } from "./figure.ts";
import { Server } from "./server.ts";

/** The time over which the CPU time is taken, in milliseconds. */
const windowMs = 20_000;
const sessions = 150;

/** Measures what the operations page costs the server, with so many who watch it. */
export default {
  about: "the operations page: its size, and CPU of the server with 0, 1, 20 and 50 who watch 150 sessions",
  async run(report) {
    const { files } = await bundleConsole({ minify: true });
    const bytes = [...files.values()].reduce((sum, text) => sum + gzipSync(text).length, 0);
    report({ figure: "page_gzipped", value: bytes, unit: "bytes", note: "script and style" });

    const agent = fileURLToPath(new URL("./agents/quiet.ts", import.meta.url));
    await using server = await Server.start(
      agent,
      ...["--warm-sessions", "2", "--max-concurrent-sessions", String(sessions), "--http-log-level", "warn"],
    );
    for (let count = 0; count < sessions; count += 1) await server.client.start(`console-${count}`);
    await sleep(3_000);
    const idle = await cpuShare(server);
    report({ figure: "cpu_unwatched", value: idle, unit: "ratio", note: "of a core, 150 idle sessions" });
    const watchers: Watcher[] = [];
    for (const count of [1, 20, 50]) {
      while (watchers.length < count) watchers.push(watch(server));
      await sleep(3_000);
      const share = await cpuShare(server);
      report({
        figure: `cpu_of_${count}_watchers`,
        value: share - idle,
        unit: "ratio",
        note: "of a core, beyond that",
      });
    }
    const received = watchers.reduce((sum, { bytes: of }) => sum + of(), 0);
    report({ figure: "bytes_of_all_watchers", value: received, unit: "bytes" });
    for (const { close } of watchers) close();
  },
} satisfies Bench;

interface Watcher {
  bytes(): number;
  close(): void;
}

/** Does what a page does: follows the fleet, and asks for a page of sessions at each moment. */
function watch({ client }: Server): Watcher {
  let bytes = 0;
  let isAsking = false;
  const sent = request(`${client.url}/fleet/events`, (response: IncomingMessage) => {
    response.on("data", async (chunk: Buffer) => {
      bytes += chunk.length;
      if (isAsking) return;
      isAsking = true;
      const answer = await client.send("GET", "/sessions?config=false&limit=100").catch(() => null);
      bytes += answer?.body.length ?? 0;
      isAsking = false;
    });
    response.on("error", () => undefined);
  });
  sent.on("error", () => undefined).end();
  return { bytes: () => bytes, close: () => sent.destroy() };
}

/** Returns the share of a core that the server uses. */
async function cpuShare(server: Server): Promise<number> {
  const before = await cpuSeconds(server);
  const begunAt = performance.now();
  await sleep(windowMs);
  const used = (await cpuSeconds(server)) - before;
  return (used * 1_000) / (performance.now() - begunAt);
}

async function cpuSeconds(server: Server): Promise<number> {
  const text = await server.exposition();
  return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]);
}
