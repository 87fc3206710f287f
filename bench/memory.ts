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
    const [small = 0] = await measure({ warm: few, after: [0], collect: false });
    const [large = 0] = await measure({ warm: many, after: [0], collect: false });
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

/**
 * What is held grows little. What is resident grows more until some hundred sessions have gone by and then stays: V8 lets
 * the young generation of the main thread grow to 26 MiB by then, and gives it back when memory is short.
 */
async function growth(report: Report): Promise<void> {
  for (const collect of [true, false]) {
    const ratios: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const [early = 0, late = 0] = await measure({ warm: 2, after: [50, 250], collect });
      ratios.push(late / early - 1);
    }
    report({
      figure: `growth_50th_to_250th_session${collect ? "" : "_uncollected"}`,
      value: median(ratios),
      unit: "ratio",
      ...(collect ? { target: { atMost: 0.1 } } : {}),
      note: `resident memory at rest${collect ? ", garbage collected" : ""}; median of ${runs} processes`,
    });
  }
}

async function measure(task: Pick<MemoryTask, "warm" | "after" | "collect">): Promise<readonly number[]> {
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
