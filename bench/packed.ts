import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
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
  /** Its module for tests, which has a call in memory. */
  readonly testing: URL;
  /** Its built-in agent, which carries calls in browsers. */
  readonly agent: URL;
  /** Agents whose calls are in memory: a thread then holds what their services take, and no media of an edge. */
  readonly own: { readonly openaiCompatible: URL; readonly threeSdks: URL };
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
    own: {
      openaiCompatible: write(
        "openai-compatible",
        'import { LLM, STT, TTS } from "./src/providers/openai-compatible/index.js";',
        'llm: new LLM("emulated", at), stt: new STT("emulated", at), tts: new TTS("emulated", at),',
      ),
      threeSdks: write(
        "three-sdks",
        `import { LLM } from "./src/providers/gemini/index.js";
import { STT } from "./src/providers/deepgram/index.js";
import { TTS } from "./src/providers/elevenlabs/index.js";`,
        "llm: new LLM(), stt: new STT(), tts: new TTS(),",
      ),
    },
  };
  const { own, ...parts } = packed;
  for (const file of [...Object.values(parts), ...Object.values(own)]) {
    if (!existsSync(file)) throw new Error(`The packed build has no ${fileURLToPath(file)}`);
  }
  return packed;
}

/** Writes an agent into the packed build, where it imports the package's modules as an installed agent does. */
function write(name: string, imports: string, services: string): URL {
  const file = new URL(`bench-${name}.js`, folder);
  writeFileSync(
    file,
    `import { Agent, defineAgent } from "./src/index.js";
import { Edge } from "./src/testing/index.js";
${imports}
const at = { baseUrl: process.env.BENCH_COMPATIBLE_URL ?? "http://127.0.0.1:9/v1", apiKey: "emulated" };
export default defineAgent({
  createAgent: ({ sessionId }) =>
    new Agent({
      edge: new Edge({ name: sessionId }),
      agentUser: { id: "agent", name: "Agent" },
      instructions: "Answer in short sentences.",
      ${services}
    }),
  async joinCall(agent, { callType, callId }) {
    const call = await agent.createCall(callType, callId);
    // Its caller comes after the first turn.
    await using _ = await agent.join(call, { participantWaitTimeoutMs: null });
    await agent.say("Hello, I am here.");
    await agent.finish();
  },
});
`,
  );
  return file;
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
