// Fake Stream and those who listen to the agents, in a process of their own: what they cost must not be taken for the server's.
import { setTimeout as sleep } from "node:timers/promises";
import * as greenroomStream from "greenroom/stream";
import { tone } from "greenroom/testing";
import type { Connection } from "../../src/agent/edge.ts";
import { level } from "../../src/audio/pcm.ts";
import { Pacer } from "../../src/audio/playback/pacer.ts";
import { TrackType } from "../../src/providers/stream/wire/enums.ts";
import { now } from "../../src/shared/protocol.ts";
import { startStream } from "../../test/emulators/stream.ts";
import { median } from "../statistics.ts";
import type { FaultResult, FromFake, SoundResult, StreamFault, StreamOrder, ToFake } from "./order.ts";

/** The level from which samples count as sound, 0–32 768. */
const loud = 300;
/** Offsets of the agent's clock that are kept: 5 s of them. */
const mostOffsets = 250;
const patienceMs = 60_000;

const stream = await startStream();
const { apiKey, apiSecret, url: baseUrl } = stream;

/** Listens to the agent's sound in one call. */
class Listener {
  readonly callId: string;
  firstLoudAt: number | null = null;
  frames = 0;
  /** The times when packets of it reached the SFU, since the last fault. */
  arrivals: number[] = [];
  packets = 0;
  readonly #offsets: number[] = [];
  readonly #heardTracks = new WeakSet<object>();

  constructor(callId: string, connection: Connection) {
    this.callId = callId;
    connection.audio?.listen((_, { samples }) => {
      this.frames += 1;
      if (this.firstLoudAt === null && level(samples) > loud) this.firstLoudAt = now();
    });
    // Each session of the agent has a track of its own.
    setInterval(() => this.#follow(), 2).unref();
  }

  get agent() {
    return stream.call(`default:${this.callId}`).participants.findLast(({ userId }) => userId === "agent");
  }

  get aheadMs(): number {
    return median(this.#offsets);
  }

  #follow(): void {
    const track = this.agent?.tracks.get(TrackType.AUDIO);
    if (track === undefined || this.#heardTracks.has(track)) return;
    this.#heardTracks.add(track);
    if (track.packets > 0) this.arrivals.push(now());
    let first: number | null = null;
    track.listen(({ header }) => {
      const at = now();
      this.packets += 1;
      this.arrivals.push(at);
      if (this.arrivals.length > 10_000) this.arrivals.shift();
      first ??= header.timestamp / 48 - at;
      this.#offsets.push(header.timestamp / 48 - at - first);
      if (this.#offsets.length > mostOffsets) this.#offsets.shift();
    });
  }
}

const listeners = new Map<string, Listener>();

async function until<T>(what: string, look: () => T | null | undefined): Promise<T> {
  const end = now() + patienceMs;
  for (;;) {
    const found = look();
    if (found !== null && found !== undefined) return found;
    if (now() > end) throw new Error(`There was not ${what}`);
    await sleep(1);
  }
}

function listenerOf(callId: string): Listener {
  const listener = listeners.get(callId);
  if (listener === undefined) throw new Error(`Nobody listens in ${callId}`);
  return listener;
}

async function listen(callId: string, speaks: boolean): Promise<null> {
  const edge = new greenroomStream.Edge({ apiKey, apiSecret, baseUrl });
  const agentUser = { id: `listener-${callId}`, name: "Listener" };
  const { signal } = new AbortController();
  const call = await edge.createCall({ callType: "default", callId, agentUser, signal });
  const connection = await edge.join(call, { agentUser, signal });
  listeners.set(callId, new Listener(callId, connection));
  const { samples } = tone(440, 20, { sampleRate: 24_000 });
  const beat = () => {
    connection.audio?.send({ samples, sampleRate: 24_000 });
    return true;
  };
  if (speaks) new Pacer({ intervalMs: 20, ahead: 1, burst: 3, beat }).start();
  return null;
}

async function fail(callId: string, fault: StreamFault): Promise<FaultResult> {
  const listener = listenerOf(callId);
  const agent = listener.agent;
  if (agent === undefined) throw new Error(`There is no agent in ${callId}`);
  listener.arrivals = [];
  const since = now();
  if (fault === "socket_and_path") agent.losePath();
  if (fault === "media") agent.cutMedia();
  else if (fault === "silence") agent.silence();
  else agent.killSocket({ forget: fault === "forgotten" });
  const query = (entry: { readonly [detail: string]: unknown }) =>
    (entry.query as Readonly<Record<string, string>> | undefined) ?? {};
  const noticedAt = await until("another socket", () => {
    const opened = stream.log
      .of("open")
      .find(
        (entry) =>
          entry.at > since && query(entry).cid === `default:${callId}` && query(entry).user_id === "agent",
      );
    return opened?.at;
  });
  // What was on its way as it happened is not the sound that came back.
  const backAt = await until("sound again", () =>
    fault === "socket" || fault === "silence"
      ? noticedAt
      : listener.arrivals.find((at) => at > Math.max(since + 5, noticedAt)),
  );
  await sleep(1_000);
  const arrivals = [since, ...listener.arrivals];
  const gaps = arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? at));
  return { noticedMs: noticedAt - since, gapMs: backAt - noticedAt, silenceMs: Math.max(...gaps) };
}

function sound(callId: string): SoundResult {
  const { packets, aheadMs, frames } = listenerOf(callId);
  return { at: now(), packets, aheadMs, frames };
}

async function run(order: StreamOrder): Promise<unknown> {
  switch (order.type) {
    case "listen":
      return listen(order.callId, order.speaks === true);
    case "first_heard":
      return until("the agent's voice", () => listenerOf(order.callId).firstLoudAt);
    case "fault":
      return fail(order.callId, order.fault);
    case "loss":
      stream.faults.uplink = { lossPercent: order.percent };
      stream.faults.downlink = { lossPercent: order.percent };
      return null;
    case "sound":
      return sound(order.callId);
    default:
      return order satisfies never;
  }
}

const tell = (message: FromFake) => process.send?.(message);
process.on("message", async ({ id, order }: ToFake) => {
  try {
    tell({ type: "done", id, value: await run(order) });
  } catch (error) {
    tell({ type: "failed", id, message: (error as Error).message });
  }
});
process.on("disconnect", () => process.exit());
// Nobody reads it but for the sockets of the last fault.
setInterval(() => {
  if (stream.log.entries.length > 200_000) stream.log.clear();
}, 10_000);
tell({ type: "ready", environment: stream.environment });
