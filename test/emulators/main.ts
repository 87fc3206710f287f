/**
 * `npm run emulators`: Gemini, Deepgram, ElevenLabs, Cartesia and Stream on this machine, so that whole calls can be tried without keys.
 * They speak the real protocols, with generated content.
 */
import { parseArgs } from "node:util";
import { published as cartesiaPublished, startCartesia } from "./cartesia.ts";
import { none as deepgramNone, published as deepgramPublished, startDeepgram } from "./deepgram.ts";
import { none as elevenlabsNone, published as elevenlabsPublished, startElevenlabs } from "./elevenlabs.ts";
import type { Emulator } from "./emulator.ts";
import { geminiDelays, startGemini } from "./gemini.ts";
import { startStream } from "./stream.ts";

const content = `They do not listen: what Deepgram and Cartesia "hear" is a list of phrases, whatever is said to them. Gemini answers by a few rules,
ElevenLabs and Cartesia speak in tones, and Stream carries what is said in a call to all who are in it. A key that begins with "wrong" is
refused by all but Stream as the real services refuse one.`;

const usage = `npm run emulators [-- <options>]

  --delays <published|none>   how long answers take: as the services publish it (default), or no time
  --gemini <port>             port of Gemini (default: a free one)
  --deepgram <port>           port of Deepgram
  --elevenlabs <port>         port of ElevenLabs
  --cartesia <port>           port of Cartesia, which GREENROOM_STT=cartesia and GREENROOM_TTS=cartesia choose
  --stream <port>             port of Stream; its sound takes free ports of UDP
  --help                      this

${content}`;

/** The time between two clearings of the emulators' logs, which are not read here, in milliseconds. */
const forgetIntervalMs = 10_000;

const delaysOf = {
  published: {
    gemini: geminiDelays.published,
    deepgram: deepgramPublished,
    elevenlabs: elevenlabsPublished,
    cartesia: cartesiaPublished,
  },
  none: { gemini: geminiDelays.none, deepgram: deepgramNone, elevenlabs: elevenlabsNone, cartesia: {} },
};

interface Settings {
  readonly delays: keyof typeof delaysOf;
  readonly ports: Readonly<Record<"gemini" | "deepgram" | "elevenlabs" | "cartesia" | "stream", number>>;
}

/** Reads the command line; returns null where help is asked for. Throws an `Error` that says what is wrong. */
function readSettings(argv: readonly string[]): Settings | null {
  const option = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      delays: { ...option, default: "published" },
      gemini: { ...option, default: "0" },
      deepgram: { ...option, default: "0" },
      elevenlabs: { ...option, default: "0" },
      cartesia: { ...option, default: "0" },
      stream: { ...option, default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const { delays } = values;
  if (delays !== "published" && delays !== "none") throw new Error("--delays must be published or none");
  const port = (name: keyof Settings["ports"]): number => {
    const text = values[name];
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
    throw new Error(`--${name} must be a port, not ${JSON.stringify(text)}`);
  };
  return {
    delays,
    ports: {
      gemini: port("gemini"),
      deepgram: port("deepgram"),
      elevenlabs: port("elevenlabs"),
      cartesia: port("cartesia"),
      stream: port("stream"),
    },
  };
}

/** Starts all emulators. Where one cannot be started, the others are closed. */
async function start({ delays, ports }: Settings): Promise<Emulator[]> {
  const { gemini, deepgram, elevenlabs, cartesia } = delaysOf[delays];
  const starts = await Promise.allSettled<Emulator>([
    startGemini({ port: ports.gemini, delays: gemini }),
    startDeepgram({ port: ports.deepgram, delays: deepgram }),
    startElevenlabs({ port: ports.elevenlabs, delays: elevenlabs }),
    startCartesia({ port: ports.cartesia, script: cartesia }),
    startStream({ port: ports.stream }),
  ]);
  const started = starts.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = starts.find((one) => one.status === "rejected");
  if (failed === undefined) return started;
  await Promise.all(started.map((emulator) => emulator.close()));
  throw failed.reason;
}

function tell(emulators: readonly Emulator[], delays: string): void {
  const environment = emulators.flatMap((emulator) => Object.entries(emulator.environment));
  const lines = (prefix: string) => environment.map(([name, value]) => `${prefix}${name}=${value}`);
  const rows = emulators.map(({ provider, url }) => `${provider.padEnd(12)}${url}`);
  console.log(`${rows.join("\n")}

${content}

Delays: ${delays}. Ctrl-C ends them. In the terminal of the server, before npm start, npm run console or node agent.ts serve:

${lines("export ").join("\n")}

Or in the file .env:

${lines("").join("\n")}
`);
}

/** One press of Ctrl-C can arrive twice: from the terminal, and from npm. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => resolve());
  });
}

try {
  const settings = readSettings(process.argv.slice(2));
  if (settings === null) console.log(usage);
  else {
    const end = ended();
    const emulators = await start(settings);
    const forget = setInterval(() => {
      for (const { log } of emulators) log.clear();
    }, forgetIntervalMs);
    tell(emulators, settings.delays);
    await end;
    clearInterval(forget);
    await Promise.all(emulators.map((emulator) => emulator.close()));
  }
} catch (error) {
  const { code = "", message, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  console.error(code === "EADDRINUSE" ? `Port ${port} is in use: choose another one, or none` : message);
  process.exitCode = code === "" || code.startsWith("ERR_PARSE_ARGS") ? 2 : 1;
}
