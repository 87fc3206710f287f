import { type DetectedEvent, TurnDetector } from "../../src/audio/detection/turn-detector.ts";
import { VoiceActivity } from "../../src/audio/detection/voice-activity.ts";
import { concatenate, durationMs, frameMs } from "../../src/audio/pcm.ts";
import type { Report } from "../figure.ts";
import { sentences } from "./sentences.ts";
import {
  atLevel,
  between,
  callerVoices,
  framesOf,
  inNoise,
  type NoiseName,
  noises,
  rate,
  sentenceBy,
  speechFrames,
} from "./sounds.ts";

/** Sentences a condition. */
const count = 12;
/** The time in noise before a caller speaks, in milliseconds: the background is known by then. */
const beforeMs = 2_000;
const afterMs = 1_500;
/** The start of a turn that is soon enough, and the end that is near enough, in frames. */
const soon = 400 / frameMs;
const near = 400 / frameMs;

interface Heard {
  readonly voice: readonly boolean[];
  readonly events: readonly (readonly [frame: number, DetectedEvent])[];
}

/** Measures what is taken for speech: of callers in noise, and where nobody speaks to the agent. */
export async function detection(report: Report): Promise<void> {
  await callers(report, "clean", null, 0);
  for (const [name, levels] of [
    ["white", [20, 10, 5, 0]],
    ["babble", [20, 10, 0]],
    ["music", [20, 10]],
    ["clicks", [0]],
  ] as const)
    for (const quieterDb of levels) await callers(report, `${name}_${quieterDb}_db`, name, quieterDb);
  for (const name of Object.keys(noises) as NoiseName[]) await nobody(report, name);
}

async function callers(
  report: Report,
  condition: string,
  name: NoiseName | null,
  quieterDb: number,
): Promise<void> {
  let [speech, heard, right] = [0, 0, 0];
  for (let index = 0; index < count; index += 1) {
    const voice = callerVoices[index % callerVoices.length]!;
    const sentence = await sentenceBy(voice, sentences[(index * 7) % sentences.length]!);
    const clean = between(beforeMs, sentence, afterMs);
    const sound = name === null ? clean : inNoise(clean, await noises[name](clean.length + index), quieterDb);
    const found = await hear(sound);
    const from = beforeMs / frameMs;
    for (const [frame, isSpeech] of speechFrames(sentence).entries()) {
      if (!isSpeech) continue;
      speech += 1;
      heard += found.voice[from + frame] ? 1 : 0;
    }
    right += isOneTurn(found, from, from + framesOf(sentence).length) ? 1 : 0;
  }
  const note = `${count} sentences by ${callerVoices.length} voices`;
  report({ figure: `heard_${condition}`, value: heard / speech, unit: "ratio", note: `of speech; ${note}` });
  report({
    figure: `turns_right_${condition}`,
    value: right / count,
    unit: "ratio",
    note: "one turn, from the first word to the last",
  });
}

/** Returns whether these frames, and no others, are one turn. */
function isOneTurn({ events }: Heard, from: number, to: number): boolean {
  const starts = events.flatMap(([frame, { type }]) => (type === "started" ? [frame] : []));
  const [start] = starts;
  if (starts.length !== 1 || start === undefined || start < from || start > from + soon) return false;
  const end = events.find(([, { type }]) => type === "ended")?.[1];
  return end?.type === "ended" && Math.abs(end.speechEndedAt - to) <= near;
}

async function nobody(report: Report, name: NoiseName): Promise<void> {
  const length = 20 * rate;
  let turns = 0;
  let [frames, voice] = [0, 0];
  const levels = [300, 1_000, 3_000];
  for (const loud of levels) {
    // A minute in which this comes after a second of silence.
    const found = await hear(between(1_000, atLevel(await noises[name](length), loud), 1_000));
    turns += found.events.filter(([, { type }]) => type === "started").length;
    frames += found.voice.length;
    voice += found.voice.filter(Boolean).length;
  }
  report({
    figure: `false_turns_${name}`,
    value: turns,
    unit: "count",
    note: `in a minute, ${((100 * voice) / frames).toFixed(1)} % of the frames; at −41, −30 and −21 dBFS`,
  });
}

async function hear(sound: Int16Array): Promise<Heard> {
  using activity = await VoiceActivity.create();
  const voice: boolean[] = [];
  const detector = new TurnDetector((frame) => {
    const is = activity.isVoice(frame);
    voice.push(is);
    return is;
  });
  const events = framesOf(sound).flatMap((samples, frame) =>
    detector
      .push({ samples, sampleRate: rate }, frame)
      .map((event): readonly [number, DetectedEvent] => [frame, event]),
  );
  return { voice, events };
}

/** Measures what it costs to look for speech. */
export async function detectionCost(report: Report): Promise<void> {
  const sound = concatenate(await Promise.all(sentences.slice(0, 10).map((text) => sentenceBy("slt", text))));
  const lengthMs = durationMs({ samples: sound, sampleRate: rate });
  const quiet = new Int16Array(sound.length);
  for (const [figure, of] of [
    ["detection_share_of_core_speaking", sound],
    ["detection_share_of_core_silent", quiet],
  ] as const) {
    await hear(of);
    const before = process.cpuUsage();
    await hear(of);
    const { user, system } = process.cpuUsage(before);
    const note = "for each participant whose microphone is open";
    report({ figure, value: (user + system) / 1_000 / lengthMs, unit: "ratio", note });
  }
}
