import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { decodeWav, encodeWav, readWav, WavError, writeWav } from "../../src/audio/wav.ts";

const sound = (...samples: number[]) => ({ samples: Int16Array.from(samples), sampleRate: 16_000 });

interface Fields {
  kind: number;
  channels: number;
  sampleRate: number;
  bits: number;
  /** Follows the 16 bytes that every format has. */
  more?: Uint8Array;
}

/** A WAV file of these chunks. */
function wav(...chunks: readonly Chunk[]): Uint8Array {
  return fileOf("RIFF", ...chunks);
}

type Chunk = readonly [name: string, body: Uint8Array, length?: number];

function fileOf(form: string, ...chunks: readonly Chunk[]): Uint8Array {
  const parts = chunks.map(([name, body, length = body.length]) => {
    const head = new Uint8Array(8);
    head.set(new TextEncoder().encode(name));
    new DataView(head.buffer).setUint32(4, length, true);
    return Buffer.concat([head, body, new Uint8Array(body.length % 2)]);
  });
  return Buffer.concat([Buffer.from(`${form}\0\0\0\0WAVE`), ...parts]);
}

function format(fields: Partial<Fields> = {}): [string, Uint8Array] {
  const { kind, channels, sampleRate, bits, more } = {
    kind: 1,
    channels: 1,
    sampleRate: 16_000,
    bits: 16,
    ...fields,
  };
  const body = new DataView(new ArrayBuffer(16));
  body.setUint16(0, kind, true);
  body.setUint16(2, channels, true);
  body.setUint32(4, sampleRate, true);
  body.setUint32(8, (sampleRate * channels * bits) / 8, true);
  body.setUint16(12, (channels * bits) / 8, true);
  body.setUint16(14, bits, true);
  return ["fmt ", Buffer.concat([new Uint8Array(body.buffer), more ?? new Uint8Array(0)])];
}

const pcm = (...samples: number[]) => new Uint8Array(Int16Array.from(samples).buffer);

test("what was written is read", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-wav-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "sound.wav");
  await writeWav(path, sound(1, -2, 32_767, -32_768));
  t.deepEqual(await readWav(path), sound(1, -2, 32_767, -32_768));
});

test("any sound survives, at any rate", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -32_768, max: 32_767 })),
      fc.integer({ min: 4_000, max: 192_000 }),
      (values, sampleRate) => {
        const original = { samples: Int16Array.from(values), sampleRate };
        t.deepEqual(decodeWav(encodeWav(original)), original);
      },
    ),
  );
});

test("stereo is mixed into one", (t) => {
  const stereo = encodeWav(sound(100, 200, 32_767), sound(300, -200, 32_767));
  t.deepEqual(decodeWav(stereo), sound(200, 0, 32_767));
});

test("channels of different length: the shorter one ends in silence", (t) => {
  t.deepEqual(decodeWav(encodeWav(sound(100), sound(100, 100))), sound(100, 50));
});

test("chunks that say other things are passed over, odd ones too", (t) => {
  const list = new TextEncoder().encode("INFOx");
  t.deepEqual(
    decodeWav(wav(["LIST", list], format(), ["fact", pcm(1, 2)], ["data", pcm(7, 8)])),
    sound(7, 8),
  );
});

test("the extensible format is read where it is PCM inside", (t) => {
  const more = new Uint8Array(24);
  more[8] = 1;
  t.deepEqual(decodeWav(wav(format({ kind: 0xfffe, more }), ["data", pcm(5)])), sound(5));
  more[8] = 3;
  t.throws(() => decodeWav(wav(format({ kind: 0xfffe, more }), ["data", pcm(5)])), { message: /float/ });
});

/** The chunk that holds the lengths of an RF64 file. */
function lengths(dataLength: bigint, tableEntries = 0): Chunk {
  const body = new DataView(new ArrayBuffer(28 + 12 * tableEntries));
  body.setBigUint64(8, dataLength, true);
  body.setUint32(24, tableEntries, true);
  return ["ds64", new Uint8Array(body.buffer)];
}

for (const form of ["RF64", "BW64"]) {
  const ones = 0xffff_ffff;
  test(`${form}: the length of the sound is the long one, and what follows it is no sound`, (t) => {
    const sounding = ["data", pcm(7, 8), ones] as const;
    const list = ["LIST", new TextEncoder().encode("INFOabcd")] as const;
    t.deepEqual(decodeWav(fileOf(form, lengths(4n), format(), sounding, list)), sound(7, 8));
    t.deepEqual(decodeWav(fileOf(form, lengths(4n, 2), list, format(), sounding, list)), sound(7, 8));
  });

  test(`${form}: lengths that are left open, that lie beyond the end, or that are not there`, (t) => {
    const sounding = ["data", pcm(7, 8), ones] as const;
    for (const length of [0n, 2n ** 64n - 1n, 2n ** 40n]) {
      t.deepEqual(decodeWav(fileOf(form, lengths(length), format(), sounding)), sound(7, 8));
    }
    t.deepEqual(decodeWav(fileOf(form, format(), sounding)), sound(7, 8));
    t.deepEqual(decodeWav(fileOf(form, ["ds64", new Uint8Array(4)], format(), sounding)), sound(7, 8));
  });
}

test("a chunk of odd length that nothing fills up to an even one is passed over", (t) => {
  const [head, tail] = [wav(format()), wav(["data", pcm(7, 8)]).subarray(12)];
  const odd = Buffer.from("note\x03\0\0\0abc", "latin1");
  t.deepEqual(decodeWav(Buffer.concat([head, odd, tail])), sound(7, 8));
});

test("a file too long to be read says so, and how to shorten it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-wav-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "long.wav");
  writeFileSync(path, wav(format(), ["data", pcm(1), 0]));
  // Without data, it takes no room.
  truncateSync(path, 5 * 2 ** 30);
  const error = await t.throwsAsync(readWav(path), { instanceOf: WavError, message: /2 GiB.*ffmpeg/ });
  t.true(error?.message.startsWith(path));
});

for (const [what, length] of [
  ["no length, as a pipe writes it", 0],
  ["all ones for a length, as a pipe writes it", 0xffff_ffff],
  ["a length beyond its end, since it was cut off", 1_000],
] as const) {
  test(`sound with ${what}, is read to its end`, (t) => {
    t.deepEqual(decodeWav(wav(format(), ["data", pcm(1, 2, 3), length])), sound(1, 2, 3));
  });
}

test("a sample that is cut in two is left out", (t) => {
  t.deepEqual(decodeWav(wav(format(), ["data", pcm(1, 2).slice(0, 3)])), sound(1));
});

for (const [what, bytes, says] of [
  ["a file that is no WAV", new TextEncoder().encode("ID3 some music or other"), /is no WAV file/],
  ["big-endian WAV", fileOf("RIFX", format(), ["data", pcm(1)]), /is no WAV file.*ffmpeg/],
  ["an empty file", new Uint8Array(0), /is no WAV file/],
  [
    "float",
    wav(format({ kind: 3, bits: 32 }), ["data", pcm(1)]),
    /32-bit float; only 16-bit PCM is read.*ffmpeg/,
  ],
  ["24 bits", wav(format({ bits: 24 }), ["data", pcm(1)]), /24-bit PCM/],
  ["µ-law", wav(format({ kind: 7, bits: 8 }), ["data", pcm(1)]), /8-bit µ-law/],
  ["a kind nobody knows", wav(format({ kind: 999 }), ["data", pcm(1)]), /sound of kind 999/],
  ["no sound", wav(format()), /has no data chunk/],
  ["no format", wav(["LIST", pcm(1)]), /has no fmt chunk/],
  ["sound before the format", wav(["data", pcm(1)], format()), /sound before its format/],
  ["a format that is cut off", wav(["fmt ", new Uint8Array(4)]), /cut off in its format/],
  ["no channels", wav(format({ channels: 0 }), ["data", pcm(1)]), /has no channels/],
  ["a rate that is none", wav(format({ sampleRate: 1 }), ["data", pcm(1)]), /sample rate of 1 Hz/],
] as const) {
  test(`a clear error: ${what}`, (t) => {
    const error = t.throws(() => decodeWav(bytes, "call.wav"), { instanceOf: WavError, message: says });
    t.regex(error?.message ?? "", /^call\.wav /);
  });
}

test("no bytes make it throw anything else", (t) => {
  const head = fc.constantFrom(wav(format()), wav(format(), ["data", pcm(1, 2, 3)]));
  fc.assert(
    fc.property(head, fc.uint8Array({ maxLength: 80 }), fc.nat(60), (start, noise, keep) => {
      try {
        decodeWav(Buffer.concat([start.slice(0, keep), noise]));
      } catch (error) {
        t.true(error instanceof WavError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("channels of different rates are refused", (t) => {
  t.throws(() => encodeWav(sound(1), { samples: new Int16Array(1), sampleRate: 8_000 }), {
    instanceOf: TypeError,
  });
  t.throws(() => encodeWav(), { instanceOf: TypeError });
});
