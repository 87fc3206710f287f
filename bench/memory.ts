import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { childResult } from "./child.ts";
import type { MemoryResult, MemoryTask } from "./children/memory.ts";
import type { Bench, Report } from "./figure.ts";
import { median } from "./statistics.ts";

const root = new URL("../", import.meta.url);
/** As if installed: below node_modules, where it finds its dependencies. */
const packed = new URL("node_modules/.cache/greenroom-bench/", root);
const MiB = 2 ** 20;
const runs = 3;

/** What the packed build, with its built-in agent, takes: what runs in production. */
export default {
  about: "memory of a warm idle slot, and growth over 250 sessions, of the packed build",
  async run(report) {
    const pack = fileURLToPath(new URL("scripts/pack.ts", root));
    execFileSync(process.execPath, [pack, fileURLToPath(packed)], { stdio: ["ignore", "ignore", "inherit"] });
    await idleSlots(report);
    await growth(report);
  },
} satisfies Bench;

async function idleSlots(report: Report): Promise<void> {
  const few = 2;
  const many = 22;
  const slotBytes: number[] = [];
  const processBytes: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const [small = 0] = await measure({ warm: few, sessions: 0 });
    const [large = 0] = await measure({ warm: many, sessions: 0 });
    slotBytes.push((large - small) / (many - few));
    processBytes.push(small);
  }
  report({
    figure: "warm_idle_slot",
    value: median(slotBytes) / MiB,
    unit: "MiB",
    note: `resident memory with ${many} warm slots less that with ${few}, a slot; median of ${runs}`,
  });
  report({ figure: `server_with_${few}_warm_slots`, value: median(processBytes) / MiB, unit: "MiB" });
}

async function growth(report: Report): Promise<void> {
  const ratios: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const rssBytes = await measure({ warm: 2, sessions: 255 });
    ratios.push(around(rssBytes, 250) / around(rssBytes, 50) - 1);
  }
  report({
    figure: "growth_50th_to_250th_session",
    value: median(ratios),
    unit: "ratio",
    target: { atMost: 0.1 },
    note: `resident memory, four sessions at a time; median of ${runs}`,
  });
}

/** The median of the ten values around this one: a collection just before or after it must not decide. */
function around(values: readonly number[], index: number): number {
  return median(values.slice(index - 5, index + 5));
}

async function measure(task: Pick<MemoryTask, "warm" | "sessions">): Promise<readonly number[]> {
  const manifest = JSON.parse(readFileSync(new URL("package.json", packed), "utf8")) as {
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  const entry = manifest.exports["."] ?? "";
  const main = new URL(typeof entry === "string" ? entry : entry.default, packed);
  const agent = new URL("workers/default-agent.js", packed);
  for (const file of [main, agent]) {
    if (!existsSync(file)) throw new Error(`The packed build has no ${fileURLToPath(file)}`);
  }
  const result = await childResult<MemoryResult>("memory", { ...task, main: main.href, agent: agent.href });
  return result.rssBytes;
}
