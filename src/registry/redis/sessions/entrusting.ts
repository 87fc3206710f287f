import type { EntrustedSession, NodeInfo, PeerNode, RegistryHooks, SessionEnd } from "../../registry.ts";
import type { Ends } from "./ends.ts";
import type { Outbox } from "./outbox.ts";
import type { OwnSessions } from "./own-sessions.ts";
import type { OwnSession } from "./records.ts";

/**
 * The time after which all others have heard of what was written, in milliseconds: two heartbeats, and as much again on a
 * busy machine.
 */
const heardAfterMs = 4_000;

export interface EntrustingOptions {
  readonly node: NodeInfo;
  readonly hooks: Pick<RegistryHooks, "entrust" | "mayShow">;
  readonly own: OwnSessions;
  readonly ends: Ends;
  readonly outbox: Outbox;
  /** Returns the number of this node's life, and its peers as of the last heartbeat. */
  readonly life: () => { readonly epoch: number; readonly peers: readonly PeerNode[] };
  /** Returns whether others may have told ends of this process's sessions, since it stood still. */
  readonly isBehind: () => boolean;
}

/** Hands to other processes what Redis cannot be told, so that it outlives this one. */
export class Entrusting {
  readonly #options: EntrustingOptions;

  constructor(options: EntrustingOptions) {
    this.#options = options;
  }

  /** Entrusts a session to others. Resolves with whether another process has it, within a second. */
  session({ claim }: OwnSession, end: EntrustedSession["end"], body: string | null): Promise<boolean> {
    const { node, hooks, life } = this.#options;
    return hooks.entrust({ claim, owner: { ...node, epoch: life().epoch }, end, body });
  }

  /**
   * Entrusts the end of a session to others, which may be shown then. `end` is null where the session was never started. Does
   * nothing where others may have told another end.
   */
  async end(session: OwnSession, end: SessionEnd | null, body: string | null): Promise<void> {
    if (this.#options.isBehind()) return;
    const isKept = await this.session(session, end ?? "withdrawn", body);
    const { hooks, life } = this.#options;
    if (isKept || life().peers.length === 0) hooks.mayShow(session.claim.sessionId);
  }

  /**
   * Entrusts to others what Redis does not know, and what Redis was told a moment ago: Redis may come back empty before the
   * other nodes have learnt it.
   */
  all(): void {
    const { node, hooks, own, ends, outbox } = this.#options;
    const since = performance.now() - heardAfterMs;
    for (const { session, end, body } of outbox.unwritten()) void this.end(session, end, body);
    for (const session of own.all()) if (session.writtenAt > since) void this.session(session, null, null);
    for (const { record, body } of ends.writtenSince(since)) {
      const { nodeId, epoch, end, ...claim } = record;
      const address = nodeId === node.nodeId ? node.address : null;
      void hooks.entrust({ claim, owner: { nodeId, epoch, address }, end, body });
    }
  }
}
