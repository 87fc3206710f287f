import type { NodeInfo } from "../../registry.ts";
import { pairs, parseOwner } from "../sessions/records.ts";

/**
 * The gap between heartbeats after which Redis may have prolonged the leases, in milliseconds: see the script `beat`.
 */
const lateAfterMs = 1_500;
/** The longest time from the end of a lease to the declaration that its node is dead, in milliseconds. */
const declarationMs = 5_000;

export interface NamesakesOptions {
  readonly node: NodeInfo;
  readonly leaseMs: number;
  /** Called once for each other process that lives and has the name of this one. */
  readonly found: (epoch: number) => void;
}

/**
 * Looks for other processes that have the name of this node. A later life of this node, while this one lives, is one.
 * An earlier one may be this process itself, before it was registered anew, until that lease is over.
 */
export class Namesakes {
  readonly #options: NamesakesOptions;
  /** The epochs of earlier lives of this very process. */
  readonly #past = new Set<number>();
  /** The other lives of this node's name, by epoch, with the time since which each is seen; null once it was told. */
  readonly #seen = new Map<number, number | null>();
  /** The time at which namesakes were looked for last. */
  #looked = performance.now();

  constructor(options: NamesakesOptions) {
    this.#options = options;
  }

  /** Notes that this very process has lived under this epoch, and does so no more. */
  lived(epoch: number): void {
    this.#past.add(epoch);
  }

  isOwnPast(epoch: number): boolean {
    return this.#past.has(epoch);
  }

  /** Looks for namesakes among the peers. `peers`: node#epoch and state in turn; `own`: the epoch of this life. */
  look(peers: readonly string[], own: number): void {
    const { node, leaseMs, found } = this.#options;
    const at = performance.now();
    if (at - this.#looked > lateAfterMs) {
      // Redis prolonged all leases, since nobody could tell it of themselves.
      for (const [epoch, since] of this.#seen) if (since !== null) this.#seen.set(epoch, at);
    }
    this.#looked = at;
    const epochs = pairs(peers)
      .map(([owner]) => parseOwner(owner))
      .filter(({ nodeId, epoch }) => nodeId === node.nodeId && !this.#past.has(epoch))
      .map(({ epoch }) => epoch);
    for (const known of this.#seen.keys()) if (!epochs.includes(known)) this.#seen.delete(known);
    for (const epoch of epochs) {
      const since = this.#seen.get(epoch) ?? at;
      if (this.#seen.get(epoch) === null) continue;
      // A lease that has ended is followed by a question and a declaration, which take some seconds more.
      const isSure = epoch > own || at - since > leaseMs + declarationMs;
      this.#seen.set(epoch, isSure ? null : since);
      if (isSure) found(epoch);
    }
  }
}
