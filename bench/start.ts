import { AgentLauncher } from "greenroom";
import { supervisorOf } from "../src/agent-launcher.ts";
import { startsPerSecond } from "./churn.ts";
import type { Bench, Report } from "./figure.ts";
import { builtIn, Server } from "./server.ts";
import { settled } from "./slots.ts";
import { median, quantile } from "./statistics.ts";

/**
 * Measures how soon an agent is there, and how many can come and go. All but the second over HTTP, with the built-in agent.
 */
export default {
  about: "POST → 201 on a warm thread, assignment → agent code, a burst, starts and ends a second",
  async run(report) {
    await warmStarts(report);
    await assignments(report);
    await bursts(report);
    await churn(report);
  },
} satisfies Bench;

/** Rounds before measuring, in which V8 compiles what is hot. */
const warmUpRounds = 10;

async function warmStarts(report: Report): Promise<void> {
  await using server = await Server.start(builtIn, "--warm-sessions", "2");
  const tookMs: number[] = [];
  for (let round = 0; round < warmUpRounds + 60; round += 1) {
    await settled(server.exposition, 2);
    const session = await server.client.start(`warm-${round}`);
    if (round >= warmUpRounds) tookMs.push(session.tookMs);
    await server.client.end(session.id);
  }
  report({
    figure: "post_to_201_p50",
    value: median(tookMs),
    unit: "ms",
    target: { atMost: 5 },
    note: `${tookMs.length} starts, one after another`,
  });
  report({ figure: "post_to_201_p95", value: quantile(tookMs, 0.95), unit: "ms" });
}

async function assignments(report: Report): Promise<void> {
  const launcher = new AgentLauncher({
    ignoreLoad: true,
    agent: new URL("./agents/quiet.ts", import.meta.url),
    maxConcurrentSessions: 4,
    warmSessions: 2,
    logLevel: "silent",
  });
  await launcher.start();
  const { metrics } = await supervisorOf(launcher);
  const tookMs: number[] = [];
  for (let round = 0; round < warmUpRounds + 60; round += 1) {
    await settled(() => metrics.text(), 2);
    const session = await launcher.startSession({ callId: `assign-${round}` });
    const { assignedAt, enteredAt } = session.timeline;
    if (assignedAt === null || enteredAt === null) throw new Error("A started session was never assigned");
    if (round >= warmUpRounds) tookMs.push(enteredAt - assignedAt);
    await launcher.closeSession(session.id, { wait: true });
  }
  await launcher.stop();
  report({
    figure: "assign_to_agent_code_p50",
    value: median(tookMs),
    unit: "ms",
    target: { atMost: 1 },
    note: "LiveKit Agents JS, to a warm process: 3.4",
  });
  report({ figure: "assign_to_agent_code_p95", value: quantile(tookMs, 0.95), unit: "ms" });
}

async function bursts(report: Report): Promise<void> {
  const size = 8;
  await using server = await Server.start(
    builtIn,
    ...["--warm-sessions", "2", "--max-concurrent-sessions", "16"],
  );
  const lastMs: number[] = [];
  for (let round = 0; round < 9; round += 1) {
    await settled(server.exposition, 2);
    const sessions = await Promise.all(
      Array.from({ length: size }, (_, index) => server.client.start(`burst-${round}-${index}`)),
    );
    lastMs.push(Math.max(...sessions.map((session) => session.tookMs)));
    await Promise.all(sessions.map((session) => server.client.end(session.id)));
  }
  report({
    figure: "burst_8_into_2_warm_last",
    value: median(lastMs),
    unit: "ms",
    target: { atMost: 600 },
    note: `median of ${lastMs.length} bursts, worst ${Math.round(Math.max(...lastMs))}; LiveKit: 4120`,
  });
}

async function churn(report: Report): Promise<void> {
  const inFlight = 4;
  const durationMs = 15_000;
  await using server = await Server.start(builtIn, "--warm-sessions", "2");
  const rate = await startsPerSecond(server.client, { inFlight, durationMs });
  report({
    figure: "starts_and_ends_per_second",
    value: rate,
    unit: "1/s",
    target: { atLeast: 25 },
    note: `${inFlight} in flight, 2 kept warm, for ${durationMs / 1_000} s; LiveKit: 1.3`,
  });
}
