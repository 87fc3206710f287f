// Callers who talk to `local.STT`, with the recogniser as a server has it: in a thread of its own.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { offerSharedThreads } from "../../src/agent/thread/shared-threads.ts";
import { frameMs, level, silence } from "../../src/audio/pcm.ts";
import type { FliteVoice } from "../../src/providers/local/flite.ts";
import { STT } from "../../src/providers/local/stt.ts";
import { SpeechRecogniser } from "../../src/supervisor/recogniser/speech-recogniser.ts";
import { argumentOfChild, finishChild } from "../child.ts";
import { soundOfRecording } from "../ears/recordings.ts";
import {
  between,
  framesOf,
  inNoise,
  type NoiseName,
  noises,
  overTelephone,
  rate,
  sentenceBy,
} from "../ears/sounds.ts";
import { Turns } from "../ears/turns.ts";

export interface EarsTask {
  /** The voice of each caller, who all talk at once; null: the recordings. */
  readonly callers: readonly (FliteVoice | null)[];
  /** What each of them says, one after the other. */
  readonly sentences: readonly string[];
  /** The recordings of the sentences, as paths of WAV, for callers without a voice. */
  readonly recordings?: readonly string[];
  /** True where the sound comes as fast as in life, with captions; else each sentence comes at once. */
  readonly live: boolean;
  readonly telephone?: boolean;
  readonly noise?: { readonly name: NoiseName; readonly quieterDb: number };
  readonly keyterms?: readonly string[];
}

export interface HeardSentence {
  readonly said: string;
  readonly heard: string;
  /** From the last sound of the sentence until its words were there, in milliseconds; null where they were not guessed before the end. */
  readonly wordsMs: number | null;
  /** The length of the sound of the sentence, in milliseconds. */
  readonly speechMs: number;
}

export interface EarsResult {
  readonly sentences: readonly HeardSentence[];
  readonly loadMs: number;
  /** Resident memory that the recogniser took by loading, and by the end, in bytes. */
  readonly loadedBytes: number;
  readonly talkedBytes: number;
  /** CPU of the recogniser's thread while they talked, and of the rest of the process, in milliseconds. */
  readonly recogniserMs: number;
  readonly restMs: number;
}

const task = argumentOfChild<EarsTask>();
/** The quiet between two sentences: the turn has ended by then. */
const pauseMs = 1_200;

const recogniser = new SpeechRecogniser({
  choice: { offered: true, reason: "for a bench" },
  roomBytes: () => Number.MAX_SAFE_INTEGER,
  log: pino({ level: "silent" }),
});
let slots = 0;
const connect = async () => {
  slots += 1;
  const { port, refusal } = recogniser.connect(slots);
  if (port === null) throw new Error(refusal);
  return port;
};
offerSharedThreads({
  recogniser: {
    model: recogniser.model ?? "",
    connect,
  },
});

// The callers' sound is made before anything is measured.
const sounds = await Promise.all(
  task.callers.map((voice, caller) =>
    Promise.all(task.sentences.map((text, index) => soundOf(voice, text, index, caller))),
  ),
);
await sleep(1_000);
const before = process.memoryUsage.rss();
const startedAt = performance.now();
const { port } = recogniser.connect(0);
await new Promise((resolve) => port!.once("message", resolve));
port!.close();
const loadMs = performance.now() - startedAt;
await sleep(1_000);
const loadedBytes = process.memoryUsage.rss() - before;
const [recogniserBefore, processBefore] = [recogniserCpuMs(), processCpuMs()];
const heard = await Promise.all(task.callers.map((_, caller) => talk(caller)));
const recogniserMs = recogniserCpuMs() - recogniserBefore;
const restMs = processCpuMs() - processBefore - recogniserMs;
finishChild({
  sentences: heard.flat(),
  loadMs,
  loadedBytes,
  talkedBytes: process.memoryUsage.rss() - before,
  recogniserMs,
  restMs,
} satisfies EarsResult);

async function soundOf(
  voice: FliteVoice | null,
  text: string,
  index: number,
  caller: number,
): Promise<Int16Array> {
  const { noise, recordings = [] } = task;
  const sentence = voice === null ? soundOfRecording(recordings[index] ?? "") : await sentenceBy(voice, text);
  const seed = caller + index;
  if (noise === undefined) return task.telephone ? overTelephone(sentence) : sentence;
  const whole = between(1_000, sentence, pauseMs);
  return inNoise(
    whole,
    (await noises[noise.name](whole.length + seed * 100)).subarray(seed * 100),
    noise.quieterDb,
  );
}

async function talk(caller: number): Promise<HeardSentence[]> {
  const stt = new STT({
    ...(task.live ? {} : { captionMs: 0 }),
    ...(task.keyterms ? { keyterms: task.keyterms } : {}),
  });
  const stream = await stt.listen({ signal: new AbortController().signal });
  const turns = new Turns(stream);
  const results: HeardSentence[] = [];
  // They do not all begin at once.
  let due = performance.now() + caller * 350;
  let soundedAt = 0;
  const write = async (samples: Int16Array) => {
    for (const frame of framesOf(samples)) {
      due += frameMs;
      const early = due - performance.now();
      if (task.live && early > 0) await sleep(early);
      stream.write({ samples: frame, sampleRate: rate });
      if (level(frame) > 100) soundedAt = performance.now();
    }
  };
  await write(silence(500, rate).samples);
  for (const [index, said] of task.sentences.entries()) {
    const sound = sounds[caller]![index]!;
    await write(sound);
    await write(silence(pauseMs, rate).samples);
    const { text, at } = await turns.heard();
    const wordsMs = at === null ? null : at - soundedAt;
    results.push({ said, heard: text, wordsMs, speechMs: (sound.length / rate) * 1_000 });
  }
  await stream.close();
  return results;
}

/** The CPU time of this process, in milliseconds. */
function processCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The CPU time of the recogniser's thread, which is known by its name, in milliseconds. */
function recogniserCpuMs(): number {
  for (const thread of readdirSync("/proc/self/task")) {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
    if (!stat.includes("(recogniser)")) continue;
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Ticks of 10 ms in user and system mode: fields 14 and 15 of proc(5), two of which stand before the last bracket.
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }
  throw new Error("There is no recogniser");
}
