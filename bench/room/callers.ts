/**
 * Callers in a process of their own, without a browser: each comes into a session by an offer, talks and listens all the time, and
 * notes when packets come.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket } from "werift";
import { OpusEncoder } from "../../src/audio/reception/opus.ts";
import { tone } from "../../src/providers/memory/tone.ts";
import { framesOf, sentenceBy } from "../ears/sounds.ts";

/** The times of what a caller says over and over, in frames: then it is quiet, so that the agent answers. */
const tones = { talking: 150, all: 250 };
const question = { text: "What is the weather in Paris?", all: 500 };

export interface CallersOrder {
  readonly url: string;
  readonly sessions: readonly { readonly id: string; readonly token: string }[];
  readonly ms: number;
  readonly says: "tones" | "question";
}

export interface CallersResult {
  /** The times between two packets, of all callers, in milliseconds. */
  readonly gaps: readonly number[];
  /** The packets that never came, by their numbers. */
  readonly lost: number;
  /** The delay with which this process looked at packets, p99, in milliseconds: gaps seem longer by as much. */
  readonly ownDelayP99: number;
  /** The CPU that this process took, in seconds: it shares the cores with the server. */
  readonly cpuSeconds: number;
}

process.on("message", async ({ url, sessions, ms, says }: CallersOrder) => {
  const said = await encoded(says === "tones" ? toneFrames() : await questionFrames());
  const callers = await Promise.all(
    sessions.map((session, place) => {
      // People do not talk in chorus.
      const begin = Math.floor((place * said.length) / sessions.length);
      return Caller.join(url, session, [...said.slice(begin), ...said.slice(0, begin)]);
    }),
  );
  // Packets that come while others join are not measured.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (const caller of callers) caller.reset();
  const delay = monitorEventLoopDelay({ resolution: 2 });
  delay.enable();
  const cpu = process.cpuUsage();
  process.send?.("joined");
  await new Promise((resolve) => setTimeout(resolve, ms));
  const { user, system } = process.cpuUsage(cpu);
  const results = callers.map((caller) => caller.result());
  const result = {
    gaps: results.flatMap(({ gaps }) => gaps),
    lost: results.reduce((sum, { lost }) => sum + lost, 0),
    ownDelayP99: delay.percentile(99) / 1e6,
    cpuSeconds: (user + system) / 1e6,
  } satisfies CallersResult;
  // A channel that closes loses what it has not written yet.
  await new Promise((resolve) => process.send?.(result, resolve));
  await Promise.all(callers.map((caller) => caller.close()));
  process.disconnect?.();
});

/** Resolves with the packets of what a caller says: encoded once for all, since it is the server that is measured. */
async function encoded(frames: readonly Int16Array[]): Promise<readonly Buffer[]> {
  using encoder = await OpusEncoder.create({ sampleRate: 16_000 });
  return frames.map((frame) => Buffer.from(encoder.encode(frame)));
}

function toneFrames(): readonly Int16Array[] {
  const voice = tone(330, 20).samples;
  const quiet = new Int16Array(voice.length);
  return Array.from({ length: tones.all }, (_, frame) => (frame < tones.talking ? voice : quiet));
}

async function questionFrames(): Promise<readonly Int16Array[]> {
  const spoken = framesOf(await sentenceBy("slt", question.text));
  const quiet = new Int16Array(320);
  return Array.from({ length: question.all }, (_, frame) => spoken[frame] ?? quiet);
}

class Caller {
  readonly #connection: RTCPeerConnection;
  readonly #timer: NodeJS.Timeout;
  #gaps: number[] = [];
  #at = 0;
  #sequence: number | null = null;
  #lost = 0;

  private constructor(connection: RTCPeerConnection, track: MediaStreamTrack, said: readonly Buffer[]) {
    this.#connection = connection;
    const startedAt = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      for (; sent * 20 < performance.now() - startedAt; sent += 1) {
        const header = new RtpHeader({
          payloadType: 96,
          sequenceNumber: sent % 65_536,
          timestamp: sent * 960,
        });
        track.writeRtp(new RtpPacket(header, said[sent % said.length]!));
      }
    }, 10);
  }

  static async join(
    url: string,
    { id, token }: { readonly id: string; readonly token: string },
    said: readonly Buffer[],
  ): Promise<Caller> {
    const connection = new RTCPeerConnection({
      iceServers: [],
      bundlePolicy: "max-bundle",
      iceUseIpv4: false,
      iceUseIpv6: false,
      iceAdditionalHostAddresses: ["127.0.0.1"],
      iceInterfaceAddresses: { udp4: "127.0.0.1" },
    });
    const track = new MediaStreamTrack({ kind: "audio" });
    connection.addTransceiver(track, { direction: "sendrecv" });
    connection.createDataChannel("greenroom");
    await connection.setLocalDescription(await connection.createOffer());
    const connected = connection.connectionStateChange.watch((state) => state === "connected");
    const response = await fetch(`${url}/sessions/${id}/offer`, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", "Greenroom-Session-Token": token },
      body: connection.localDescription?.sdp ?? "",
    });
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
    await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
    await connected;
    const caller = new Caller(connection, track, said);
    for (const { receiver } of connection.getTransceivers())
      for (const heard of receiver.tracks)
        heard.onReceiveRtp.subscribe(({ header }) => caller.#hear(header.sequenceNumber));
    return caller;
  }

  reset(): void {
    this.#gaps = [];
    this.#lost = 0;
    this.#at = 0;
  }

  result(): Pick<CallersResult, "gaps" | "lost"> {
    return { gaps: this.#gaps, lost: this.#lost };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#connection.close();
  }

  #hear(sequence: number): void {
    const at = performance.now();
    if (this.#at > 0) this.#gaps.push(at - this.#at);
    if (this.#sequence !== null) this.#lost += Math.max(0, ((sequence - this.#sequence) & 0xffff) - 1);
    this.#at = at;
    this.#sequence = sequence;
  }
}
