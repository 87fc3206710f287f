import { fileURLToPath } from "node:url";
import { AgentLauncher } from "greenroom";
import { supervisorOf } from "../src/agent-launcher.ts";
import { startsPerSecond } from "./churn.ts";
import type { Bench, Report } from "./figure.ts";
import { noKeys, pack, startThreeServices } from "./packed.ts";
import { Server } from "./server.ts";
import { settled } from "./slots.ts";
import { median, quantile } from "./statistics.ts";

/** The starts of a server, and the name of its figures. */
interface Starts {
  readonly suffix: string;
  readonly start: (...options: string[]) => Promise<Server>;
}

/**
 * Measures how soon an agent is there, and how many can come and go: the packed build with its built-in agent, over HTTP. First with no
 * keys, then with those of Gemini, Deepgram and ElevenLabs, whose SDKs each thread then loads.
 */
export default {
  about:
    "POST → 201 on a warm thread, a burst, starts and ends a second, without SDKs and with three; assignment → agent code",
  async run(report) {
    const command = fileURLToPath(pack().command);
    const serverWith =
      (environment: Readonly<Record<string, string>>) =>
      (...options: string[]) =>
        Server.startIn({ ...process.env, ...noKeys, ...environment }, command, ...options);
    await using services = await startThreeServices();
    for (const starts of [
      { suffix: "", start: serverWith({}) },
      { suffix: "_three_sdks", start: serverWith(services.environment) },
    ]) {
      await warmStarts(starts, report);
      await bursts(starts, report);
      await churn(starts, report);
    }
    await assignments(report);
  },
} satisfies Bench;

/** Rounds before measuring, in which V8 compiles what is hot. */
const warmUpRounds = 10;

async function warmStarts({ suffix, start }: Starts, report: Report): Promise<void> {
  await using server = await start("--warm-sessions", "2");
  const tookMs: number[] = [];
  for (let round = 0; round < warmUpRounds + 60; round += 1) {
    await settled(server.exposition, 2);
    const session = await server.client.start(`warm-${round}`);
    if (round >= warmUpRounds) tookMs.push(session.tookMs);
    await server.client.end(session.id);
  }
  report({
    figure: `post_to_201_p50${suffix}`,
    value: median(tookMs),
    unit: "ms",
    target: { atMost: 5 },
    note: `${tookMs.length} starts, one after another`,
  });
  report({ figure: `post_to_201_p95${suffix}`, value: quantile(tookMs, 0.95), unit: "ms" });
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

async function bursts({ suffix, start }: Starts, report: Report): Promise<void> {
  const size = 8;
  await using server = await start("--warm-sessions", "2", "--max-concurrent-sessions", "16");
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
    figure: `burst_8_into_2_warm_last${suffix}`,
    value: median(lastMs),
    unit: "ms",
    target: { atMost: 250 },
    note: `median of ${lastMs.length} bursts, worst ${Math.round(Math.max(...lastMs))}; LiveKit: 4120`,
  });
}

async function churn({ suffix, start }: Starts, report: Report): Promise<void> {
  const inFlight = 4;
  const durationMs = 15_000;
  await using server = await start("--warm-sessions", "2");
  const rate = await startsPerSecond(server.client, { inFlight, durationMs });
  report({
    figure: `starts_and_ends_per_second${suffix}`,
    value: rate,
    unit: "1/s",
    target: { atLeast: 20 },
    note: `${inFlight} in flight, 2 kept warm, for ${durationMs / 1_000} s; LiveKit: 1.3`,
  });
}
