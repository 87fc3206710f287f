import type { RTCPeerConnection } from "werift";
import type { CandidateOrder } from "../faults.ts";

const lateMs = 500;

/** Sends the candidates of a peer connection to the client, in the order that the faults set. */
export class Trickle {
  readonly #order: () => CandidateOrder;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(connection: RTCPeerConnection, order: () => CandidateOrder, send: (candidate: string) => void) {
    this.#order = order;
    connection.onIceCandidate.subscribe((candidate) => {
      if (candidate === undefined) return;
      const json = candidate.toJSON();
      if (order() === "stale") send(JSON.stringify({ ...json, usernameFragment: "gone" }));
      if (order() !== "late") send(JSON.stringify(json));
      else this.#after(() => send(JSON.stringify(json)));
    });
  }

  /** Waits before a description is sent. `described` resolves when it is set and all its candidates are found. */
  async wait(described: Promise<unknown>): Promise<void> {
    if (this.#order() === "early") await described;
    // Otherwise it is sent at once. The wait may fail where the connection is closed meanwhile.
    else described.catch(() => {});
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #after(happen: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      happen();
    }, lateMs);
    this.#timers.add(timer);
  }
}
