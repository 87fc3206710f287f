import type { Transport } from "./transport.ts";

const lookMs = 300;
/** The number of looks from one ping to the next. */
const pingEvery = 4;
/** The time without a packet of sound, of which there are 50 a second, after which the server is asked, in milliseconds. */
const suspectMs = 600;
/** The time without a word of the server after which the connection is broken, in milliseconds. */
const silenceMs = 3_500;

/**
 * Watches a connection. Where packets of sound stay away the server is asked whether the agent still has the connection, since an agent
 * whose thread has ended cannot tell. A network that loses packets so breaks nothing.
 */
export class Watch {
  readonly #transport: Transport;
  readonly #onDown: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #heardAt = performance.now();
  #packetAt = performance.now();
  #packets = 0;
  #looks = 0;
  #asking = false;

  constructor(transport: Transport, onDown: () => void) {
    this.#transport = transport;
    this.#onDown = onDown;
    this.#timer = setInterval(() => void this.#look(), lookMs);
  }

  /** Takes in that a message came. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { playoutMs, packets } = await this.#transport.sound();
    const at = performance.now();
    if (packets !== this.#packets) {
      this.#packets = packets;
      this.#packetAt = at;
    }
    if (at - this.#heardAt > silenceMs) {
      this.#onDown();
      return;
    }
    // By WebSocket there are none in silence.
    if (packets > 0 && at - this.#packetAt > suspectMs && !this.#asking) void this.#ask();
    if (this.#looks % pingEvery === 0) {
      const known = playoutMs !== null && { playout_ms: playoutMs };
      this.#transport.send({ type: "ping", id: this.#looks, ...known });
    }
    this.#looks += 1;
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    if (!(await this.#transport.isKnown())) this.#onDown();
    this.#asking = false;
  }
}
