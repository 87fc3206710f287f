import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { getEventListeners, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as nextRound, setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { errorKind } from "../src/agent/error-kind.ts";
import type { SpeechChunk } from "../src/agent/tts.ts";
import { Connections } from "../src/providers/connections.ts";
import { AlignmentReader } from "../src/providers/elevenlabs/alignment.ts";
import { refusal } from "../src/providers/elevenlabs/error.ts";
import * as elevenlabs from "../src/providers/elevenlabs/index.ts";
import { SampleReader } from "../src/providers/elevenlabs/samples.ts";
import { heardOf, placeAt, speak as tonesOf } from "./emulators/elevenlabs/tone.ts";
import {
  type ElevenlabsEmulator,
  type ElevenlabsEmulatorOptions,
  type ElevenlabsFault,
  none,
  startElevenlabs,
} from "./emulators/elevenlabs.ts";

const greeting = "Hello there, how are you?";
const anySignal = () => new AbortController().signal;

async function emulate(
  t: ExecutionContext,
  options: ElevenlabsEmulatorOptions = {},
): Promise<ElevenlabsEmulator> {
  const emulator = await startElevenlabs({ delays: none, ...options });
  t.teardown(() => emulator.close());
  return emulator;
}

/** The tests of this file share one thread: only those of deadlines are about deadlines, and they run by themselves. */
const patience = { firstByteTimeoutMs: 50_000, idleTimeoutMs: 50_000 };

function voice(
  t: ExecutionContext,
  { url }: { url: string },
  options: elevenlabs.TTSOptions = {},
): elevenlabs.TTS {
  const tts = new elevenlabs.TTS({ apiKey: "a-key", baseUrl: url, ...patience, ...options });
  t.teardown(() => tts.close());
  return tts;
}

async function speak(
  tts: elevenlabs.TTS,
  text: string,
  options: { signal?: AbortSignal; previousText?: string; nextText?: string } = {},
) {
  const chunks: SpeechChunk[] = [];
  for await (const chunk of tts.speak(text, { signal: anySignal(), ...options })) chunks.push(chunk);
  return chunks;
}

const soundOf = (chunks: readonly SpeechChunk[]) =>
  Int16Array.from(chunks.flatMap(({ samples }) => [...samples]));

/** What speaking rejects with. */
async function failure(
  tts: elevenlabs.TTS,
  text = greeting,
  signal = anySignal(),
): Promise<elevenlabs.ElevenlabsError> {
  try {
    await speak(tts, text, { signal });
  } catch (error) {
    return error as elevenlabs.ElevenlabsError;
  }
  throw new Error("It spoke");
}

/** The bodies of the requests for speech that were made so far. */
const spoken = ({ log }: ElevenlabsEmulator) =>
  log.of("request").filter(({ speech }) => speech) as unknown as {
    readonly path: string;
    readonly query: Record<string, string>;
    readonly headers: Record<string, string>;
    readonly body: Record<string, unknown>;
    readonly connection: number;
  }[];

// Leaks are looked for by themselves: these come first.

const openTimers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

test.serial("aborts before the first byte leave none of the SDK's timers behind", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  await elevenlabs.preload();
  const before = openTimers();
  emulator.faults.always = { hangs: true };
  for (let round = 1; round <= 20; round++) {
    const cancel = new AbortController();
    const outcome = failure(tts, greeting, cancel.signal);
    await emulator.log.seen("request", round);
    cancel.abort(new Error("enough"));
    t.is((await outcome).message, "enough");
  }
  t.is(openTimers(), before);
  await emulator.log.seen("disconnection", 20);
  t.is(emulator.connections.open, 0);
});

test.serial("a hundred uses, however they end, leave no socket, timer or listener behind", async (t) => {
  const emulator = await emulate(t);
  const tts = new elevenlabs.TTS({ apiKey: "a-key", baseUrl: emulator.url, maxRetries: 0, ...patience });
  const before = openTimers();
  const shared = new AbortController();
  const faults: ElevenlabsFault[] = [{}, { status: 503 }, { cutAfterMs: 400 }, { resets: true }, {}];
  for (let round = 0; round < 100; round++) {
    emulator.faults.push(faults[round % faults.length]!);
    const cancel = round % 10 === 9 ? new AbortController() : shared;
    try {
      let chunks = 0;
      for await (const _ of tts.speak(greeting, { signal: cancel.signal })) {
        if (++chunks === 2 && round % 10 === 4) break;
        if (chunks === 2 && round % 10 === 9) cancel.abort(new Error("enough"));
      }
    } catch {
      // Half of them fail, as they are meant to.
    }
  }
  await tts.close();
  while (emulator.connections.open > 0) {
    await emulator.log.seen("disconnection", emulator.log.of("disconnection").length + 1);
  }
  t.is(openTimers(), before);
  t.is(getEventListeners(shared.signal, "abort").length, 0);
  t.is(emulator.speaking, 0);
});

test.serial(
  "a thread ends by itself once its voice is closed, also after an abort before the first byte",
  async (t) => {
    const emulator = await emulate(t);
    emulator.faults.always = { hangs: true };
    const worker = new Worker(new URL("./fixtures/speak-and-abort.ts", import.meta.url), {
      workerData: { baseUrl: emulator.url },
    });
    const abort = emulator.log.seen("request").then(() => worker.postMessage("abort"));
    const [code] = await once(worker, "exit");
    await abort;
    t.is(code, 0);
  },
);

/** Runs with other variables of the environment; those that are undefined are not set. */
async function withEnvironment(
  set: Readonly<Record<string, string | undefined>>,
  run: () => unknown,
): Promise<void> {
  const before = Object.fromEntries(Object.keys(set).map((name) => [name, process.env[name]]));
  const apply = (values: typeof set) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  apply(set);
  try {
    await run();
  } finally {
    apply(before);
  }
}

test.serial("preload opens the connection that a voice made later speaks over", async (t) => {
  const emulator = await emulate(t);
  await withEnvironment(emulator.environment, async () => {
    await elevenlabs.preload();
    await Connections.to(emulator.url).prepare();
    const tts = new elevenlabs.TTS();
    t.teardown(() => tts.close());
    await speak(tts, greeting);
  });
  t.is(emulator.connections.made, 1);
  const [prepared, request] = emulator.log.of("request") as unknown as { headers: Record<string, string> }[];
  t.is(prepared!.headers["xi-api-key"], undefined);
  t.is(request!.headers["xi-api-key"], "emulated");
});

test.serial("preload without a key opens no connection", async (t) => {
  const emulator = await emulate(t);
  await withEnvironment({ ELEVENLABS_API_KEY: " ", ELEVENLABS_BASE_URL: emulator.url }, elevenlabs.preload);
  await Connections.to(emulator.url).prepare();
  t.is(emulator.connections.made, 1, "the one that was just asked for");
});

test.serial("a missing key is one clear line", async (t) => {
  for (const key of [undefined, "", " "]) {
    await withEnvironment({ ELEVENLABS_API_KEY: key }, () => {
      const message = /^ELEVENLABS_API_KEY is not set: [^\n]+$/;
      t.throws(() => new elevenlabs.TTS(), { instanceOf: TypeError, message });
    });
  }
});

test.serial("a base URL of the environment that is none is named", async (t) => {
  await withEnvironment({ ELEVENLABS_BASE_URL: "localhost" }, () => {
    t.throws(() => new elevenlabs.TTS({ apiKey: "a-key" }), {
      message: 'ELEVENLABS_BASE_URL must be an http or https URL, not "localhost"',
    });
  });
});

// Deadlines: one after the other, since a busy thread would let one pass too early.

test.serial(
  "a head without sound ends at the deadline of the first byte: the SDK's own limit ends with the head",
  async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ stallAfterMs: 0 });
    const error = await failure(voice(t, emulator, { firstByteTimeoutMs: 2_000 }));
    t.is(error.name, "DeadlineError");
    t.is(errorKind(error), "timeout");
    await emulator.log.seen("gone");
  },
);

test.serial('no answer at all is a timeout, not an error that says "timeout"', async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ hangs: true });
  const error = await failure(voice(t, emulator, { firstByteTimeoutMs: 2_000 }));
  t.is(error.name, "DeadlineError");
  t.is(errorKind(error), "timeout");
  await emulator.log.seen("gone");
});

for (const alignment of [true, false]) {
  test.serial(`a body that stalls ends by the idle timeout, alignment ${alignment}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ stallAfterMs: 600 });
    const tts = voice(t, emulator, { alignment, idleTimeoutMs: 2_000 });
    const chunks: SpeechChunk[] = [];
    const error = await t.throwsAsync(async () => {
      for await (const chunk of tts.speak(greeting, { signal: anySignal() })) chunks.push(chunk);
    });
    t.is(error?.name, "DeadlineError");
    t.true(soundOf(chunks).length >= 600 * 24);
    await emulator.log.seen("gone");
  });
}

test.serial("a listener who takes his time is not taken for a stall", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator, { idleTimeoutMs: 2_000 });
  const text = greeting.repeat(40);
  let length = 0;
  for await (const { samples } of tts.speak(text, { signal: anySignal() })) {
    if (length === 0) await pause(2_500);
    length += samples.length;
  }
  t.is(length, text.length * 60 * 24);
});

test.serial("a refusal whose body never ends is still told", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ status: 503, endlessBody: true });
  const tts = voice(t, emulator, { maxRetries: 0, firstByteTimeoutMs: 2_000 });
  t.like(await failure(tts), { status: 503, code: "service_unavailable", kind: "server" });
  await emulator.log.seen("gone");
});

// Speaking

for (const sampleRate of [16_000, 22_050, 24_000] as const) {
  for (const alignment of [true, false]) {
    test(`the sound is whole: ${sampleRate} Hz, alignment ${alignment}`, async (t) => {
      const emulator = await emulate(t, { script: { pieceMs: 70 } });
      const chunks = await speak(voice(t, emulator, { sampleRate, alignment }), greeting);
      t.true(chunks.every((chunk) => chunk.sampleRate === sampleRate));
      t.true(chunks.length > 1);
      t.deepEqual(soundOf(chunks), tonesOf(greeting, { sampleRate }));
    });
  }
}

test("by default it is Flash, in 24 kHz PCM, with timestamps", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  t.is(tts.provider, "elevenlabs");
  t.is(tts.model, "eleven_flash_v2_5");
  await speak(tts, greeting);
  const [{ path, query, headers, body }] = spoken(emulator) as [ReturnType<typeof spoken>[number]];
  t.is(path, "/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream/with-timestamps");
  t.deepEqual(query, { output_format: "pcm_24000" });
  t.is(headers["xi-api-key"], "a-key");
  t.deepEqual(body, { text: greeting, model_id: "eleven_flash_v2_5" });
});

test("every option goes to its place on the wire", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator, {
    voiceId: "other/voice",
    modelId: "eleven_turbo_v2_5",
    languageCode: "de",
    voiceSettings: { stability: 0.4, similarityBoost: 0.7, style: 0, useSpeakerBoost: false, speed: 1.1 },
    sampleRate: 16_000,
    alignment: false,
    enableLogging: false,
    optimizeStreamingLatency: 3,
    applyTextNormalization: "off",
  });
  await speak(tts, greeting, { previousText: "Before.", nextText: "After." });
  const [{ path, query, body }] = spoken(emulator) as [ReturnType<typeof spoken>[number]];
  t.is(path, "/v1/text-to-speech/other%2Fvoice/stream");
  t.deepEqual(query, {
    output_format: "pcm_16000",
    enable_logging: "false",
    optimize_streaming_latency: "3",
  });
  t.deepEqual(body, {
    text: greeting,
    model_id: "eleven_turbo_v2_5",
    language_code: "de",
    voice_settings: { stability: 0.4, similarity_boost: 0.7, style: 0, use_speaker_boost: false, speed: 1.1 },
    previous_text: "Before.",
    next_text: "After.",
    apply_text_normalization: "off",
  });
});

test("neighbours are sent as far as they matter, whole characters, and not to the third generation", async (t) => {
  const emulator = await emulate(t);
  const neighbours = { previousText: `😀${"a".repeat(299)}`, nextText: `${"b".repeat(299)}😀` };
  await speak(voice(t, emulator), greeting, neighbours);
  await speak(voice(t, emulator, { modelId: "eleven_v3" }), greeting, neighbours);
  const [flash, third] = spoken(emulator);
  t.is(flash?.body.previous_text, "a".repeat(299));
  t.is(flash?.body.next_text, "b".repeat(299));
  t.is(third?.body.previous_text, undefined);
  t.is(third?.body.next_text, undefined);
});

test("text without words asks for nothing", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  for (const text of ["", " ", "\n\t "]) t.deepEqual(await speak(tts, text), []);
  t.is(emulator.connections.made, 0);
});

test("sentences asked for at once do not wait for each other", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  const [first, second] = await Promise.all([speak(tts, "One sentence."), speak(tts, "And another one.")]);
  t.deepEqual(soundOf(first), tonesOf("One sentence.", { sampleRate: 24_000 }));
  t.deepEqual(soundOf(second), tonesOf("And another one.", { sampleRate: 24_000 }));
  t.is(emulator.connections.made, 2);
});

// Alignment

/** Whether each character begins where the emulator spoke it. */
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

test("a space that was not asked for is not part of the alignment", async (t) => {
  const emulator = await emulate(t, { script: { leadingSpace: true } });
  const chunks = await speak(voice(t, emulator), greeting);
  t.is(chunks.flatMap(({ alignment }) => alignment?.characters ?? []).join(""), greeting);
});

test("an answer without alignment is spoken all the same", async (t) => {
  const emulator = await emulate(t, { script: { alignment: false } });
  const chunks = await speak(voice(t, emulator), greeting);
  t.true(chunks.every(({ alignment }) => alignment === undefined));
  t.deepEqual(soundOf(chunks), tonesOf(greeting, { sampleRate: 24_000 }));
});

test("characters cut in two by the network arrive whole: the SDK decodes each piece by itself", async (t) => {
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

// Aborts

for (const alignment of [true, false]) {
  test(`an abort in mid-speech closes the connection at once, alignment ${alignment}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ stallAfterMs: 400 });
    const cancel = new AbortController();
    const speech = voice(t, emulator, { alignment }).speak(greeting, { signal: cancel.signal });
    await speech.next();
    await emulator.log.seen("first_byte");
    const reason = new Error("barge-in");
    const rest = (async () => {
      for await (const _ of speech);
    })();
    cancel.abort(reason);
    t.is(await t.throwsAsync(rest), reason);
    await emulator.log.seen("gone");
    await emulator.log.seen("disconnection");
  });
}

test("after an abort nothing more is yielded, though it has come already", async (t) => {
  const emulator = await emulate(t);
  const cancel = new AbortController();
  const speech = voice(t, emulator).speak(greeting, { signal: cancel.signal });
  await speech.next();
  await emulator.log.seen("end");
  cancel.abort(new Error("barge-in"));
  await t.throwsAsync(speech.next(), { message: "barge-in" });
  t.true((await speech.next()).done);
});

test("an abort before anything asks for nothing", async (t) => {
  const emulator = await emulate(t);
  await t.throwsAsync(speak(voice(t, emulator), greeting, { signal: AbortSignal.abort(new Error("late")) }), {
    message: "late",
  });
  t.is(emulator.connections.made, 0);
});

test("leaving the loop closes the response", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ stallAfterMs: 400 });
  for await (const _ of voice(t, emulator).speak(greeting, { signal: anySignal() })) break;
  t.truthy(await emulator.log.seen("gone"));
});

test("an abort is not kept waiting by the pause before a retry", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.always = { status: 429, code: "system_busy", retryAfterSeconds: 60 };
  const tts = voice(t, emulator, { firstByteTimeoutMs: 3_600_000 });
  const cancel = new AbortController();
  const received = Promise.withResolvers<void>();
  const channel = "http.client.response.finish";
  const seen = (message: unknown) => {
    const { request } = message as { request: { getHeader(name: string): unknown } };
    if (request.getHeader("host") === new URL(emulator.url).host) received.resolve();
  };
  subscribe(channel, seen);
  t.teardown(() => unsubscribe(channel, seen));
  const outcome = failure(tts, greeting, cancel.signal);
  await received.promise;
  // The rest of the refusal came with its head; these rounds take it to the voice.
  for (let round = 0; round < 10; round++) await nextRound();
  cancel.abort(new Error("barge-in"));
  t.is((await outcome).message, "barge-in");
  t.is(spoken(emulator).length, 1);
});

test("closing ends what is being spoken, and nothing is spoken after it", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ stallAfterMs: 400 });
  const tts = voice(t, emulator);
  const speech = tts.speak(greeting, { signal: anySignal() });
  await speech.next();
  await tts.close();
  await t.throwsAsync(
    async () => {
      for await (const _ of speech);
    },
    { name: "AbortError" },
  );
  await emulator.log.seen("disconnection");
  await t.throwsAsync(speak(tts, greeting), { name: "AbortError" });
  t.is(emulator.connections.open, 0);
});

// Errors

interface Refused {
  readonly fault: ElevenlabsFault;
  readonly kind: elevenlabs.ElevenlabsErrorKind;
  readonly code?: string;
  readonly message: RegExp;
}

const refusals: Readonly<Record<string, Refused>> = {
  "a wrong key": {
    fault: { status: 401 },
    kind: "unauthorized",
    code: "invalid_api_key",
    message: /Invalid API key/,
  },
  "no credits left": {
    fault: { status: 401, code: "quota_exceeded", message: "You have 5 credits remaining" },
    kind: "quota",
    code: "quota_exceeded",
    message: /5 credits remaining/,
  },
  "too many at once": {
    fault: { status: 429, code: "too_many_concurrent_requests" },
    kind: "concurrency",
    code: "too_many_concurrent_requests",
    message: /^ElevenLabs answered 429 too_many_concurrent_requests/,
  },
  "an older answer, with its reason in status alone": {
    fault: { status: 429, body: { detail: { status: "system_busy", message: "Busy" } } },
    kind: "busy",
    code: "system_busy",
    message: /Busy$/,
  },
  "an unknown voice": {
    fault: { status: 404, code: "voice_not_found", message: "No such voice" },
    kind: "invalid",
    code: "voice_not_found",
    message: /No such voice/,
  },
  "fields that do not fit": {
    fault: {
      status: 422,
      body: { detail: [{ loc: ["body", "seed"], msg: "too large", input: "a secret" }] },
    },
    kind: "invalid",
    message: /^ElevenLabs answered 422: body\.seed: too large$/,
  },
  "a page instead of an answer": {
    fault: { status: 502, body: "<html>\n <head><title>502</title></head>  Bad gateway\n</html>" },
    kind: "server",
    message: /^ElevenLabs answered 502: 502 Bad gateway$/,
  },
  "a plain detail": {
    fault: { status: 405, body: { detail: "Method Not Allowed" } },
    kind: "invalid",
    message: /Not Allowed$/,
  },
  "no credits, as newer answers tell it": {
    fault: { status: 402, code: "insufficient_credits", message: "None left" },
    kind: "quota",
    code: "insufficient_credits",
    message: /None left$/,
  },
  "no credits, without a code": {
    fault: { status: 402, body: { detail: "Payment required" } },
    kind: "quota",
    message: /Payment required$/,
  },
  "a quota behind a status that else passes": {
    fault: { status: 429, code: "quota_exceeded", message: "Used up" },
    kind: "quota",
    code: "quota_exceeded",
    message: /Used up$/,
  },
  "a voice of another plan": {
    fault: { status: 402, code: "paid_plan_required", message: "Free users cannot" },
    kind: "unauthorized",
    code: "paid_plan_required",
    message: /Free users cannot$/,
  },
  "an account that is blocked": {
    fault: { status: 401, code: "detected_unusual_activity", message: "Unusual" },
    kind: "unauthorized",
    code: "detected_unusual_activity",
    message: /Unusual$/,
  },
  "a gateway's own shape": {
    fault: { status: 503, body: { error: { message: "no healthy upstream" } } },
    kind: "server",
    message: /^ElevenLabs answered 503: no healthy upstream$/,
  },
  "a list": {
    fault: { status: 500, body: [{ detail: { code: "internal_error", message: "Sorry" } }] },
    kind: "server",
    code: "internal_error",
    message: /Sorry$/,
  },
  "half a character at the longest length": {
    fault: { status: 400, body: { detail: `${"a".repeat(299)}😀 and on` } },
    kind: "invalid",
    message: /: a{299}…$/,
  },
  "nothing at all": {
    fault: { status: 500, body: "" },
    kind: "server",
    message: /^ElevenLabs answered 500$/,
  },
  "a redirect, which the SDK takes for sound": {
    fault: { status: 307, location: "/elsewhere", body: "" },
    kind: "server",
    message: /answered 307/,
  },
};

for (const [name, { fault, kind, code, message }] of Object.entries(refusals)) {
  test(`an error with its reason: ${name}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push(fault);
    const error = await failure(voice(t, emulator, { maxRetries: 0 }));
    t.true(error instanceof elevenlabs.ElevenlabsError);
    const { kind: toldKind, status, code: toldCode } = error;
    t.deepEqual({ kind: toldKind, status, code: toldCode }, { kind, status: fault.status, code });
    t.regex(error.message, message);
    t.notRegex(error.message, /secret|a-key/);
    t.is(error.requestId, `emulated-${emulator.log.of("refused")[0]!.request}`);
    if (fault.status! >= 400) t.is(errorKind(error), code ?? `http_${fault.status}`);
  });
}

for (const [encoding, encode] of Object.entries({
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  "gzip, br": (text: string) => brotliCompressSync(gzipSync(text)),
})) {
  test(`a refusal that is encoded as ${encoding} is read`, async (t) => {
    const body = encode(JSON.stringify({ detail: { code: "quota_exceeded", message: "Used up" } }));
    const server = createServer((incoming, response) => {
      incoming.resume().on("end", () => {
        response
          .writeHead(401, { "content-encoding": encoding, "content-type": "application/json" })
          .end(body);
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.teardown(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const error = await failure(voice(t, { url }));
    t.like(error, { kind: "quota", status: 401, code: "quota_exceeded" });
  });
}

for (const [what, headers, detail, id] of [
  ["in a header of its own", { "request-id": "r-1", "x-trace-id": "t-1" }, { request_id: "d-1" }, "r-1"],
  ["in the body", { "x-trace-id": "t-1", "x-request-id": "gateway" }, { request_id: "d-1" }, "d-1"],
  ["as a trace", { "x-trace-id": "t-1", "x-request-id": "gateway" }, {}, "t-1"],
  ["as the gateway's", { "x-request-id": "gateway" }, {}, "gateway"],
  ["nowhere", {}, {}, undefined],
] as const) {
  test(`the id of a refused request is found ${what}`, (t) => {
    const text = JSON.stringify({ detail: { code: "system_busy", message: "Busy", ...detail } });
    t.is(refusal({ status: 429, headers, text }).requestId, id);
  });
}

test("the service's own checks: what it refuses is known by its reason", async (t) => {
  const emulator = await emulate(t, {
    account: { apiKey: "the-key", unknownVoices: new Set(["nobody"]), credits: 30 },
  });
  const right = { apiKey: "the-key", maxRetries: 0 };
  const codes = async (options: elevenlabs.TTSOptions, text?: string) =>
    (await failure(voice(t, emulator, options), text)).code;
  t.is(await codes({ apiKey: "wrong" }), "invalid_api_key");
  t.is(await codes({ ...right, voiceId: "nobody" }), "voice_not_found");
  t.is(await codes({ ...right, modelId: "eleven_nothing" }), "model_not_found");
  t.is(await codes({ ...right, modelId: "eleven_flash_v2", languageCode: "de" }), "unsupported_language");
  t.is(await codes(right, "a".repeat(40_001)), "max_character_limit_exceeded");
  t.is(await codes(right, "a".repeat(31)), "insufficient_credits");
  t.is((await speak(voice(t, emulator, right), "a".repeat(30))).length > 0, true);
});

test("more voices than the plan allows: a kind of its own, never asked again", async (t) => {
  const emulator = await emulate(t, { account: { maxConcurrentRequests: 2 } });
  const tts = voice(t, emulator);
  emulator.faults.push({ stallAfterMs: 200 }, { stallAfterMs: 200 });
  const running = [
    tts.speak(greeting, { signal: anySignal() }),
    tts.speak(greeting, { signal: anySignal() }),
  ];
  for (const speech of running) await speech.next();
  const error = await failure(tts);
  t.is(error.kind, "concurrency");
  t.is(error.code, "too_many_concurrent_requests");
  t.false(error.retryable);
  t.is(spoken(emulator).length, 3);
  for (const speech of running) await speech.return();
});

test("no server at all", async (t) => {
  const emulator = await emulate(t);
  const { url } = emulator;
  await emulator.close();
  const error = await failure(voice(t, { url }, { maxRetries: 1 }));
  t.is(error.kind, "network");
  t.is(error.code, "ECONNREFUSED");
  t.is(errorKind(error), "network");
});

for (const alignment of [true, false]) {
  test(`a connection cut in mid-speech is an error, after what had come, and not asked again, alignment ${alignment}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ cutAfterMs: 600 });
    const chunks: SpeechChunk[] = [];
    const error = await t.throwsAsync(async () => {
      const tts = voice(t, emulator, { alignment });
      for await (const chunk of tts.speak(greeting, { signal: anySignal() })) chunks.push(chunk);
    });
    t.is(errorKind(error), "network");
    t.true(chunks.length > 0);
    t.is(spoken(emulator).length, 1);
  });
}

test("an answer that begins well and then says what went wrong", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ errorAfterMs: 400 });
  const error = await failure(voice(t, emulator));
  t.is(error.kind, "server");
  t.regex(error.message, /internal_error/);
});

test("a page is never played as sound", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ contentType: "text/html; charset=utf-8" });
  const error = await failure(voice(t, emulator, { alignment: false, maxRetries: 0 }));
  t.is(error.code, "bad_answer");
  await emulator.log.seen("disconnection");
});

test("an answer without sound is an error", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ empty: true }, { empty: true }, {});
  const tts = voice(t, emulator, { maxRetries: 1 });
  t.is((await failure(tts)).code, "empty_answer");
  t.is((await speak(tts, greeting)).length > 0, true);
});

// Retries

for (const [name, fault] of Object.entries<ElevenlabsFault>({
  "a busy service": { status: 429, code: "system_busy" },
  "a fault of the service": { status: 503 },
  "a connection that breaks": { resets: true },
  "an answer without sound": { empty: true },
})) {
  test(`before the first byte it is asked again: ${name}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push(fault, fault);
    const chunks = await speak(voice(t, emulator), greeting);
    t.deepEqual(soundOf(chunks), tonesOf(greeting, { sampleRate: 24_000 }));
    t.is(spoken(emulator).length, 3);
  });
}

test("retries are bounded", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.always = { status: 503 };
  t.is((await failure(voice(t, emulator))).status, 503);
  t.is(spoken(emulator).length, 3);
});

test("what can never succeed is not asked again", async (t) => {
  const emulator = await emulate(t);
  for (const status of [400, 401, 403, 404, 422]) {
    emulator.faults.push({ status });
    t.is((await failure(voice(t, emulator))).status, status);
  }
  t.is(spoken(emulator).length, 5);
});

test("Retry-After is kept where there is time for it, and else it fails at once", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ status: 503, retryAfterSeconds: 60 });
  const error = await failure(voice(t, emulator));
  t.is(error.retryAfterMs, 60_000);
  t.is(spoken(emulator).length, 1);
  emulator.faults.push({ status: 503, retryAfterSeconds: 1 });
  t.true((await speak(voice(t, emulator), greeting)).length > 0);
  t.is(spoken(emulator).length, 3);
});

test("a kept connection that the server has closed costs no retry of the bounded ones, and no pause", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator, { maxRetries: 0 });
  await speak(tts, greeting);
  emulator.faults.push({ resets: true });
  t.true((await speak(tts, greeting)).length > 0);
  t.is(emulator.connections.made, 2);
});

// Connections

test("warm opens the connection that the first sentences take", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  await tts.warm(anySignal());
  t.is(emulator.connections.made, 1);
  await speak(tts, "One sentence.");
  await speak(tts, "And another one.");
  t.is(emulator.connections.made, 1);
  t.deepEqual(
    spoken(emulator).map(({ connection }) => connection),
    [0, 0],
  );
});

test("warm tells of a wrong key and an unknown voice, and lets a key be that may only speak", async (t) => {
  const emulator = await emulate(t, { account: { apiKey: "the-key", unknownVoices: new Set(["nobody"]) } });
  await t.throwsAsync(voice(t, emulator).warm(anySignal()), {
    code: "invalid_api_key",
    message: /401.*Invalid API key/,
  });
  await t.throwsAsync(voice(t, emulator, { apiKey: "the-key", voiceId: "nobody" }).warm(anySignal()), {
    code: "voice_not_found",
  });
  emulator.account.restrictedKey = true;
  const tts = voice(t, emulator, { apiKey: "the-key" });
  await t.notThrowsAsync(tts.warm(anySignal()));
  await speak(tts, greeting);
});

test("warm can be given up", async (t) => {
  const emulator = await emulate(t);
  await t.throwsAsync(voice(t, emulator).warm(AbortSignal.abort(new Error("late"))), { message: "late" });
});

test("the SDK and fetch stay as they are for everybody else", async (t) => {
  const emulator = await emulate(t);
  const { fetch } = globalThis;
  await speak(voice(t, emulator), greeting);
  t.is(globalThis.fetch, fetch);
  const { TextToSpeech } = await import("elevenlabs/api/resources/textToSpeech/client/Client.js");
  const other = new TextToSpeech({ apiKey: "another", baseUrl: emulator.url });
  const body = await other.convertAsStream("someone", { text: greeting, output_format: "pcm_16000" });
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) bytes += piece.length;
  t.is(bytes, greeting.length * 60 * 16 * 2);
});

// Options

for (const [name, options, message] of [
  ["an unknown option", { voice: "x" }, /there is no option voice: did you mean voiceId\?$/],
  ["an unknown setting", { voiceSettings: { pitch: 1 } }, /there is no option voiceSettings\.pitch$/],
  [
    "a setting out of range",
    { voiceSettings: { speed: 2 } },
    /voiceSettings\.speed must be a number from 0\.7 to 1\.2, not 2$/,
  ],
  [
    "a sample rate that no call needs",
    { sampleRate: 44_100 },
    /sampleRate must be one of 16000, 22050, 24000, not 44100$/,
  ],
  [
    "a base URL that is none",
    { baseUrl: "api.elevenlabs.io" },
    /baseUrl must be an http or https URL, not "api.elevenlabs.io"$/,
  ],
  [
    "a language by its name",
    { languageCode: "German" },
    /languageCode must be a code such as de, not "German"$/,
  ],
  ["latency out of range", { optimizeStreamingLatency: 5 }, /from 0 to 4, not 5$/],
  ["no voice", { voiceId: " " }, /voiceId must be a text, not " "$/],
  [
    "a timeout that is none",
    { firstByteTimeoutMs: Number.POSITIVE_INFINITY },
    /from 1 to 2147483647, not Infinity$/,
  ],
  [
    "a key that cannot be a header",
    { apiKey: "sécret\n" },
    /^elevenlabs\.TTS: apiKey must be a key, without spaces$/,
  ],
] as const) {
  test(`refused when it is made: ${name}`, (t) => {
    const given = { apiKey: "a-key", ...options } as unknown as elevenlabs.TTSOptions;
    t.throws(() => new elevenlabs.TTS(given), { instanceOf: TypeError, message });
  });
}

// The emulator itself

test("the emulator answers as the service does, to anybody", async (t) => {
  const { url, account } = await emulate(t, { account: { maxConcurrentRequests: 3 } });
  const path = `${url}/v1/text-to-speech/someone/stream?output_format=pcm_16000`;
  const ask = (body: unknown, headers: Record<string, string> = { "xi-api-key": "a-key" }) =>
    fetch(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });
  const spokenAnswer = await ask({ text: "Hello.", model_id: "eleven_flash_v2_5" });
  t.is(spokenAnswer.status, 200);
  t.is(spokenAnswer.headers.get("character-cost"), "6");
  t.is(spokenAnswer.headers.get("current-concurrent-requests"), "1");
  t.is(spokenAnswer.headers.get("maximum-concurrent-requests"), "3");
  t.truthy(spokenAnswer.headers.get("request-id"));
  t.is((await spokenAnswer.bytes()).length, 6 * 60 * 16 * 2);
  const refused = async (answer: Promise<Response>) => {
    const { status } = await answer;
    const { detail } = (await (await answer).json()) as {
      detail: { status?: string } | { loc: string[]; msg: string }[];
    };
    return [status, Array.isArray(detail) ? detail.map(({ loc }) => loc.join(".")) : detail.status];
  };
  t.deepEqual(await refused(ask({ text: "Hello." }, {})), [401, "needs_authorization"]);
  t.deepEqual(await refused(ask({})), [422, ["body.text"]]);
  t.deepEqual(await refused(ask("no JSON")), [422, ["body.0"]]);
  t.deepEqual(await refused(ask({ text: 5, voice_settings: { speed: 3 } })), [
    422,
    ["body.text", "body.voice_settings.speed"],
  ]);
  account.credits = 5;
  t.deepEqual(await refused(ask({ text: "Hello." })), [402, "insufficient_credits"]);
});

test("the emulator's sound tells how much of a text was heard", (t) => {
  const options = { sampleRate: 24_000 };
  const sound = tonesOf(greeting, options);
  for (const heard of [0, 1, 5, 13, greeting.length - 1]) {
    const length = heardOf(greeting, sound.subarray(0, heard * 1_440), options);
    t.is(greeting.slice(0, length).replaceAll(/\W+$/g, ""), greeting.slice(0, heard).replaceAll(/\W+$/g, ""));
  }
  const late = Int16Array.from([...new Int16Array(5_000), ...sound]);
  t.is(heardOf(greeting, late, options), greeting.length - 1);
});

test("markup that a model performs is declared by model, and told of or left out", (t) => {
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
