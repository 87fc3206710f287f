import { CallError } from "./call-error.ts";
import type { Sound } from "./sound.ts";
import { type ConnectOptions, type IncomingSound, readMessage, type Transport } from "./transport.ts";

/**
 * The part of the time for a connection after which an agent on this machine that has not been reached will not be. Firefox
 * has no candidates of 127.0.0.1, which reach it in milliseconds, and gives up after 5 s.
 */
const loopbackShare = 1 / 4;

/** The longest wait for candidates, in milliseconds: those of this machine, and those of STUN servers and relays. */
const gatheringMs = { own: 150, servers: 2_000 } as const;
/**
 * The time without another candidate after which there are no more of UDP on this machine, in milliseconds. Chromium looks for those of
 * TCP, which no agent uses, 100 ms later.
 */
const noMoreAfterMs = 15;

export interface WebRtcOptions extends ConnectOptions {
  readonly iceServers: readonly RTCIceServer[];
  /** True where a WebSocket is tried next: what cannot succeed is then given up early. */
  readonly mayFallBack: boolean;
}

/** Connects by WebRTC. Resolves once messages go both ways. Rejects with a {@link CallError}. */
export async function connectByWebRtc({
  api,
  session,
  sound,
  microphone,
  name,
  resume,
  successor,
  events,
  timeoutMs,
  iceServers,
  mayFallBack,
}: WebRtcOptions): Promise<Transport> {
  const connection = new RTCPeerConnection({ iceServers: [...iceServers] });
  let open = false;
  const transport = new WebRtcTransport(connection, sound, (resource) =>
    session.then((one) => api.knows(one, resource)),
  );
  if (successor === null) transport.hear();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const down = () => {
    reject(new CallError("connection_failed", "The connection by WebRTC broke."));
    if (transport.close() && open) events.onDown();
  };
  try {
    const direction = microphone.wanted ? "sendrecv" : "recvonly";
    const { sender } = connection.addTransceiver(sound.track ?? "audio", { direction });
    transport.channel.onmessage = ({ data }) => {
      const message = readMessage(data);
      if (!message) return;
      events.onMessage(message);
      if (message.type === "joined") resolve();
    };
    transport.channel.onclose = down;
    connection.ontrack = (event) => transport.play(event);
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "failed") down();
    };
    await connection.setLocalDescription();
    // Most servers need none of our addresses: only one with a relay of its own does, which lets nobody else through.
    const [reference] = await Promise.all([session, gathered(connection, iceServers.length > 0)]);
    const { sdp } = connection.localDescription ?? {};
    const offer = { type: "offer", sdp, ...(resume && { resume }) };
    const { sdp: answer, resource } = await api.offer(reference, name, offer, successor);
    transport.resource = resource;
    await connection.setRemoteDescription({ type: "answer", sdp: answer });
    const timers = [setTimeout(down, timeoutMs)];
    if (mayFallBack && isOfLoopback(answer)) {
      const giveUp = () => {
        if (isUnreached(connection)) down();
      };
      timers.push(setTimeout(giveUp, timeoutMs * loopbackShare));
    }
    // The way is made while the microphone opens.
    const speaking = microphone.open.then(() => sender.replaceTrack(sound.track));
    await Promise.all([promise, speaking]).finally(() => timers.forEach(clearTimeout));
    open = true;
    return transport;
  } catch (error) {
    transport.close();
    promise.catch(() => undefined);
    throw error;
  }
}

/** Returns whether an answer names addresses of this machine alone. */
function isOfLoopback(sdp: string): boolean {
  const addresses = [...sdp.matchAll(/^a=candidate:\S+ \d+ \S+ \d+ (\S+)/gm)].map(([, address]) => address);
  return addresses.length > 0 && addresses.every((address) => address === "127.0.0.1" || address === "::1");
}

/** Returns whether no path to the agent has been found yet. */
const isUnreached = ({ iceConnectionState }: RTCPeerConnection): boolean =>
  iceConnectionState === "new" || iceConnectionState === "checking";

class WebRtcTransport implements Transport {
  readonly kind = "webrtc";
  readonly channel: RTCDataChannel;
  readonly #connection: RTCPeerConnection;
  readonly #sound: Sound;
  readonly #knows: (resource: string) => Promise<boolean>;
  /** The server's name of the connection. */
  resource = "";
  #silence = (): void => undefined;
  #track: MediaStreamTrack | null = null;
  #isHeard = false;
  #closed = false;
  #buffered = { delay: 0, count: 0 };

  /** @param knows Asks the server whether the agent has the connection of this name. */
  constructor(connection: RTCPeerConnection, sound: Sound, knows: (resource: string) => Promise<boolean>) {
    this.#connection = connection;
    this.#sound = sound;
    this.#knows = knows;
    this.channel = connection.createDataChannel("greenroom");
  }

  send(message: object): void {
    if (this.channel.readyState === "open") this.channel.send(JSON.stringify(message));
  }

  play({ track }: RTCTrackEvent): void {
    this.#track = track;
    this.#play();
  }

  hear(): void {
    this.#isHeard = true;
    this.#play();
  }

  #play(): void {
    if (!this.#closed && this.#isHeard && this.#track) this.#silence = this.#sound.playTrack(this.#track);
  }

  async sound(): Promise<IncomingSound> {
    const [receiver] = this.#connection.getReceivers();
    const reports = this.#closed ? undefined : await receiver?.getStats().catch(() => undefined);
    for (const report of reports?.values() ?? []) {
      if (report.type !== "inbound-rtp") continue;
      const {
        jitterBufferDelay: delay = 0,
        jitterBufferEmittedCount: count = 0,
        packetsReceived: packets = 0,
      } = report;
      const passed = { delay: delay - this.#buffered.delay, count: count - this.#buffered.count };
      this.#buffered = { delay, count };
      return {
        playoutMs: passed.count > 0 ? Math.round((1_000 * passed.delay) / passed.count) : null,
        packets,
      };
    }
    return { playoutMs: null, packets: 0 };
  }

  async isKnown(): Promise<boolean> {
    return this.#closed || this.#knows(this.resource);
  }

  /** Returns whether it was open. */
  close(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#silence();
    this.channel.close();
    this.#connection.close();
    return true;
  }
}

/** Resolves once an offer has the candidates that it needs. @param asks True where servers are asked for some of them. */
async function gathered(connection: RTCPeerConnection, asks: boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (connection.iceGatheringState === "complete") resolve();
  };
  connection.addEventListener("icegatheringstatechange", look);
  look();
  const timers = [setTimeout(resolve, asks ? gatheringMs.servers : gatheringMs.own)];
  connection.addEventListener("icecandidate", () => {
    if (asks) return;
    clearTimeout(timers[1]);
    timers[1] = setTimeout(resolve, noMoreAfterMs);
  });
  await promise;
  timers.forEach(clearTimeout);
}
