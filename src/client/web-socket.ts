import { CallError } from "./call-error.ts";
import type { Sound } from "./sound.ts";
import {
  type ConnectOptions,
  type IncomingSound,
  type Message,
  readMessage,
  type Transport,
} from "./transport.ts";
import { heardRate, spokenRate, workletOf } from "./worklet.ts";

/** Sound that may wait to be sent, in bytes: half a second. Beyond it, what is newer waits here. */
const mostBufferedBytes = heardRate;
/** Pieces of sound that may wait here for the network; the oldest is dropped for the newest. */
const mostWaiting = 25;
/** Pieces of sound from one report to the next of how many came. */
const reportEvery = 25;

/** Connects by WebSocket. Resolves once the server has let it in. Rejects with a {@link CallError}. */
export async function connectByWebSocket(
  { api, session, sound, microphone, name, resume, successor, events, timeoutMs }: ConnectOptions,
  workletUrl: string | undefined,
): Promise<Transport> {
  await sound.context.audioWorklet.addModule(workletOf(workletUrl));
  const socket = api.socket(await session, name, successor);
  socket.binaryType = "arraybuffer";
  const transport = new SocketTransport(socket, sound);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let joined = false;
  socket.onopen = () => transport.send({ type: "hello", codec: "pcm16", ...(resume && { resume }) });
  socket.onmessage = ({ data }) => {
    if (data instanceof ArrayBuffer) {
      transport.play(data);
      return;
    }
    const message = readMessage(data);
    if (!message) return;
    joined ||= message.type === "joined";
    events.onMessage(message);
    if (joined) resolve();
  };
  socket.onclose = () => {
    reject(new CallError("connection_failed", "The WebSocket could not be opened, or broke."));
    if (transport.close() && joined) events.onDown();
  };
  const overdue = setTimeout(() => {
    reject(new CallError("connection_failed", "The WebSocket took too long."));
    transport.close();
  }, timeoutMs);
  await promise.finally(() => clearTimeout(overdue));
  try {
    await microphone.open;
  } catch (error) {
    transport.close();
    throw error;
  }
  transport.start();
  return transport;
}

class SocketTransport implements Transport {
  readonly kind = "websocket";
  readonly #socket: WebSocket;
  readonly #sound: Sound;
  readonly #player: AudioWorkletNode;
  readonly #silence: () => void;
  #recorder: AudioWorkletNode | null = null;
  #waiting: ArrayBuffer[] = [];
  #received = 0;
  #waitingMs: number | null = null;
  #closed = false;

  constructor(socket: WebSocket, sound: Sound) {
    this.#socket = socket;
    this.#sound = sound;
    this.#player = new AudioWorkletNode(sound.context, "greenroom-player", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { rate: spokenRate },
    });
    this.#player.port.onmessage = ({ data }) => {
      this.#waitingMs = data as number;
    };
    this.#silence = sound.playNode(this.#player);
  }

  /** Sends the microphone's sound from here on. */
  start(): void {
    const { source, context } = this.#sound;
    if (source === null || this.#closed) return;
    this.#recorder = new AudioWorkletNode(context, "greenroom-recorder", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions: { rate: heardRate },
    });
    this.#recorder.port.onmessage = ({ data }) => this.#say(data as ArrayBuffer);
    source.connect(this.#recorder);
  }

  send(message: Message): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Has no effect: what comes is heard at once, beside what another connection brings. */
  hear(): void {}

  /** Plays a piece of sound. */
  play(data: ArrayBuffer): void {
    this.#player.port.postMessage(data, [data]);
    this.#received += 1;
    if (this.#received % reportEvery === 0) this.send({ type: "received", frames: this.#received });
  }

  async sound(): Promise<IncomingSound> {
    return { playoutMs: this.#waitingMs, packets: 0 };
  }

  /** Resolves with true: the server closes the socket where the agent's thread ends. */
  async isKnown(): Promise<boolean> {
    return true;
  }

  /** Returns whether it was open. */
  close(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#silence();
    this.#player.port.postMessage(null);
    this.#player.disconnect();
    this.#recorder?.port.postMessage(null);
    if (this.#recorder) this.#sound.source?.disconnect(this.#recorder);
    this.#socket.close(1_000);
    return true;
  }

  #say(piece: ArrayBuffer): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#waiting.push(piece);
    if (this.#waiting.length > mostWaiting) this.#waiting.shift();
    while (this.#waiting.length > 0 && this.#socket.bufferedAmount < mostBufferedBytes) {
      const next = this.#waiting.shift();
      if (next) this.#socket.send(next);
    }
  }
}
