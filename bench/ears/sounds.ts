import { amplify, concatenate, frameMs, level, mix, silence } from "../../src/audio/pcm.ts";
import { resample } from "../../src/audio/resampler.ts";
import type { FliteVoice } from "../../src/providers/local/flite.ts";
import { noise } from "../../test/fixtures/voice/noise.ts";
import { spoken } from "../../test/fixtures/voice/spoken.ts";

export const rate = 16_000;
const frameSamples = (rate * frameMs) / 1_000;

/** The voices of callers, which are made here too: nobody's own voice is needed. */
export const callerVoices = ["slt", "rms", "awb"] as const satisfies readonly FliteVoice[];

/** The loudness of callers while they speak: −22 dBFS. */
const callerLevel = 2_500;

/** Returns a sentence as a caller says it, equally loud by every voice. */
export async function sentenceBy(voice: FliteVoice, text: string): Promise<Int16Array> {
  const { samples } = await spoken(text, voice);
  return asLoudAsCallers(samples);
}

/** Returns the sound of somebody who speaks, as loud as all callers are. */
export const asLoudAsCallers = (samples: Int16Array): Int16Array =>
  amplify(samples, callerLevel / loudness(samples));

/** The frames of a sentence in which something is said: all but its pauses. */
export function speechFrames(sentence: Int16Array): boolean[] {
  const least = callerLevel * 10 ** (-25 / 20);
  return framesOf(sentence).map((frame) => level(frame) > least);
}

export function framesOf(samples: Int16Array): Int16Array[] {
  return Array.from({ length: Math.floor(samples.length / frameSamples) }, (_, index) =>
    samples.subarray(index * frameSamples, (index + 1) * frameSamples),
  );
}

/** Returns the sound as a telephone passes it on: nothing above 4 kHz. */
export const overTelephone = (samples: Int16Array): Int16Array =>
  resample(resample({ samples, sampleRate: rate }, rate / 2), rate).samples;

/** Returns the sound in a noise that is so much quieter than a caller, in decibels. */
export function inNoise(samples: Int16Array, background: Int16Array, quieterDb: number): Int16Array {
  return mix(samples, atLevel(background.subarray(0, samples.length), callerLevel * 10 ** (-quieterDb / 20)));
}

/** Sounds that nobody says to an agent, by name; each returns so many samples. */
export const noises = {
  white: async (length) => noise(length, 1_000),
  babble: babbleOf,
  music: async (length) => melody(length),
  clicks: async (length) => clicks(length),
  tones: async (length) => tones(length),
  other_person: async (length) => overAndOver(await spoken(otherTexts[0]!, "rms"), length),
} as const satisfies Readonly<Record<string, (length: number) => Promise<Int16Array>>>;

export type NoiseName = keyof typeof noises;

export function atLevel(samples: Int16Array, wanted: number): Int16Array {
  const found = level(samples);
  return found === 0 ? samples : amplify(samples, wanted / found);
}

/** The level of the louder half of the frames. */
function loudness(samples: Int16Array): number {
  const levels = framesOf(samples)
    .map(level)
    .toSorted((a, b) => b - a);
  const loud = levels.slice(0, Math.ceil(levels.length / 2));
  return Math.sqrt(loud.reduce((sum, one) => sum + one * one, 0) / loud.length);
}

const otherTexts = [
  "The committee will meet again on Thursday to discuss the budget for the coming year.",
  "I told her that we could not possibly be there before nine because of the traffic.",
  "Have you seen the new restaurant around the corner? They have wonderful soup.",
  "My brother is moving to another town, and he needs help with the boxes.",
  "The train was late again, and nobody told us anything about it.",
  "Could you pass me the salt please, and the bread as well?",
];

/** Six people who talk to each other at the next tables. */
async function babbleOf(length: number): Promise<Int16Array> {
  const people = await Promise.all(
    otherTexts.map(async (text, index) => {
      const sound = await spoken(text, callerVoices[index % callerVoices.length]);
      return amplify(overAndOver(sound, length, index * 7_000), 1 / 4);
    }),
  );
  return people.reduce(mix);
}

function overAndOver({ samples }: { readonly samples: Int16Array }, length: number, from = 0): Int16Array {
  return Int16Array.from({ length }, (_, at) => samples[(from + at) % samples.length]!);
}

/** A keyboard: some four strokes a second, of 5 to 10 ms. */
function clicks(length: number): Int16Array {
  const sound = new Int16Array(length);
  const hiss = noise(length, 3_000, 5);
  let at = 0;
  for (let index = 0; at < length; index += 1) {
    const end = Math.min(length, at + 80 + (index % 3) * 40);
    for (let one = at; one < end; one += 1) sound[one] = hiss[one]! * Math.exp((at - one) / 30);
    at += 2_600 + ((index * 7_919) % 3_200);
  }
  return sound;
}

const sine = (hertz: number, at: number): number => Math.sin((2 * Math.PI * hertz * at) / rate);

/** The tones of a telephone: on for 0.4 s, off for 0.4 s, and from the tenth second on for good. */
function tones(length: number): Int16Array {
  const on = (at: number) => at > 10 * rate || Math.floor(at / (0.4 * rate)) % 2 === 1;
  return Int16Array.from({ length }, (_, at) => (on(at) ? 2_000 * sine(440, at) : 0));
}

/** A plain tune: chords, a melody, and a drum. */
function melody(length: number): Int16Array {
  const chords = [
    [262, 330, 392],
    [220, 262, 330],
    [175, 220, 262],
    [196, 247, 294],
  ];
  const tune = [523, 587, 659, 698, 784, 659, 587, 523, 880, 784, 659, 587, 523, 494, 523, 659];
  const drum = noise(length, 1, 3);
  return Int16Array.from({ length }, (_, at) => {
    const beat = Math.floor(at / (0.4 * rate));
    const since = (at % (0.4 * rate)) / rate;
    const chord = chords[Math.floor(beat / 4) % chords.length]!;
    let sum = 0;
    for (const hertz of chord)
      for (let partial = 1; partial < 5; partial += 1) sum += (0.3 * sine(hertz * partial, at)) / partial;
    for (let partial = 1; partial < 6; partial += 1)
      sum += (Math.exp(-4 * since) * sine(tune[beat % tune.length]! * partial, at)) / partial;
    if (beat % 2 === 0) sum += Math.exp(-30 * since) * Math.sign(drum[at]!);
    return sum * 1_500;
  });
}

/** Returns the sound with silence before and after it, in milliseconds. */
export const between = (beforeMs: number, sound: Int16Array, afterMs: number): Int16Array =>
  concatenate([silence(beforeMs, rate).samples, sound, silence(afterMs, rate).samples]);
