import type { SpeechOrder } from "./checks.ts";
import type { ElevenlabsScript } from "./script.ts";
import { charactersOf, speak } from "./tone.ts";

/** A piece that is sent at once. */
export interface Piece {
  readonly bytes: Buffer;
  /** Sound sent with all pieces up to this one, in milliseconds of sound. */
  readonly soundMs: number;
}

/** The sound of a text as raw samples. */
export function* plainPieces(order: SpeechOrder, script: ElevenlabsScript): Generator<Piece> {
  for (const { bytes, endMs } of soundPieces(order, script)) yield { bytes, soundMs: endMs };
}

/** The sound of a text as lines of JSON, each with the times of the characters that it speaks. */
export function* timedPieces(order: SpeechOrder, script: ElevenlabsScript): Generator<Piece> {
  const characters = charactersOf(order.text);
  const { msPerCharacter } = script;
  let next = 0;
  for (const { bytes, startMs, endMs, last } of soundPieces(order, script)) {
    const until = last ? characters.length : Math.ceil(endMs / msPerCharacter);
    const spoken = characters.slice(next, until);
    const originMs = script.timesFrom === "piece" ? startMs : 0;
    const times = spoken.map((_, index) => (next + index) * msPerCharacter - originMs);
    if (script.leadingSpace && next === 0) {
      spoken.unshift(" ");
      times.unshift(0);
    }
    const alignment = {
      characters: spoken,
      character_start_times_seconds: times.map((ms) => ms / 1_000),
      character_end_times_seconds: times.map((ms) => (ms + msPerCharacter) / 1_000),
    };
    const told = script.alignment ? alignment : null;
    const line = { audio_base64: bytes.toString("base64"), alignment: told, normalized_alignment: told };
    yield { bytes: Buffer.from(`${JSON.stringify(line)}\n`), soundMs: endMs };
    next = until;
  }
}

interface SoundPiece {
  readonly bytes: Buffer;
  readonly startMs: number;
  readonly endMs: number;
  readonly last: boolean;
}

/** Cuts are in the middle of a sample, but for the last, where pieces are to be odd. */
function* soundPieces({ text, sampleRate }: SpeechOrder, script: ElevenlabsScript): Generator<SoundPiece> {
  const { buffer, byteLength } = speak(text, { sampleRate, msPerCharacter: script.msPerCharacter });
  const bytesPerMs = (sampleRate * 2) / 1_000;
  const step = Math.max(2, Math.round((script.pieceMs * bytesPerMs) / 2) * 2);
  for (let start = 0; start < byteLength; ) {
    const even = start - (start % 2) + step;
    const end = Math.min(byteLength, script.oddPieces ? even + 1 : even);
    const bytes = Buffer.from(buffer, start, end - start);
    yield { bytes, startMs: start / bytesPerMs, endMs: end / bytesPerMs, last: end === byteLength };
    start = end;
  }
}

/**
 * Returns the same bytes in two parts, where the cut falls on an odd byte: in the middle of a character, where there is
 * one.
 */
export function inOddParts(bytes: Buffer): Buffer[] {
  const inCharacter = bytes.findIndex((byte, index) => index > 0 && (byte & 0xc0) === 0x80);
  const cut = inCharacter > 0 ? inCharacter : Math.floor(bytes.length / 4) * 2 + 1;
  return bytes.length < 3 ? [bytes] : [bytes.subarray(0, cut), bytes.subarray(cut)];
}
