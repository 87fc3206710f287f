import type { ServerLog } from "../log/log.ts";
import type { Metrics } from "../metrics/prometheus.ts";
import type {
  EndMessage,
  EndOutcome,
  NodeInfo,
  NodeState,
  RegistryHooks,
  SessionRecord,
  SessionRegistry,
} from "../registry/registry.ts";
import { within } from "../shared/deadline.ts";
import type { EndReason } from "../shared/end-reasons.ts";
import { GreenroomError } from "../shared/errors.ts";
import { now } from "../shared/protocol.ts";
import type { FilledLauncherOptions } from "./launcher-options.ts";
import { errorLine } from "./log-error.ts";
import type { Session } from "./session/session.ts";
import type { Successors } from "./succession/hand-over.ts";

export type MembershipOptions = {
  readonly options: FilledLauncherOptions;
  readonly registry: SessionRegistry;
  readonly metrics: Metrics;
  readonly log: ServerLog;
  readonly state: () => NodeState;
  /**
   * Reports that the process of this session is dead, and that this process has to report the session. Returns the text
   * of the webhook message about it; null where none is sent.
   */
  readonly lost: (record: SessionRecord) => string | null;
  /** Tells that these sessions of this process were reported as lost. */
  readonly fenced: (sessionIds: readonly string[]) => void;
  readonly deliver: (message: EndMessage) => void;
  /** Tells that the end of this session may be shown before it is written. */
  readonly mayShow: (sessionId: string) => void;
  readonly room: () => number;
} & Pick<RegistryHooks, "carried" | "adoptable" | "adopted">;

/** The questions and requests that this process has for others. See {@link RegistryHooks}. */
export type PeersOfMembership = Pick<RegistryHooks, "liveness" | "declaredDead" | "entrust"> & Successors;

/** The part of this process in its fleet: what it tells the registry, and what it hears from it. */
export class Membership {
  readonly node: NodeInfo;
  readonly #options: MembershipOptions;
  #opened: Promise<void> | undefined;
  /** True once it has reached the registry. */
  #joined = false;
  readonly #contact = Promise.withResolvers<void>();
  /** The reason why the registry was last out of reach. */
  #trouble: Error | undefined;
  #peers: PeersOfMembership = {
    liveness: () => Promise.resolve("unasked"),
    declaredDead: () => Promise.resolve(null),
    entrust: () => Promise.resolve(false),
    reaches: () => false,
    prepare: () => Promise.resolve(new Error("No other process can be asked")),
    takeOver: () => Promise.resolve(false),
    giveUp: () => Promise.resolve(),
  };
  /** The numbers of sessions of each dead process that were told in this turn of the event loop. */
  readonly #dead = new Map<string, { lost: number; adopted: number }>();

  constructor(options: MembershipOptions) {
    this.#options = options;
    const { nodeId, advertisedAddress: address, revision = null } = options.options;
    this.node = { nodeId, address, revision };
  }

  /** Takes part in the fleet. Resolves also where the registry is out of reach: it is tried again and again. */
  open(): Promise<void> {
    const { options, registry, metrics, log, state, deliver, mayShow, room } = this.#options;
    const { carried, adoptable, adopted } = this.#options;
    const { nodeId } = this.node;
    if (options.webhook && !registry.keepsMessages) {
      log.info(
        { event: "session_ends_unkept" },
        "Ends of sessions that the webhook has not received when this process ends are lost: --state-dir or a Redis keeps them",
      );
    }
    this.#opened = registry.open(
      this.node,
      { maxSessionsPerCall: options.maxSessionsPerCall },
      {
        state,
        lost: (record) => this.#lost(record),
        fenced: (sessionIds) => {
          log.error(
            { event: "replica_fenced", sessions: sessionIds.length },
            "This replica stood still or was cut off for longer than its lease: its sessions were reported as lost or taken up by others, and end here now",
          );
          this.#options.fenced(sessionIds);
        },
        deliver,
        mayShow,
        room,
        carried,
        adoptable,
        adopted: (record, carried) => {
          const adoption = adopted(record, carried);
          if (adoption === "taken") this.#died(record.nodeId, "adopted");
          return adoption;
        },
        liveness: (peer) => this.#peers.liveness(peer),
        declaredDead: (peer, epoch) => this.#peers.declaredDead(peer, epoch),
        entrust: (session) => this.#peers.entrust(session),
        unreached: (nodeIds) =>
          log.error(
            { event: "replica_cut_off", node_ids: nodeIds },
            "No other replica can be reached, so this one may be cut off itself: it declares none of them dead",
          ),
        away: (trouble) => {
          this.#trouble = trouble;
          log.error(
            { event: "registry_away", cause: trouble.message },
            `${trouble.message}; ${this.#tellAlone()}`,
          );
        },
        back: (awayMs) => {
          if (!this.#joined) return this.#join();
          log.warn(
            { event: "registry_back", away_ms: Math.round(awayMs) },
            "The registry can be reached again",
          );
        },
        commandFailed: () => metrics.registryCommandFailed(),
        namesake: (epoch) =>
          log.error(
            { event: "node_id_taken", node_id: nodeId, epoch },
            "Another process of the fleet has the same node id: give each its own (--node-id, GREENROOM_NODE_ID)",
          ),
      },
    );
    this.#opened.then(
      () => {
        if (registry.up) this.#join();
      },
      () => undefined,
    );
    return this.#opened;
  }

  /** Returns whether the start waits for the registry's first answer, which has not come. */
  get awaitsContact(): boolean {
    return this.#contactTimeoutMs !== null && !this.#joined;
  }

  /**
   * Resolves once the registry has answered for the first time, or at once where that need not be waited for. Rejects
   * with REGISTRY_UNAVAILABLE where it took too long.
   */
  async firstContact(): Promise<void> {
    const timeoutMs = this.#contactTimeoutMs;
    if (timeoutMs === null) return;
    try {
      const option = "contactTimeoutMs, --registry-contact-timeout-ms";
      await within(this.#contact.promise, timeoutMs, "The first answer of the registry", undefined, option);
    } catch (error) {
      if (GreenroomError.is(error)) throw error;
      throw new GreenroomError("REGISTRY_UNAVAILABLE", undefined, { cause: this.#trouble ?? error });
    }
  }

  get #contactTimeoutMs(): number | null {
    const { registry } = this.#options.options;
    return registry && "contactTimeoutMs" in registry ? registry.contactTimeoutMs : null;
  }

  #join(): void {
    const { registry, log } = this.#options;
    if (this.#joined) return;
    this.#joined = true;
    this.#contact.resolve();
    const { nodeId, address } = this.node;
    if (registry.shared)
      log.info({ event: "fleet_joined", node_id: nodeId, address }, "This process takes part in a fleet");
  }

  /** Returns the consequences of a registry that is out of reach, as text for the log. */
  #tellAlone(): string {
    const { registry, stateDir } = this.#options.options;
    if (stateDir !== undefined) return "calls go on, starts are refused until it can be written to";
    if (this.awaitsContact) return "nothing is served before it answers";
    const calls = this.#joined ? "calls go on" : "serving alone";
    const whileAway = registry && "whileAway" in registry ? registry.whileAway : null;
    if (whileAway === null) return calls;
    const starts = whileAway === "allow" ? "starts are accepted" : "starts are refused";
    return `${calls}, ${starts} (--registry-while-away ${whileAway})`;
  }

  #lost(record: SessionRecord): string | null {
    this.#died(record.nodeId, "lost");
    return this.#options.lost(record);
  }

  /** Counts one session of a dead process. They come one by one, and those of one process are one line of the log. */
  #died(nodeId: string, what: "lost" | "adopted"): void {
    const counts = this.#dead.get(nodeId) ?? { lost: 0, adopted: 0 };
    if (!this.#dead.has(nodeId)) setImmediate(() => this.#tellDead(nodeId));
    counts[what] += 1;
    this.#dead.set(nodeId, counts);
  }

  #tellDead(nodeId: string): void {
    const { lost = 0, adopted = 0 } = this.#dead.get(nodeId) ?? {};
    this.#dead.delete(nodeId);
    const { log, registry } = this.#options;
    const who = registry.shared
      ? "A replica was declared dead"
      : "The process before this one ended unexpectedly";
    log.error(
      { event: "replica_dead", node_id: nodeId, sessions: lost, adopted },
      `${who}: of its sessions ${lost} are lost, and ${adopted} go on here`,
    );
  }

  /** Registers a session. Rejects with CALL_FULL, FLEET_FULL or REGISTRY_UNAVAILABLE. */
  claim({ id: sessionId, callType, callId, createdBy, startedAt }: Session): Promise<void> {
    return this.#options.registry.claim({ sessionId, callType, callId, createdBy, startedAt });
  }

  /** Notes that the session is on its way out. */
  leaving({ id }: Session): void {
    this.#options.registry.leaving(id);
  }

  /** Writes the end of a session. Resolves once that is written: see `SessionRegistry.end`. */
  end({ id, endReason, endedAt }: Session, body: string | null): Promise<EndOutcome> {
    const end = { reason: endReason as EndReason, endedAt: endedAt ?? now() };
    return this.#options.registry.end(id, end, body);
  }

  /**
   * Withdraws a session that was claimed, and never came to be. Resolves when its place is free, see
   * `SessionRegistry.withdraw`.
   */
  withdraw({ id }: Session): Promise<void> {
    return this.#options.registry.withdraw(id);
  }

  /** Sets the way in which peers are asked. Before it is set, none can be asked anything. */
  set peers(peers: PeersOfMembership) {
    this.#peers = peers;
  }

  /** Returns the way in which other processes are asked to go on with sessions of this one. */
  get successors(): Successors {
    return this.#peers;
  }

  /** Tells the registry what it does not know yet, and leaves it. */
  async close(): Promise<void> {
    this.#contact.promise.catch(() => undefined);
    this.#contact.reject(new GreenroomError("DRAINING"));
    if (!this.#opened) return;
    // A failed opening has been reported to the caller of `open`.
    const isOpen = await this.#opened.then(
      () => true,
      () => false,
    );
    if (!isOpen) return;
    try {
      await this.#options.registry.close();
    } catch (error) {
      this.#options.log.warn(
        { event: "registry_left_in_disorder", reason: errorLine(error) },
        "The registry could not be left cleanly",
      );
    }
  }
}
