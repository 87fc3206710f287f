import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Report } from "../figure.ts";
import { builtIn, Server } from "../server.ts";
import { quantile } from "../statistics.ts";
import type { CallersOrder, CallersResult } from "./callers.ts";

const talkingMs = Number(process.env.BENCH_ROOM_TALKING_MS ?? 20_000);

/** The measurements of a server and of its callers during their calls. */
interface Talk extends CallersResult {
  /** Of a core, by the server, for each call. */
  readonly cpuShare: number;
  /** Beside its warm thread, for each call. */
  readonly bytes: number;
}

/** Measures calls that talk all the time with an agent that recognises and speaks for nothing, and what they cost. */
export async function talking(program: string, calls: number, report: Report): Promise<void> {
  const talk = await talkOf(program, calls, "tones");
  const name = `${calls}_calls`;
  report({
    figure: `${name}_cpu_of_a_core_each`,
    value: 100 * talk.cpuShare,
    unit: "count",
    target: { atMost: 6 },
    note: "percent",
  });
  report({
    figure: `${name}_memory_each`,
    value: talk.bytes / 2 ** 20,
    unit: "MiB",
    target: { atMost: 45 },
    note: "beside its warm thread",
  });
  reportGap(name, talk, report, { atMost: 30 });
  report({
    figure: `${name}_callers_cpu_of_a_core_each`,
    value: (100_000 * talk.cpuSeconds) / talkingMs / calls,
    unit: "count",
    note: "percent, on the same cores",
  });
}

/** Measures the frames of the built-in agent's calls while its recogniser and its voice work on the same cores. */
export async function asking(calls: number, report: Report): Promise<void> {
  reportGap(`${calls}_askers`, await talkOf(builtIn, calls, "question"), report);
}

/** The gap between frames at which the search ends, in milliseconds. */
const longestGapMs = 40;
/** More calls are not tried. */
const mostCalls = 80;

/** Measures with how many calls that talk all the time the gap between frames passes {@link longestGapMs}, in steps of five. */
export async function untilGaps(program: string, report: Report): Promise<void> {
  let calls = 15;
  for (; calls <= mostCalls; calls += 5) {
    const { gaps, lost } = await talkOf(program, calls, "tones");
    const p99 = quantile(gaps, 0.99);
    report({ figure: `${calls}_calls_frame_gap_p99`, value: p99, unit: "ms", note: `${lost} frames lost` });
    if (p99 > longestGapMs) break;
  }
  report({ figure: "calls_until_gap_p99_above_40_ms", value: calls, unit: "count" });
}

function reportGap(name: string, talk: Talk, report: Report, target?: { readonly atMost: number }): void {
  report({
    figure: `${name}_frame_gap_p99`,
    value: quantile(talk.gaps, 0.99),
    unit: "ms",
    ...(target && { target }),
  });
  report({
    figure: `${name}_callers_delay_p99`,
    value: talk.ownDelayP99,
    unit: "ms",
    note: "of the gap, the callers' own",
  });
  report({ figure: `${name}_frames_lost`, value: talk.lost, unit: "count", target: { atMost: 0 } });
}

async function talkOf(program: string, calls: number, says: CallersOrder["says"]): Promise<Talk> {
  const limits = ["--warm-sessions", String(calls), "--max-concurrent-sessions", String(calls)];
  await using server = await Server.start(program, ...limits);
  const before = await usage(server);
  const sessions = [];
  for (let call = 0; call < calls; call += 1) {
    const { body } = await server.client.send("POST", "/sessions", { call_id: `call-${call}` });
    const { session_id: id, session_token: token } = JSON.parse(body) as {
      session_id: string;
      session_token: string;
    };
    sessions.push({ id, token });
  }
  const callers = fork(new URL("./callers.ts", import.meta.url));
  callers.send({ url: server.client.url, sessions, ms: talkingMs, says } satisfies CallersOrder);
  await nextOf(callers);
  const begun = { at: performance.now(), ...(await usage(server)) };
  const result = (await nextOf(callers)) as CallersResult;
  const ended = { at: performance.now(), ...(await usage(server)) };
  if (callers.connected) await once(callers, "exit");
  return {
    ...result,
    cpuShare: (ended.cpuSeconds - begun.cpuSeconds) / ((ended.at - begun.at) / 1_000) / calls,
    bytes: (ended.memoryBytes - before.memoryBytes) / calls,
  };
}

/** Resolves with the next message of the callers. Rejects where they end without one. */
function nextOf(callers: ChildProcess): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  callers.once("message", resolve);
  callers.once("exit", (code) => reject(new Error(`The callers have ended with ${code}`)));
  return promise;
}

/** Resolves with what the server's process has used. */
async function usage(server: Server): Promise<{ readonly cpuSeconds: number; readonly memoryBytes: number }> {
  const text = await server.exposition();
  const value = (name: string) =>
    Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  return {
    cpuSeconds: value("process_cpu_seconds_total"),
    memoryBytes: value("process_resident_memory_bytes"),
  };
}
