import { loadavg } from "node:os";
import type { ResponseLatency } from "../src/shared/session/agent-event.ts";
import type { Bench, BenchSettings, Report } from "./figure.ts";
import { median, quantile } from "./statistics.ts";
import { type CallsResult, type TurnTimes, talk } from "./voice/calls.ts";
import { backchannel, replies } from "./voice/replies.ts";
import { Stage } from "./voice/stage.ts";

/** Turns behind each figure. */
const turns = 200;
/** Calls that share them: what one call costs another is little, and a call in real time takes its time. */
const few = 5;
const several = 6;
const many = 10;
const roundTripMs = 20;

/** Measures how soon an agent that speaks through the real SDKs answers, and how soon it is quieter or silent. */
export default {
  about: "end of turn → first sound, barge-in → silence, through the real SDKs and emulated services",
  async run(report, { llm }) {
    const [load = 0] = loadavg();
    report({ figure: "load_average_before", value: load, unit: "count", note: "of the last minute" });
    await withoutDelays(report, llm);
    await withPublishedDelays(report, llm);
  },
} satisfies Bench;

async function withoutDelays(report: Report, llm: BenchSettings["llm"]): Promise<void> {
  await using stage = await Stage.open({ llm, delays: "none", roundTripMs: null }, many);
  for (const calls of [few, many]) {
    const result = await talk(stage, { calls, turns: turns / calls });
    const tookMs = result.turns.map(({ endAt, firstFrameAt }) => firstFrameAt - endAt);
    quantiles(report, "end_of_turn_to_first_frame", tookMs, calls, {
      target: 40,
      note: `no delays, eager off; ${firstTurns(result, tookMs)}; ${partsOf(result)}`,
    });
  }
  for (const calls of [few, many]) {
    // The first turn of a call interrupts nothing.
    const { turns: all } = await talk(stage, { calls, turns: turns / calls + 1, bargeIn: true });
    const interrupting = all.filter(({ place }) => place > 0);
    const quieterMs = interrupting.map(({ startAt, quieterFrameAt, lastFrameBeforeAt }) => {
      // Where the words came before the next frame, the agent went from loud to silent.
      const endedAt = quieterFrameAt ?? lastFrameBeforeAt ?? 0;
      return Math.max(0, endedAt - startAt);
    });
    quantiles(report, "start_of_turn_to_quieter_frame", quieterMs, calls, {
      target: 30,
      note: `barge-in; "${backchannel}" alone; frames go out every 20 ms`,
    });
    const cutMs = interrupting.map(({ wordsAt, lastFrameBeforeAt }) =>
      Math.max(0, (lastFrameBeforeAt ?? 0) - wordsAt),
    );
    quantiles(report, "words_to_last_frame", cutMs, calls, {
      target: 30,
      note: "barge-in; 0: no frame after the words",
    });
  }
}

async function withPublishedDelays(report: Report, llm: BenchSettings["llm"]): Promise<void> {
  await using stage = await Stage.open({ llm, delays: "published", roundTripMs }, many);
  const wire = `published delays, TLS, ${roundTripMs} ms round trip`;
  for (const calls of [several, many]) {
    const off = await talk(stage, { calls, turns: Math.ceil(turns / calls) });
    const own = off.turns.map((turn) => responseOf(turn) - tookOf(turn) - 5 * off.oneWayMs);
    quantiles(report, "response_less_services_and_network", own, calls, {
      target: 40,
      note: `${wire} (five ways of ${off.oneWayMs.toFixed(1)} ms are taken off), eager off; ${firstTurns(off, own)}; ${partsOf(off)}`,
    });
    quantiles(report, "response_eager_off", off.turns.map(responseOf), calls, { note: wire });
    const on = await talk(stage, { calls, turns: Math.ceil(turns / calls), eager: true });
    quantiles(report, "response_eager_on", on.turns.map(responseOf), calls, { target: 750, note: wire });
    report({
      figure: `eager_saves_p50${suffix(calls)}`,
      value: median(off.turns.map(responseOf)) - median(on.turns.map(responseOf)),
      unit: "ms",
    });
  }
}

/**
 * Returns the time from the last speech as the recogniser received it to the first frame at the edge, in milliseconds.
 */
const responseOf = ({ lastSpeechAt, firstFrameAt }: TurnTimes): number => firstFrameAt - lastSpeechAt;

/** The end of the first sentence of an answer. */
const sentenceEnd = replies.short.sentence.split("%s")[1] ?? "";

/** Returns when the chunk was sent that completes the first sentence: the model sends several words at a time. */
function sentenceAtOf({ chunks }: TurnTimes["answer"]): number {
  let written = "";
  for (const { at, text } of chunks) {
    written += text;
    if (written.includes(sentenceEnd)) return at;
  }
  throw new Error("An answer has no whole sentence");
}

/**
 * Returns the time that the services took: the end of the turn, the model's chunks up to the first sentence, its first
 * sound.
 */
function tookOf({ endAt, lastSpeechAt, answer, speech }: TurnTimes): number {
  return (
    endAt - lastSpeechAt + (sentenceAtOf(answer) - answer.askedAt) + (speech.firstByteAt - speech.askedAt)
  );
}

function quantiles(
  report: Report,
  figure: string,
  values: readonly number[],
  calls: number,
  { target, note }: { readonly target?: number; readonly note: string },
): void {
  const count = `${values.length} turns, ${calls} calls at once`;
  // The goal is for a machine with little to do; with many calls the slowest count.
  const goal = target === undefined || calls === many ? {} : { target: { atMost: target } };
  report({
    figure: `${figure}_p50${suffix(calls)}`,
    value: median(values),
    unit: "ms",
    ...goal,
    note: `${count}; ${note}`,
  });
  report({ figure: `${figure}_p95${suffix(calls)}`, value: quantile(values, 0.95), unit: "ms" });
  report({ figure: `${figure}_p99${suffix(calls)}`, value: quantile(values, 0.99), unit: "ms" });
}

const suffix = (calls: number): string => (calls === many ? `_${many}_calls` : "");

/** The first turns of the calls alone: what is done for the first time takes longer. */
function firstTurns({ turns: all }: CallsResult, values: readonly number[]): string {
  return `first turns of a call ${median(values.filter((_, index) => all[index]?.place === 0)).toFixed(1)}`;
}

/** The parts of the response as the server itself tells them, each by its median. */
function partsOf({ told }: CallsResult): string {
  const names = {
    endOfTurnMs: "end of turn",
    firstTokenMs: "first token",
    firstSentenceMs: "first sentence",
    firstByteMs: "first byte",
    outputMs: "output",
  } as const satisfies Partial<Record<keyof ResponseLatency, string>>;
  const parts = Object.entries(names).map(([name, what]) => {
    const values = told.flatMap(({ latency }) => latency?.[name as keyof typeof names] ?? []);
    return `${what} ${median(values).toFixed(1)}`;
  });
  return `as told: ${parts.join(", ")}`;
}
