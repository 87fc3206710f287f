/**
 * Callers in a process of their own, without a browser: each comes into a session by an offer, talks and listens all the time, and
 * notes when packets come.
 */
import { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket } from "werift";
import { OpusEncoder } from "../../src/audio/reception/opus.ts";
import { tone } from "../../src/providers/memory/tone.ts";

export interface CallersOrder {
  readonly url: string;
  readonly sessions: readonly { readonly id: string; readonly token: string }[];
  readonly ms: number;
}

export interface CallersResult {
  /** The times between two packets, of all callers, in milliseconds. */
  readonly gaps: readonly number[];
  /** The packets that never came, by their numbers. */
  readonly lost: number;
}

process.on("message", async ({ url, sessions, ms }: CallersOrder) => {
  const callers = await Promise.all(sessions.map((session) => Caller.join(url, session)));
  // What comes while others join is no figure.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  for (const caller of callers) caller.reset();
  process.send?.("joined");
  await new Promise((resolve) => setTimeout(resolve, ms));
  const results = callers.map((caller) => caller.result());
  process.send?.({
    gaps: results.flatMap(({ gaps }) => gaps),
    lost: results.reduce((sum, { lost }) => sum + lost, 0),
  } satisfies CallersResult);
  await Promise.all(callers.map((caller) => caller.close()));
  process.disconnect?.();
});

class Caller {
  readonly #connection: RTCPeerConnection;
  readonly #encoder: OpusEncoder;
  readonly #timer: NodeJS.Timeout;
  #gaps: number[] = [];
  #at = 0;
  #sequence: number | null = null;
  #lost = 0;

  private constructor(connection: RTCPeerConnection, track: MediaStreamTrack, encoder: OpusEncoder) {
    this.#connection = connection;
    this.#encoder = encoder;
    const frame = tone(330, 20).samples;
    const startedAt = performance.now();
    let sent = 0;
    // Talks for 3 s and is quiet for 2 s, so that the agent answers.
    this.#timer = setInterval(() => {
      for (; sent * 20 < performance.now() - startedAt; sent += 1) {
        const talks = sent % 250 < 150;
        const header = new RtpHeader({
          payloadType: 96,
          sequenceNumber: sent % 65_536,
          timestamp: sent * 960,
        });
        track.writeRtp(
          new RtpPacket(header, Buffer.from(encoder.encode(talks ? frame : new Int16Array(320)))),
        );
      }
    }, 10);
  }

  static async join(
    url: string,
    { id, token }: { readonly id: string; readonly token: string },
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
    const caller = new Caller(connection, track, await OpusEncoder.create({ sampleRate: 16_000 }));
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

  result(): CallersResult {
    return { gaps: this.#gaps, lost: this.#lost };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#connection.close();
    this.#encoder.free();
  }

  #hear(sequence: number): void {
    const at = performance.now();
    if (this.#at > 0) this.#gaps.push(at - this.#at);
    if (this.#sequence !== null) this.#lost += Math.max(0, ((sequence - this.#sequence) & 0xffff) - 1);
    this.#at = at;
    this.#sequence = sequence;
  }
}
