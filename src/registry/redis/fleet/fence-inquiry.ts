import type { PeerNode, RegistryHooks } from "../../registry.ts";

/** The time after which a peer that knows of nothing is asked again, in milliseconds: it may learn of it later. */
const askAgainMs = 5_000;

export interface FenceInquiryOptions {
  /** Returns the number of this node's life, and its peers as of the last heartbeat. */
  readonly life: () => { readonly epoch: number; readonly peers: readonly PeerNode[] };
  readonly ask: RegistryHooks["declaredDead"];
  /** Called once for a life of this node that was declared dead. */
  readonly found: () => void;
}

/**
 * Asks the peers whether this life of the node was declared dead, while Redis cannot be asked. Each peer knows the
 * nodes that were declared dead as of its last heartbeat. The declaration is final, so one peer that says yes is
 * enough.
 */
export class FenceInquiry {
  readonly #options: FenceInquiryOptions;
  /** The times before which a peer is not asked again, by node id. */
  #notBefore = new Map<string, number>();
  #deadEpoch = 0;

  constructor(options: FenceInquiryOptions) {
    this.#options = options;
  }

  /** Returns whether this life of the node is known to have been declared dead. */
  get isDead(): boolean {
    return this.#deadEpoch > 0 && this.#deadEpoch === this.#options.life().epoch;
  }

  /** Asks all peers, whatever they have said before. Resolves as {@link ask} does. */
  askAnew(): Promise<void> {
    this.#notBefore = new Map();
    return this.ask();
  }

  /** Asks the peers that have not answered yet, or some time ago. Resolves within a second. Never rejects. */
  async ask(): Promise<void> {
    const { epoch, peers } = this.#options.life();
    if (epoch === 0 || this.isDead) return;
    const at = performance.now();
    const due = peers.filter(({ nodeId }) => (this.#notBefore.get(nodeId) ?? 0) <= at);
    await Promise.all(due.map((peer) => this.#ask(peer, epoch)));
  }

  async #ask(peer: PeerNode, epoch: number): Promise<void> {
    // The answer to an earlier question says nothing about the time since then.
    const notBefore = this.#notBefore;
    notBefore.set(peer.nodeId, Number.POSITIVE_INFINITY);
    const isDead = await this.#options.ask(peer, epoch);
    notBefore.set(peer.nodeId, isDead === null ? 0 : performance.now() + askAgainMs);
    if (!isDead || this.isDead || epoch !== this.#options.life().epoch) return;
    this.#deadEpoch = epoch;
    this.#options.found();
  }
}
