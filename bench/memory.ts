import { openaiDelays, startOpenai } from "../test/emulators/openai.ts";
import { childResult } from "./child.ts";
import type { EndedResult, EndedTask } from "./children/ended.ts";
import type { MemoryResult, MemoryTask } from "./children/memory.ts";
import type { Bench, Report } from "./figure.ts";
import { noKeys, type Packed, pack, startThreeServices } from "./packed.ts";
import { median, quantile } from "./statistics.ts";

const MiB = 2 ** 20;
const runs = 3;
const few = 2;
const many = 22;

/** Measures the memory of the packed build with its built-in agent, which is what runs in production. */
export default {
  about:
    "memory of a warm slot, with and without SDKs, its start, and growth over 250 sessions, packed; ended sessions",
  async run(report) {
    const packed = pack();
    await idleSlots(packed, report);
    await voiceSlots(packed, report);
    await compatibleSlots(packed, report);
    await growth(packed, report);
    await endedSessions(report);
  },
} satisfies Bench;

/** Measures without keys: the built-in agent loads no SDK. */
async function idleSlots(packed: Packed, report: Report): Promise<void> {
  const slotBytes: number[] = [];
  const processBytes: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const [small = 0] = (await measure(packed, { warm: few })).rssBytes;
    const [large = 0] = (await measure(packed, { warm: many })).rssBytes;
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

/** Measures with keys: Gemini, Deepgram and ElevenLabs are loaded before a thread is warm. */
async function voiceSlots(packed: Packed, report: Report): Promise<void> {
  await using services = await startThreeServices();
  const { environment } = services;
  await slots(packed, report, { name: "built_in_three_sdks", environment, sdks: true });
  await slots(packed, report, {
    name: "three_sdks",
    agent: packed.own.threeSdks,
    environment,
    atMostMiB: 20,
    sdks: true,
  });
}

/** Measures without an SDK: all three services are reached by OpenAI's protocol. */
async function compatibleSlots(packed: Packed, report: Report): Promise<void> {
  await using openai = await startOpenai({ delays: openaiDelays.none });
  const environment = { BENCH_COMPATIBLE_URL: openai.url };
  await slots(packed, report, {
    name: "openai_compatible",
    agent: packed.own.openaiCompatible,
    environment,
    atMostMiB: 14,
    atMostMs: 40,
    sdks: false,
  });
}

interface SlotFigures {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The agent. Default: the built-in one. */
  readonly agent?: URL;
  readonly atMostMiB?: number;
  readonly atMostMs?: number;
  /** True where SDKs are loaded: then LiveKit's process is compared, and a call is measured too. */
  readonly sdks: boolean;
}

async function slots(
  packed: Packed,
  report: Report,
  { name, agent = packed.agent, environment, atMostMiB, atMostMs, sdks }: SlotFigures,
): Promise<void> {
  const slotBytes: number[] = [];
  const callBytes: number[] = [];
  const startMs: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    // A tone of a caller is no speech for a recogniser on this machine's side.
    const small = await measure(packed, { agent, warm: few, calls: sdks, environment });
    const large = await measure(packed, { agent, warm: many, calls: sdks, environment });
    slotBytes.push(((large.rssBytes[0] ?? 0) - (small.rssBytes[0] ?? 0)) / (many - few));
    callBytes.push(((large.callBytes ?? 0) - (small.callBytes ?? 0)) / (many - few));
    startMs.push(...(await measure(packed, { agent, warm: 1, starts: 20, environment })).startMs);
  }
  report({
    figure: `warm_slot_${name}`,
    value: median(slotBytes) / MiB,
    unit: "MiB",
    ...(atMostMiB === undefined ? {} : { target: { atMost: atMostMiB } }),
    note: `with ${many} less that with ${few}, a slot; median of ${runs}${sdks ? "; LiveKit's idle job process: 97–119" : ""}`,
  });
  if (sdks) {
    report({
      figure: `${name}_in_a_call`,
      value: median(callBytes) / MiB,
      unit: "MiB",
      note: "after a greeting, a spoken question and its answer",
    });
  }
  report({
    figure: `slot_start_${name}_p50`,
    value: median(startMs),
    unit: "ms",
    ...(atMostMs === undefined ? {} : { target: { atMost: atMostMs } }),
    note: `thread → warm, one after another, ${startMs.length} starts, compile cache warm${sdks ? "; LiveKit's process: 826" : ""}`,
  });
  report({ figure: `slot_start_${name}_p95`, value: quantile(startMs, 0.95), unit: "ms" });
}

async function growth(packed: Packed, report: Report): Promise<void> {
  for (const collect of [false, true]) {
    const ratios: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const { rssBytes } = await measure(packed, { warm: 2, sessions: 255, collect });
      ratios.push(around(rssBytes, 250) / around(rssBytes, 50) - 1);
    }
    report({
      figure: `growth_50th_to_250th_session${collect ? "_collected" : ""}`,
      value: median(ratios),
      unit: "ratio",
      target: { atMost: 0.1 },
      note: `resident memory, four sessions at a time${collect ? ", all garbage collected before each reading" : ""}; median of ${runs}`,
    });
  }
}

/** Measures from the source: what is kept of a session does not depend on how it was packed. */
async function endedSessions(report: Report): Promise<void> {
  const task: EndedTask = { sessions: 5_000, most: 12_000 };
  const { bytes, kept } = await childResult<EndedResult>("ended", task);
  report({
    figure: "ended_session",
    value: bytes,
    unit: "bytes",
    target: { atMost: 4_096 },
    note: `heap of one that can still be read, after a call of 20 turns; ${task.sessions} of them`,
  });
  report({
    figure: "ended_sessions_kept",
    value: kept,
    unit: "count",
    target: { atMost: 10_000 },
    note: `of ${task.most} that ended one after another`,
  });
}

/** The median of the ten values around this one: a collection just before or after it must not decide. */
function around(values: readonly number[], index: number): number {
  return median(values.slice(index - 5, index + 5));
}

interface Measured extends Partial<Pick<MemoryTask, "sessions" | "collect" | "calls" | "starts">> {
  readonly warm: number;
  readonly agent?: URL;
  readonly environment?: Readonly<Record<string, string>>;
}

function measure(
  packed: Packed,
  { environment = {}, agent = packed.agent, ...task }: Measured,
): Promise<MemoryResult> {
  const { main, testing } = packed;
  return childResult<MemoryResult>(
    "memory",
    {
      sessions: 0,
      collect: false,
      calls: false,
      starts: 0,
      ...task,
      main: main.href,
      testing: testing.href,
      agent: agent.href,
    } satisfies MemoryTask,
    { environment: { ...noKeys, ...environment }, timeoutMs: 240_000 },
  );
}
