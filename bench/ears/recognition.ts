import { loadavg } from "node:os";
import { speechModel } from "../../src/shared/recognition/speech-model.ts";
import { keyterms } from "../../workers/default-agent.ts";
import { childResult } from "../child.ts";
import type { EarsResult, EarsTask, HeardSentence } from "../children/ears.ts";
import type { Report } from "../figure.ts";
import { median, quantile } from "../statistics.ts";
import { recordings } from "./recordings.ts";
import { sentences } from "./sentences.ts";
import { callerVoices } from "./sounds.ts";
import { understood } from "./understood.ts";

const MiB = 2 ** 20;

/** Measures which words of callers are understood, in sound of different kinds. */
export async function words(report: Report): Promise<void> {
  const conditions: readonly (readonly [name: string, task: Partial<EarsTask>])[] = [
    ["", {}],
    ["_without_keyterms", { keyterms: [] }],
    ["_telephone", { telephone: true }],
    ...[20, 10, 5, 0].map(
      (quieterDb) => [`_white_${quieterDb}_db`, { noise: { name: "white", quieterDb } }] as const,
    ),
  ];
  for (const [name, task] of conditions) {
    const { sentences: all } = await run({ callers: callerVoices, sentences, live: false, ...task });
    if (name === "") {
      for (const [index, voice] of callerVoices.entries()) {
        const heard = all.slice(index * sentences.length, (index + 1) * sentences.length);
        report({ figure: `words_${voice}`, value: shareOf(heard), unit: "ratio" });
      }
    }
    report({
      figure: `words${name}`,
      value: shareOf(all),
      unit: "ratio",
      note: noteOf(all),
    });
  }
}

/** Measures which words of people are understood, where there are recordings of some. */
export async function people(report: Report): Promise<void> {
  const all = recordings();
  if (all === null) {
    console.error(
      "words_of_people is left out: install Debian's pocketsphinx-testdata, or name its folder in BENCH_EARS_RECORDINGS",
    );
    return;
  }
  const task = {
    callers: [null],
    sentences: all.map(({ text }) => text),
    recordings: all.map(({ path }) => path),
    // What they read is about other things than the built-in agent.
    keyterms: [],
    live: false,
  };
  for (const telephone of [false, true]) {
    const { sentences: heard } = await run({ ...task, telephone });
    report({
      figure: telephone ? "words_of_people_telephone" : "words_of_people",
      value: shareOf(heard),
      unit: "ratio",
      ...(telephone ? {} : { target: { atLeast: 0.9 } }),
      note: `${noteOf(heard)}; ${all.length} recordings`,
    });
  }
}

/** Measures how soon words are there, and what that costs, with callers in real time. */
export async function talking(report: Report): Promise<void> {
  for (const callers of [1, 5]) {
    const voices = Array.from({ length: callers }, (_, index) => callerVoices[index % callerVoices.length]!);
    const result = await run({
      callers: voices,
      sentences: callers === 1 ? sentences : sentences.slice(0, 12),
      live: true,
    });
    const { sentences: heard } = result;
    // On a busy machine they are there only with the end of the turn.
    const guessed = heard.map(({ wordsMs }) => wordsMs ?? Number.POSITIVE_INFINITY);
    const known = guessed.filter(Number.isFinite).length;
    const suffix = callers === 1 ? "" : `_${callers}_callers`;
    const load = `load ${loadavg()[0]?.toFixed(1)}`;
    report({
      figure: `end_of_speech_to_words_p50${suffix}`,
      value: median(guessed),
      unit: "ms",
      ...(callers === 1 ? { target: { atMost: 350 } } : {}),
      note: `${known} of ${heard.length} sentences were known before the turn ended; ${load}`,
    });
    report({
      figure: `end_of_speech_to_words_p95${suffix}`,
      value: quantile(guessed, 0.95),
      unit: "ms",
    });
    const speechMs = heard.reduce((sum, one) => sum + one.speechMs, 0);
    report({
      figure: `cpu_per_second_of_speech${suffix}`,
      value: (result.recogniserMs / speechMs) * 1_000,
      unit: "ms",
      note: "of the recogniser's thread: words, guesses and captions",
    });
    report({
      figure: `cpu_of_listeners_per_second_of_speech${suffix}`,
      value: (result.restMs / speechMs) * 1_000,
      unit: "ms",
      note: "of the threads that find turns, pauses included",
    });
    report({ figure: `memory_loaded${suffix}`, value: result.loadedBytes / MiB, unit: "MiB" });
    report({
      figure: `memory_after_talking${suffix}`,
      value: result.talkedBytes / MiB,
      unit: "MiB",
      target: { atMost: speechModel.bytes / MiB },
    });
    report({ figure: `load${suffix}`, value: result.loadMs, unit: "ms" });
    report({ figure: `words_live${suffix}`, value: shareOf(heard), unit: "ratio", note: noteOf(heard) });
  }
}

const run = (task: EarsTask): Promise<EarsResult> =>
  childResult<EarsResult>("ears", { keyterms, ...task }, { timeoutMs: 600_000 });

/** The share of the words that were understood. */
function shareOf(heard: readonly HeardSentence[]): number {
  const all = heard.map(({ said, heard }) => understood(said, heard));
  const [words, wrong] = [sum(all.map((one) => one.words)), sum(all.map((one) => one.wrong))];
  return 1 - wrong / words;
}

function noteOf(heard: readonly HeardSentence[]): string {
  const right = heard.filter(({ said, heard }) => understood(said, heard).wrong === 0).length;
  return `${right} of ${heard.length} sentences are right to the last word`;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
