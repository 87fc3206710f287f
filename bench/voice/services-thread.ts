// The three services, in a thread of their own: what they cost must not be taken for the server's.
import { parentPort, workerData } from "node:worker_threads";
import { selfSigned } from "../../test/emulators/certificate.ts";
import {
  none as deepgramNone,
  published as deepgramPublished,
  startDeepgram,
} from "../../test/emulators/deepgram.ts";
import {
  none as elevenlabsNone,
  published as elevenlabsPublished,
  startElevenlabs,
} from "../../test/emulators/elevenlabs.ts";
import { geminiDelays, startGemini } from "../../test/emulators/gemini.ts";
import { startOpenai } from "../../test/emulators/openai.ts";
import type { BenchSettings } from "../figure.ts";
import { backchannel, replies } from "./replies.ts";
import { SlowWire } from "./slow-wire.ts";
import { markOf, type WireTimes, wireTimes } from "./wire-times.ts";

export interface ServicesOptions {
  /** The provider of the model. */
  readonly llm: BenchSettings["llm"];
  readonly delays: "none" | "published";
  /** TLS, and so long a way there and back, in milliseconds; null: neither. */
  readonly roundTripMs: number | null;
}

export interface ServicesReady {
  readonly environment: Readonly<Record<string, string>>;
  /** The certificate, in PEM; null without TLS. */
  readonly certificate: string | null;
}

export type ServicesOrder =
  | { readonly type: "reply"; readonly reply: keyof typeof replies }
  /** Tells what was seen since the last time. */
  | { readonly type: "take" };

export interface ServicesReport {
  readonly calls: ReadonlyMap<number, WireTimes>;
  /** The time that one way really took on the average, in milliseconds. */
  readonly oneWayMs: number;
}

const { llm, delays, roundTripMs } = workerData as ServicesOptions;
const tls = roundTripMs === null ? null : selfSigned();
const secure = tls === null ? {} : { tls };
const published = delays === "published";
let reply: keyof typeof replies = "short";

const deepgram = await startDeepgram({
  ...secure,
  // A caller who says a word is enough: how long they speak is no part of any figure.
  delays: published ? { ...deepgramPublished, startOfTurnMs: 80 } : deepgramNone,
  script: {
    phrases({ connection }) {
      const words = `his is ${markOf(connection)}, how is the weather?`;
      return reply === "long" ? `${backchannel}, t${words}` : `T${words}`;
    },
  },
});
/** Returns what the model says to words in which a call is marked. */
function replyTo(words: unknown): string {
  const [name = ""] = /call\d+/.exec(JSON.stringify(words)) ?? [];
  const { sentence, rest } = replies[reply];
  return `${sentence.replace("%s", name)} ${rest}`;
}
// All models answer with the same words, after the same times; that of the AI SDK is OpenAI's, by its own package.
const modelDelays = published ? geminiDelays.published : geminiDelays.none;
const model =
  llm === "gemini"
    ? await startGemini({
        ...secure,
        delays: modelDelays,
        script: ({ contents }) => [{ text: replyTo(contents?.at(-1)) }],
      })
    : await startOpenai({
        ...secure,
        delays: modelDelays,
        script: ({ messages }) => [{ text: replyTo(messages?.at(-1)) }],
      });
const elevenlabs = await startElevenlabs({
  ...secure,
  delays: published ? elevenlabsPublished : elevenlabsNone,
  script: { msPerCharacter: 4 },
  account: { maxConcurrentRequests: 1_000 },
});

const services = [deepgram, model, elevenlabs];
const wires: SlowWire[] = [];
const environment: Record<string, string> = {};
for (const service of services) {
  const { port } = new URL(service.url);
  const wire = roundTripMs === null ? null : await SlowWire.to(Number(port), roundTripMs / 2);
  if (wire !== null) wires.push(wire);
  const own =
    service === model
      ? { ...service.environment, BENCH_LLM: llm, BENCH_LLM_URL: service.url }
      : service.environment;
  for (const [name, value] of Object.entries(own)) {
    environment[name] = wire === null ? value : value.replace(`:${port}`, `:${wire.port}`);
  }
}

parentPort?.on("message", (order: ServicesOrder) => {
  if (order.type === "reply") {
    reply = order.reply;
    const { none } = geminiDelays;
    // Callers who barge in must not do so in step with the frames that they are answered with. An answer that begins while the
    // last frames of the one before are played goes on in their step: up to 60 ms.
    const outOfStep = {
      ...none,
      get firstTokenMs() {
        return 80 + 20 * Math.random();
      },
    };
    if (!published) model.delays = reply === "long" ? outOfStep : none;
    return;
  }
  const took = wires.map((wire) => wire.took);
  const pieces = took.reduce((sum, wire) => sum + wire.pieces, 0);
  const report: ServicesReport = {
    calls: wireTimes(deepgram, model, elevenlabs),
    oneWayMs: pieces === 0 ? 0 : took.reduce((sum, { ms }) => sum + ms, 0) / pieces,
  };
  for (const service of services) service.log.clear();
  parentPort?.postMessage(report);
});
parentPort?.postMessage({ environment, certificate: tls?.cert ?? null } satisfies ServicesReady);
