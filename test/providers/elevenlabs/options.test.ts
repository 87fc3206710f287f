import test from "ava";
import * as elevenlabs from "../../../src/providers/elevenlabs/index.ts";
import { Connections } from "../../../src/providers/http/connections.ts";
import { emulate, greeting, speak } from "../../fixtures/providers/elevenlabs-voice.ts";

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
