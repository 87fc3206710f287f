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
import { backchannel, replies } from "./replies.ts";
import { SlowWire } from "./slow-wire.ts";
import { markOf, type WireTimes, wireTimes } from "./wire-times.ts";

export interface ServicesOptions {
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

const { delays, roundTripMs } = workerData as ServicesOptions;
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
const gemini = await startGemini({
  ...secure,
  delays: published ? geminiDelays.published : geminiDelays.none,
  script: ({ contents }) => {
    const [name = ""] = /call\d+/.exec(JSON.stringify(contents?.at(-1))) ?? [];
    const { sentence, rest } = replies[reply];
    return [{ text: `${sentence.replace("%s", name)} ${rest}` }];
  },
});
const elevenlabs = await startElevenlabs({
  ...secure,
  delays: published ? elevenlabsPublished : elevenlabsNone,
  script: { msPerCharacter: 4 },
  account: { maxConcurrentRequests: 1_000 },
});

const services = [deepgram, gemini, elevenlabs];
const wires: SlowWire[] = [];
const environment: Record<string, string> = {};
for (const service of services) {
  const { port } = new URL(service.url);
  const wire = roundTripMs === null ? null : await SlowWire.to(Number(port), roundTripMs / 2);
  if (wire !== null) wires.push(wire);
  for (const [name, value] of Object.entries(service.environment)) {
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
    if (!published) gemini.delays = reply === "long" ? outOfStep : none;
    return;
  }
  const took = wires.map((wire) => wire.took);
  const pieces = took.reduce((sum, wire) => sum + wire.pieces, 0);
  const report: ServicesReport = {
    calls: wireTimes(deepgram, gemini, elevenlabs),
    oneWayMs: pieces === 0 ? 0 : took.reduce((sum, { ms }) => sum + ms, 0) / pieces,
  };
  for (const service of services) service.log.clear();
  parentPort?.postMessage(report);
});
parentPort?.postMessage({ environment, certificate: tls?.cert ?? null } satisfies ServicesReady);
