import { setTimeout as sleep } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { CallPage, launchChromium, noChromium } from "../test/fixtures/browser/chromium.ts";
import { ownerIn, resumingFleet } from "../test/fixtures/fleet/conversation.ts";
import type { ReplicaProcess } from "../test/fixtures/fleet/replica-process.ts";
import type { Report } from "./figure.ts";
import { Stage } from "./fleet/stage.ts";
import { median, quantile } from "./statistics.ts";

const rounds = Number(process.env.BENCH_MOVED_ROUNDS ?? 10);
const leaseMs = 10_000;
const sentence = "This is a sentence of some words. ";
/** The moments at which the replica of a spoken call begins to drain, each with the words that the agent is repeating then. */
const moments = {
  between_turns: "",
  in_a_turn_of_4_s: sentence.repeat(6),
  in_a_turn_of_20_s: sentence.repeat(30),
} as const;

/** Notes in the page how long nothing is heard, and when. */
const watch = `stage.gaps = []; {
  let quietSince = null;
  stage.watching = setInterval(() => {
    const at = performance.now();
    if (!stage.loud()) quietSince ??= at;
    else if (quietSince !== null) { stage.gaps.push(at - quietSince); quietSince = null; }
  }, 5);
}`;

/** Measures how a call in a browser sounds as its replica drains: silences in what the agent says, and waits for answers. */
export async function moved(report: Report): Promise<void> {
  if (noChromium !== null) return;
  const browser = await launchChromium();
  try {
    for (const moment of Object.keys(moments) as (keyof typeof moments)[]) {
      const gaps: number[] = [];
      const still: number[] = [];
      const waits: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const { gapMs, waitMs } = await one(browser, moments[moment], true);
        if (moment !== "between_turns") still.push((await one(browser, moments[moment], false)).gapMs);
        gaps.push(gapMs);
        waits.push(waitMs);
      }
      if (moment !== "between_turns")
        report({
          figure: `hand_over_${moment}_longest_silence_p95`,
          value: quantile(gaps, 0.95),
          unit: "ms",
          target: { atMost: 100 },
          note: `median ${Math.round(median(gaps))} ms, of ${rounds} calls in Chromium; median of calls that stay ${Math.round(median(still))} ms`,
        });
      report({
        figure: `hand_over_${moment}_wait_for_answer_p95`,
        value: quantile(waits, 0.95),
        unit: "ms",
        note: `median ${Math.round(median(waits))} ms, from the words that are typed as the drain begins until the answer is heard`,
      });
    }
  } finally {
    await browser.close();
  }
}

/** Goes through one call. `isMoved`: false where nothing happens to its replica. */
async function one(browser: Browser, story: string, isMoved: boolean) {
  await using stage = new Stage();
  const { redis, replicas } = await resumingFleet(stage, ["a", "b"], { leaseMs, warm: 2 });
  const [a, b] = replicas as [ReplicaProcess, ReplicaProcess];
  const json = { call_id: "call", config: { edge: "browser" } };
  const { body } = await a.ask("/sessions", { json });
  const { session_id: id, session_token: token } = body;
  await using call = await CallPage.open(browser, b.url);
  await call.start({ session: { id, token } });
  await call.until("stage.said('Hello there.')");
  await call.untilSilent();
  await sleep(1_000);
  if (story !== "") {
    await call.ask(`stage.call.sendText(${JSON.stringify(story)})`);
    await call.untilHears();
    await call.ask(watch);
    await sleep(500);
  }
  const drained = isMoved ? a.drain() : null;
  if (story === "") {
    const waitMs = await answered(call);
    await drained;
    return { gapMs: 0, waitMs };
  }
  // The turn goes on until it is over, here or there.
  await call.until("stage.quietMs() > 1500");
  if (drained !== null) while ((await ownerIn(redis, id)) !== "b") await sleep(50);
  await drained;
  const gaps = await call.ask<number[]>("(clearInterval(stage.watching), stage.gaps)");
  return { gapMs: Math.max(0, ...gaps), waitMs: await answered(call) };
}

/** Types words. Resolves with the time until the answer is heard, in milliseconds. */
async function answered(call: CallPage): Promise<number> {
  return call.ask<number>(`(async () => {
    const at = performance.now();
    stage.call.sendText("and now?");
    while (!stage.loud()) await new Promise((resolve) => setTimeout(resolve, 5));
    return performance.now() - at;
  })()`);
}
