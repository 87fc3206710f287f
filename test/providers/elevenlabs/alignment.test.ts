import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import type { SpeechChunk } from "../../../src/agent/tts.ts";
import { SampleReader } from "../../../src/audio/sample-reader.ts";
import { AlignmentReader } from "../../../src/providers/elevenlabs/alignment.ts";
import * as elevenlabs from "../../../src/providers/elevenlabs/index.ts";
import { placeAt, speak as tonesOf } from "../../emulators/elevenlabs/tone.ts";
import { emulate, greeting, soundOf, speak, voice } from "../../fixtures/providers/elevenlabs-voice.ts";

/** Checks that each character begins where the emulator spoke it. */
function checkAlignment(t: ExecutionContext, text: string, chunks: readonly SpeechChunk[]): void {
  const characters = chunks.flatMap(({ alignment }) => alignment?.characters ?? []);
  const startMs = chunks.flatMap(({ alignment }) => alignment?.startMs ?? []);
  t.is(characters.join(""), text);
  const sound = soundOf(chunks);
  for (const [index, ms] of startMs.entries()) {
    if (!/[\p{L}\p{N}]/u.test(characters[index]!)) continue;
    const at = Math.round(ms * 24);
    t.is(placeAt(sound.subarray(at, at + 1_440), { sampleRate: 24_000 }), index % 40, `${characters[index]}`);
  }
}

const manyLetters = "Ça va? Größe 😀 日本語, naïve — done!";

test("the alignment tells when each character is heard", async (t) => {
  const emulator = await emulate(t);
  checkAlignment(t, manyLetters, await speak(voice(t, emulator), manyLetters));
});

test("the alignment holds where times are counted from each piece, too", async (t) => {
  const emulator = await emulate(t, { script: { timesFrom: "piece", oddPieces: false } });
  checkAlignment(t, manyLetters, await speak(voice(t, emulator), manyLetters));
});

test("an added space is not part of the alignment", async (t) => {
  const emulator = await emulate(t, { script: { leadingSpace: true } });
  const chunks = await speak(voice(t, emulator), greeting);
  t.is(chunks.flatMap(({ alignment }) => alignment?.characters ?? []).join(""), greeting);
});

test("a response without alignment is spoken all the same", async (t) => {
  const emulator = await emulate(t, { script: { alignment: false } });
  const chunks = await speak(voice(t, emulator), greeting);
  t.true(chunks.every(({ alignment }) => alignment === undefined));
  t.deepEqual(soundOf(chunks), tonesOf(greeting, { sampleRate: 24_000 }));
});

test("characters that the network cut are decoded, although the SDK decodes each piece by itself", async (t) => {
  const emulator = await emulate(t, {
    script: { pieceMs: 60, oddPieces: true },
    delays: { firstByteMs: 0, speed: 50 },
  });
  const chunks = await speak(voice(t, emulator), "日本語のテキスト。");
  t.is(chunks.flatMap(({ alignment }) => alignment?.characters ?? []).join(""), "日本語のテキスト。");
});

test("whatever an alignment says, its characters are the beginning of the text, in order", (t) => {
  const characters = fc.array(
    fc.oneof(fc.constantFrom(..."ab c.,\u00e4😀"), fc.string({ unit: "grapheme", maxLength: 3 })),
  );
  fc.assert(
    fc.property(
      characters,
      fc.array(fc.tuple(characters, fc.double({ min: 0, max: 10, noNaN: true }))),
      (source, pieces) => {
        const text = source.join("");
        const reader = new AlignmentReader(text);
        let read = "";
        let lastMs = 0;
        for (const [piece, startSeconds] of pieces) {
          const alignment = reader.read(
            {
              characters: piece,
              character_start_times_seconds: piece.map((_, index) => startSeconds + index / 10),
            },
            lastMs,
          );
          for (const [index, character] of (alignment?.characters ?? []).entries()) {
            read += character;
            if (alignment!.startMs[index]! < lastMs) return false;
            lastMs = alignment!.startMs[index]!;
          }
        }
        return text.startsWith(read);
      },
    ),
  );
  t.pass();
});

test("odd PCM bytes are carried over to the next piece, however it is cut", (t) => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 30 });
  fc.assert(
    fc.property(pieces, (cut) => {
      const reader = new SampleReader();
      const samples = cut.flatMap((piece) => [...reader.read(piece)]);
      const bytes = Buffer.concat(cut);
      const expected = Array.from({ length: bytes.length >> 1 }, (_, index) => bytes.readInt16LE(index * 2));
      return (
        samples.length === expected.length && samples.every((sample, index) => sample === expected[index])
      );
    }),
  );
  t.pass();
});

test("markup is declared by model, and in an alignment it may be reported or not", (t) => {
  const markup = (modelId: string) => new elevenlabs.TTS({ apiKey: "a-key", modelId }).markup;
  t.deepEqual(markup("eleven_v3"), { directions: true });
  t.deepEqual(markup("eleven_flash_v2_5"), { tags: ["break"] });
  t.deepEqual(markup("eleven_flash_v2"), { tags: ["break", "phoneme"] });
  const text = "[laughs] Hi [short pause] you";
  for (const told of ["Hi you", "Hi  you", text]) {
    const { characters = [] } =
      new AlignmentReader(text).read(
        { characters: [...told], character_start_times_seconds: [...told].map((_, index) => index / 10) },
        0,
      ) ?? {};
    t.is(characters.join(""), text);
  }
});
