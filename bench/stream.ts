import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Session } from "greenroom";
import { supervisorOf } from "../src/agent-launcher.ts";
import type { Bench, Report } from "./figure.ts";
import { median, quantile } from "./statistics.ts";
import type { FaultResult, StreamFault } from "./stream/order.ts";
import { StreamStage } from "./stream/stage.ts";

const joins = 20;
const faults = 10;
const slowFaults = 4;
const many = 10;
/** The time that calls are watched for what they cost, in seconds. */
const costSeconds = 20;
/** Length of the long call: a minute, unless `BENCH_STREAM_MINUTES` says another; the figures of docs/figures.md are of 10. */
const minutes = Number(process.env.BENCH_STREAM_MINUTES ?? "1");
const MiB = 2 ** 20;

/**
 * Measures how soon an agent is heard in a call on Stream, how soon again after a fault, and what its call costs, on
 * loopback.
 */
export default {
  about:
    "join → first audio, gaps by reconnections, what a call on a fake Stream costs; BENCH_STREAM_MINUTES=10 for the long one",
  async run(report) {
    const [load = 0] = loadavg();
    report({ figure: "load_average_before", value: load, unit: "count", note: "of the last minute" });
    await joining(report);
    await reconnecting(report);
    await cost(report);
    await longCall(report);
  },
} satisfies Bench;

async function joining(report: Report): Promise<void> {
  await using stage = await StreamStage.open(2);
  const tookMs: number[] = [];
  for (let index = 0; index < joins; index += 1) {
    const callId = `join-${index}`;
    const session = await stage.call(callId);
    const [{ at }, heardAt] = await Promise.all([
      stage.told("joining", callId),
      stage.ask({ type: "first_heard", callId }),
    ]);
    tookMs.push(heardAt - at);
    await stage.end(session);
  }
  const note = `${joins} calls, from agent.join to the first sound at somebody who is there`;
  report({
    figure: "join_to_first_audio_p50",
    value: median(tookMs),
    unit: "ms",
    target: { atMost: 400 },
    note,
  });
  report({ figure: "join_to_first_audio_p95", value: quantile(tookMs, 0.95), unit: "ms" });
}

async function reconnecting(report: Report): Promise<void> {
  await using stage = await StreamStage.open(2);
  const of = async (fault: StreamFault, count: number): Promise<readonly FaultResult[]> => {
    const results: FaultResult[] = [];
    for (let index = 0; index < count; index += 1) {
      const callId = `${fault}-${index}`;
      const session = await stage.call(callId);
      await sleep(500);
      results.push(await stage.ask({ type: "fault", callId, fault }));
      await stage.end(session);
    }
    return results;
  };
  const gaps = (figure: string, values: readonly number[], target: number, note: string) => {
    report({ figure: `${figure}_p50`, value: median(values), unit: "ms", target: { atMost: target }, note });
    report({ figure: `${figure}_p95`, value: quantile(values, 0.95), unit: "ms" });
  };
  const socket = await of("socket", faults);
  const both = await of("socket_and_path", faults);
  const forgotten = await of("forgotten", faults);
  const silentMs = socket.map(({ silenceMs }) => silenceMs);
  gaps("gap_fast", silentMs, 100, "socket killed, media kept: the longest pause between packets");
  const since = "from the new socket on";
  gaps(
    "gap_fast_media_cut",
    both.map(({ gapMs }) => gapMs),
    100,
    `socket killed, media path cut: ${since}`,
  );
  gaps(
    "gap_rejoin",
    forgotten.map(({ gapMs }) => gapMs),
    400,
    `the SFU forgot the session: ${since}`,
  );
  const noticed = (figure: string, results: readonly FaultResult[]) =>
    report({
      figure,
      value: median(results.map(({ noticedMs }) => noticedMs)),
      unit: "ms",
      note: `until it asks for another socket; median of ${results.length}`,
    });
  noticed("notice_killed_socket", socket);
  noticed("notice_silent_socket", await of("silence", slowFaults));
  noticed("notice_cut_media", await of("media", slowFaults));
}

async function cost(report: Report): Promise<void> {
  await using stage = await StreamStage.open(many);
  await (await supervisorOf(stage.launcher)).reserveWhole();
  await sleep(2_000);
  const warmBytes = process.memoryUsage.rss();
  const sessions: Session[] = [];
  for (let index = 0; index < many; index += 1) sessions.push(await stage.call(`cost-${index}`, true));
  await sleep(3_000);
  const cpuMs = () => sessions.reduce((sum, { resources }) => sum + (resources?.cpuMs ?? 0), 0);
  const [before, beganAt] = [cpuMs(), performance.now()];
  await sleep(costSeconds * 1_000);
  const share = (cpuMs() - before) / (performance.now() - beganAt) / many;
  const bytes = (process.memoryUsage.rss() - warmBytes) / many;
  const note = `${many} calls, both sides talk all the time, ${costSeconds} s`;
  report({ figure: "cpu_per_call", value: share, unit: "ratio", note: `of a core; ${note}` });
  report({
    figure: "memory_per_call",
    value: bytes / MiB,
    unit: "MiB",
    note: "resident, beyond that of the warm thread",
  });
  await Promise.all(sessions.map((session) => stage.end(session)));
}

/** One call with 2 % loss each way: sound keeps to the clock, and nothing grows. */
async function longCall(report: Report): Promise<void> {
  await using stage = await StreamStage.open(1);
  const callId = "long";
  const session = await stage.call(callId, true);
  await stage.ask({ type: "loss", percent: 2 });
  await sleep(10_000);
  const look = async () => ({
    sound: await stage.ask({ type: "sound", callId }),
    heard: await stage.heard(callId),
    rssBytes: process.memoryUsage.rss(),
  });
  const first = await look();
  await sleep(minutes * 60_000);
  const last = await look();
  await stage.end(session);
  const length = `${minutes} min, 2 % loss each way`;
  const ratio = (frames: number, ms: number) => (frames * 20) / ms;
  report({
    figure: "long_call_clock_drift",
    value: Math.abs(last.sound.aheadMs - first.sound.aheadMs),
    unit: "ms",
    target: { atMost: 20 },
    note: `RTP clock against this machine's; ${length}`,
  });
  report({
    figure: "long_call_agent_hears",
    value: ratio(last.heard.frames - first.heard.frames, last.heard.at - first.heard.at),
    unit: "ratio",
    target: { atLeast: 0.999 },
    note: "sound that the agent was given to the time that passed",
  });
  report({
    figure: "long_call_agent_is_heard",
    value: ratio(last.sound.frames - first.sound.frames, last.sound.at - first.sound.at),
    unit: "ratio",
    target: { atLeast: 0.999 },
  });
  report({
    figure: "long_call_growth",
    value: (last.rssBytes - first.rssBytes) / MiB,
    unit: "MiB",
    target: { atMost: 20 },
    note: `resident, of the process; its heap from ${Math.round(first.heard.heapBytes / MiB)} to ${Math.round(last.heard.heapBytes / MiB)} MiB`,
  });
}
