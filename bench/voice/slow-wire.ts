import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { now } from "../../src/shared/protocol.ts";

/** A way to a server on this machine on which everything takes its time, in both directions. */
export class SlowWire {
  readonly #oneWayMs: number;
  readonly #server = createServer((near) => this.#connected(near));
  readonly #target: number;
  #tookMs = 0;
  #pieces = 0;

  private constructor(target: number, oneWayMs: number) {
    this.#target = target;
    this.#oneWayMs = oneWayMs;
  }

  static async to(target: number, oneWayMs: number): Promise<SlowWire> {
    const wire = new SlowWire(target, oneWayMs);
    wire.#server.listen(0, "127.0.0.1");
    await once(wire.#server, "listening");
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The time that it really took, all in all, since timers are late. */
  get took(): { readonly ms: number; readonly pieces: number } {
    return { ms: this.#tookMs, pieces: this.#pieces };
  }

  #connected(near: Socket): void {
    const far = createConnection(this.#target, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (piece: Buffer) => this.#later(now(), () => to.write(piece)));
      from.on("end", () => this.#later(now(), () => to.end()));
      from.on("error", () => {});
      from.on("close", () => this.#later(now(), () => to.destroy()));
    }
  }

  /** Timers of one length fire in the order in which they were set. */
  #later(since: number, act: () => void): void {
    setTimeout(() => {
      this.#tookMs += now() - since;
      this.#pieces += 1;
      act();
    }, this.#oneWayMs).unref();
  }
}
