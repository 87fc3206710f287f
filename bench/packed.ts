import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { none as deepgramNone, startDeepgram } from "../test/emulators/deepgram.ts";
import { none as elevenlabsNone, startElevenlabs } from "../test/emulators/elevenlabs.ts";
import { geminiDelays, startGemini } from "../test/emulators/gemini.ts";

const root = new URL("../", import.meta.url);
/** The folder of the packed build: below node_modules, as if installed, where it finds its dependencies. */
const folder = new URL("node_modules/.cache/greenroom-bench/", root);

/** The modules of the packed build, which is what runs in production. */
export interface Packed {
  /** The package's main module. */
  readonly main: URL;
  /** What it offers for tests: a call in memory. */
  readonly testing: URL;
  /** Its built-in agent. */
  readonly agent: URL;
  /** Its command line. */
  readonly command: URL;
}

/** Makes the packed build. */
export function pack(): Packed {
  const script = fileURLToPath(new URL("scripts/pack.ts", root));
  execFileSync(process.execPath, [script, fileURLToPath(folder), "--bare"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const manifest = JSON.parse(readFileSync(new URL("package.json", folder), "utf8")) as {
    readonly bin: { readonly greenroom: string };
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  const entryOf = (name: string) => {
    const entry = manifest.exports[name] ?? "";
    return new URL(typeof entry === "string" ? entry : entry.default, folder);
  };
  const packed = {
    main: entryOf("."),
    testing: entryOf("./testing"),
    agent: new URL("workers/default-agent.js", folder),
    command: new URL(manifest.bin.greenroom, folder),
  };
  for (const file of Object.values(packed)) {
    if (!existsSync(file)) throw new Error(`The packed build has no ${fileURLToPath(file)}`);
  }
  return packed;
}

/**
 * The environment without keys, of which there may be some in that of the bench itself: those that are not given are
 * empty.
 */
export const noKeys = {
  GOOGLE_API_KEY: "",
  DEEPGRAM_API_KEY: "",
  ELEVENLABS_API_KEY: "",
  GREENROOM_LLM: "",
  GREENROOM_STT: "",
  GREENROOM_TTS: "",
};

/** Emulated services that take no time: their keys have the built-in agent load the SDKs of Gemini, Deepgram and ElevenLabs. */
export async function startThreeServices() {
  const gemini = await startGemini({ delays: geminiDelays.none });
  const deepgram = await startDeepgram({ delays: deepgramNone });
  const elevenlabs = await startElevenlabs({ delays: elevenlabsNone });
  const services = [gemini, deepgram, elevenlabs];
  return {
    environment: { ...gemini.environment, ...deepgram.environment, ...elevenlabs.environment },
    async [Symbol.asyncDispose]() {
      await Promise.all(services.map((service) => service[Symbol.asyncDispose]()));
    },
  };
}
