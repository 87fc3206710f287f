import type { PeerNode, SessionRegistry } from "../../registry/registry.ts";
import type { PeerLife } from "./liveness.ts";

/** The time between two looks at the list of the registry, in milliseconds. */
const lookMs = 1_000;
/** The time between two questions to a replica that is not listed any more, in milliseconds. */
const askAgainMs = 5_000;
/** The time for which lists are doubtful after this process had to register anew, in milliseconds. */
const doubtfulMs = 10_000;
/** The time for which a silent replica that vanished from a doubtful list is kept, in milliseconds. */
const silentKeptMs = 60_000;
/** The time for which a process that has just registered, and knows no others, may be wrong about that, in milliseconds. */
const aloneMs = 3_000;

/** A replica that the registry does not list any more. */
interface Unlisted {
  readonly peer: PeerNode;
  /** True where the list from which it is missing may be that of an emptied registry. */
  readonly doubtful: boolean;
  /** The time at which it was listed last, or has answered last. */
  heardAt: number;
  askedAt: number;
}

/**
 * The other replicas: those that the registry lists, and those that it listed before and that are still there. A
 * registry that was emptied lists nobody until each replica has registered anew, and their sessions go on meanwhile.
 */
export class KnownPeers {
  readonly #registry: SessionRegistry;
  readonly #peerLifeOf: (peer: PeerNode) => Promise<PeerLife>;
  #listed: readonly PeerNode[] = [];
  readonly #unlisted = new Map<string, Unlisted>();
  #epoch = 0;
  #registeredAt = Number.NEGATIVE_INFINITY;
  #registeredAnewAt = Number.NEGATIVE_INFINITY;
  /** True once this process has known others. */
  #knewOthers = false;

  /** Looks at the registry once a second until `stopped`. */
  constructor(
    registry: SessionRegistry,
    peerLifeOf: (peer: PeerNode) => Promise<PeerLife>,
    stopped: AbortSignal,
  ) {
    this.#registry = registry;
    this.#peerLifeOf = peerLifeOf;
    if (!registry.shared || stopped.aborted) return;
    const timer = setInterval(() => this.#look(), lookMs).unref();
    stopped.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  all(): readonly PeerNode[] {
    this.#look();
    return [...this.#listed, ...[...this.#unlisted.values()].map(({ peer }) => peer)];
  }

  /** Returns whether a replica was listed before, is not listed any more, and may be gone. */
  isUnlisted(nodeId: string): boolean {
    return this.#unlisted.has(nodeId);
  }

  /**
   * Notes that nobody listens at the address of this replica. Returns true where it is not listed either, so that it is
   * forgotten.
   */
  refused({ nodeId }: PeerNode): boolean {
    if (this.#registry.peers().some((peer) => peer.nodeId === nodeId)) return false;
    this.#unlisted.delete(nodeId);
    return true;
  }

  /**
   * Returns whether there may be others that are not known yet: this process has just registered, in a registry that
   * may have been emptied.
   */
  get mayBeMistaken(): boolean {
    this.#look();
    return !this.#knewOthers && performance.now() - this.#registeredAt < aloneMs;
  }

  #look(): void {
    const { epoch } = this.#registry;
    const at = performance.now();
    if (epoch !== this.#epoch) this.#registeredAt = at;
    if (epoch !== this.#epoch && this.#epoch > 0) this.#registeredAnewAt = at;
    this.#epoch = epoch;
    const listed = this.#registry.peers();
    const isListed = (nodeId: string) => listed.some((peer) => peer.nodeId === nodeId);
    for (const nodeId of this.#unlisted.keys()) if (isListed(nodeId)) this.#unlisted.delete(nodeId);
    for (const peer of this.#listed) {
      if (isListed(peer.nodeId)) continue;
      const doubtful = at - this.#registeredAnewAt < doubtfulMs;
      this.#unlisted.set(peer.nodeId, { peer, doubtful, heardAt: at, askedAt: Number.NEGATIVE_INFINITY });
    }
    this.#listed = listed;
    this.#knewOthers ||= listed.length > 0;
    for (const unlisted of this.#unlisted.values())
      if (at - unlisted.askedAt >= askAgainMs) void this.#ask(unlisted);
  }

  /**
   * Asks a replica whether it is there, and forgets one that is not. A process that only hears nothing relies on a
   * replica that has declared it dead; an emptied registry has declared nothing.
   */
  async #ask(unlisted: Unlisted): Promise<void> {
    unlisted.askedAt = performance.now();
    const presence = await this.#peerLifeOf(unlisted.peer);
    const at = performance.now();
    const isWaitedFor = presence === "silent" && unlisted.doubtful && at - unlisted.heardAt < silentKeptMs;
    if (typeof presence === "object") unlisted.heardAt = at;
    else if (!isWaitedFor && this.#unlisted.get(unlisted.peer.nodeId) === unlisted)
      this.#unlisted.delete(unlisted.peer.nodeId);
  }
}
