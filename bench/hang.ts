import { AgentLauncher } from "greenroom";
import type { Bench } from "./figure.ts";
import { median } from "./statistics.ts";

/** Measures how soon a session whose thread loops for ever has ended, while another goes on beside it. */
export default {
  about: "an infinite loop → its session has ended",
  async run(report) {
    const launcher = new AgentLauncher({
      maxResumes: 0,
      ignoreLoad: true,
      agent: new URL("./agents/spin.ts", import.meta.url),
      maxConcurrentSessions: 4,
      warmSessions: 2,
      crashStormLimit: 0,
      logLevel: "silent",
    });
    await launcher.start();
    const beside = await launcher.startSession({ callId: "beside", config: { spin: false } });
    const tookMs: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      const session = await launcher.startSession({ callId: `spin-${round}`, config: { spin: true } });
      await session.ended;
      const { createdAt } = session.timeline;
      if (session.endReason !== "unresponsive" || session.endedAt === null || createdAt === null) {
        throw new Error(`A session that loops for ever ended as ${session.endReason}`);
      }
      // The loop is the first thing that joinCall does, right after createAgent has returned.
      tookMs.push(session.endedAt - createdAt);
    }
    if (beside.state !== "live") throw new Error(`The session beside it is ${beside.state}`);
    await launcher.stop();
    report({
      figure: "infinite_loop_to_ended_p50",
      value: median(tookMs),
      unit: "ms",
      target: { atMost: 3_000 },
      note: `${tookMs.length} loops, one after another; LiveKit Agents JS: 59000`,
    });
    report({
      figure: "infinite_loop_to_ended_max",
      value: Math.max(...tookMs),
      unit: "ms",
      target: { atMost: 3_000 },
    });
  },
} satisfies Bench;
