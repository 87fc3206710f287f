/**
 * The voice of the emulator: each character sounds for the same time, letters and digits as a tone, spaces and punctuation
 * as silence. The tone identifies the position of the character in its text, so that sound can be mapped to words:
 * the nth has `firstCycles + cyclesStep * (n mod pitches)` whole cycles.
 */
export const pitches = 40;
const firstCycles = 18;
const cyclesStep = 2;
/** The amplitude of 16-bit samples. Speech on a telephone is about as loud. */
const amplitude = 6_000;
/** The edges of each tone are soft for this share of it, so that nothing clicks. */
const softShare = 0.05;

/** The time that a character sounds by default, in milliseconds: 1,000 characters a minute, as people speak. */
export const defaultMsPerCharacter = 60;

export interface ToneOptions {
  readonly sampleRate: number;
  /** The time that each character sounds, in milliseconds. Default {@link defaultMsPerCharacter}. */
  readonly msPerCharacter?: number;
}

/** One entry for each character, as the service counts them: code points. */
export const charactersOf = (text: string): string[] => [...text];

const sounds = (character: string): boolean => /[\p{L}\p{N}]/u.test(character);

export function samplesPerCharacter({
  sampleRate,
  msPerCharacter = defaultMsPerCharacter,
}: ToneOptions): number {
  return Math.round((sampleRate * msPerCharacter) / 1_000);
}

/** The whole speech of a text. */
export function speak(text: string, options: ToneOptions): Int16Array {
  const length = samplesPerCharacter(options);
  const characters = charactersOf(text);
  const speech = new Int16Array(characters.length * length);
  for (const [place, character] of characters.entries()) {
    if (sounds(character)) speech.set(tone(place % pitches, length), place * length);
  }
  return speech;
}

const tones = new Map<string, Int16Array>();

function tone(pitch: number, length: number): Int16Array {
  const key = `${pitch}/${length}`;
  const known = tones.get(key);
  if (known !== undefined) return known;
  const cycles = firstCycles + cyclesStep * pitch;
  const soft = Math.max(1, Math.round(length * softShare));
  const made = Int16Array.from({ length }, (_, index) => {
    const edge = Math.min(1, (index + 1) / soft, (length - index) / soft);
    return Math.round(amplitude * edge * Math.sin((2 * Math.PI * cycles * index) / length));
  });
  tones.set(key, made);
  return made;
}

/** Returns the loudness: the root mean square of the samples, 0 for none. */
export function level(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}

/** The loudness below which samples are silence. */
export const silenceLevel = 200;

/**
 * Returns the position of the character that sounds here, modulo {@link pitches}; null for silence. The samples should be those of
 * one character; of several, the longest one is returned.
 */
export function placeAt(samples: Int16Array, options: ToneOptions): number | null {
  if (level(samples) < silenceLevel) return null;
  const length = samplesPerCharacter(options);
  let best = { pitch: 0, power: -1 };
  for (let pitch = 0; pitch < pitches; pitch++) {
    const power = powerAt(samples, (firstCycles + cyclesStep * pitch) / length);
    if (power > best.power) best = { pitch, power };
  }
  return best.pitch;
}

/** Returns the strength of one frequency, in cycles a sample, by Goertzel's algorithm. */
function powerAt(samples: Int16Array, frequency: number): number {
  const coefficient = 2 * Math.cos(2 * Math.PI * frequency);
  let before = 0;
  let last = 0;
  for (const sample of samples) [before, last] = [last, sample + coefficient * last - before];
  return before * before + last * last - coefficient * before * last;
}

/**
 * Returns how much of a text was heard in a recording that begins with it: for each character that sounds, whether its tone
 * is there, at its place or later (a pause may lie before it). The result is the text up to the last one heard, in
 * characters.
 */
export function heardOf(text: string, recording: Int16Array, options: ToneOptions): number {
  const length = samplesPerCharacter(options);
  const step = Math.max(1, Math.round(length / 4));
  const characters = charactersOf(text);
  let place = 0;
  for (let at = 0; at + length <= recording.length; at += step) {
    const heard = placeAt(recording.subarray(at, at + length), options);
    if (heard === null) continue;
    const next = nextWith(characters, place, heard);
    if (next !== null) place = next;
  }
  return place;
}

/** The characters up to the next one that sounds, if it is the one with this pitch. */
function nextWith(characters: readonly string[], from: number, pitch: number): number | null {
  for (let place = from; place < characters.length; place++) {
    if (sounds(characters[place]!)) return place % pitches === pitch ? place + 1 : null;
  }
  return null;
}
