import { detection, detectionCost } from "./ears/detection.ts";
import { people, talking, words } from "./ears/recognition.ts";
import type { Bench } from "./figure.ts";

const parts = { detection, cost: detectionCost, words, people, talking };

/** Measures what `local.STT` hears. `BENCH_EARS_PARTS` names some of its parts: detection, cost, words, people, talking. */
export default {
  about: "local.STT: speech found in noise, words understood, how soon, CPU and memory",
  async run(report) {
    const wanted = process.env.BENCH_EARS_PARTS?.split(",") ?? Object.keys(parts);
    for (const [name, measure] of Object.entries(parts)) if (wanted.includes(name)) await measure(report);
  },
} satisfies Bench;
