import test from "ava";
import * as elevenlabs from "../../../src/providers/elevenlabs/index.ts";
import { Connections } from "../../../src/providers/http/connections.ts";
import { heardOf, speak as tonesOf } from "../../emulators/elevenlabs/tone.ts";
import {
  emulate,
  greeting,
  soundOf,
  speak,
  spoken,
  voice,
} from "../../fixtures/providers/elevenlabs-voice.ts";

test("the sound has the rate of the call where no option says another one", async (t) => {
  const emulator = await emulate(t);
  const rates = [
    [8_000, undefined, 16_000],
    [16_000, undefined, 16_000],
    [48_000, undefined, 24_000],
    [undefined, undefined, 24_000],
    [16_000, 24_000, 24_000],
  ] as const;
  for (const [sampleRate, option, expected] of rates) {
    const tts = voice(t, emulator, option === undefined ? {} : { sampleRate: option });
    const chunks = await speak(tts, greeting, sampleRate === undefined ? {} : { sampleRate });
    t.true(chunks.every((chunk) => chunk.sampleRate === expected));
    t.deepEqual(soundOf(chunks), tonesOf(greeting, { sampleRate: expected }));
  }
});

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

test("every option becomes a field of the request", async (t) => {
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

test("for a blank text no request is sent", async (t) => {
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

test.serial("an invalid base URL of the environment is named", async (t) => {
  await withEnvironment({ ELEVENLABS_BASE_URL: "localhost" }, () => {
    t.throws(() => new elevenlabs.TTS({ apiKey: "a-key" }), {
      message: 'ELEVENLABS_BASE_URL must be an http or https URL, not "localhost"',
    });
  });
});

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
  test(`refused by the constructor: ${name}`, (t) => {
    const given = { apiKey: "a-key", ...options } as unknown as elevenlabs.TTSOptions;
    t.throws(() => new elevenlabs.TTS(given), { instanceOf: TypeError, message });
  });
}

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
