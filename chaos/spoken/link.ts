import { WebSocket } from "ws";
import { machineNow } from "../clock.ts";

/** A client sends a ping once a second, and says twice a second how much has come. */
const reportMs = 500;
/** A server that is silent for so long is gone, in milliseconds: it answers each ping. */
const silentMs = 2_500;
const openTimeoutMs = 10_000;

/** A message of the server, beside its sound. */
export type Message = { readonly type: string } & Readonly<Record<string, unknown>>;

export interface LinkOptions {
  /** The address of the fleet. */
  readonly url: string;
  readonly sessionId: string;
  readonly token: string;
  /** The replica whose agent is about to take up the call; null: the agent that has it. */
  readonly successor: string | null;
  /** The secret of the connection before; null for the first one. */
  readonly resume: string | null;
  readonly onMessage: (message: Message, link: Link) => void;
  readonly onSound: (bytes: Buffer) => void;
  /** Called once, when it is over, unless it was closed here. */
  readonly onDown: (link: Link) => void;
}

/** One connection of a caller to the call, by a WebSocket as docs/browser.md describes it. */
export class Link {
  readonly #socket: WebSocket;
  readonly #timer: NodeJS.Timeout;
  readonly #openBy = machineNow() + openTimeoutMs;
  #frames = 0;
  #heardAt: number | null = null;
  #closed = false;

  constructor(options: LinkOptions) {
    const { url, sessionId, token, successor, resume } = options;
    const query = successor === null ? "" : `?successor=${encodeURIComponent(successor)}`;
    const address = `${url.replace(/^http/, "ws")}/sessions/${sessionId}/media${query}`;
    const socket = new WebSocket(address, ["greenroom.v1", `greenroom-token.${token}`]);
    this.#socket = socket;
    const down = () => {
      if (this.#closed) return;
      this.close();
      options.onDown(this);
    };
    socket.on("open", () => {
      this.#heardAt = machineNow();
      this.send({ type: "hello", codec: "pcm16", resume });
    });
    socket.on("message", (data: Buffer, isBinary) => {
      this.#heardAt = machineNow();
      if (this.#closed) return;
      if (isBinary) {
        this.#frames += 1;
        options.onSound(data);
      } else options.onMessage(JSON.parse(String(data)) as Message, this);
    });
    socket.on("error", () => undefined);
    socket.on("close", down);
    this.#timer = setInterval(() => {
      const at = machineNow();
      if (at > (this.#heardAt === null ? this.#openBy : this.#heardAt + silentMs)) down();
      this.send({ type: "ping", id: 1 });
      this.send({ type: "received", frames: this.#frames });
    }, reportMs);
  }

  send(message: Message): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Sends sound, where it is open. */
  say(sound: Int16Array): void {
    if (this.#socket.readyState === WebSocket.OPEN)
      this.#socket.send(Buffer.from(sound.buffer, sound.byteOffset, sound.byteLength));
  }

  /** Ends it at once: nothing more comes over it. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#socket.terminate();
  }
}
