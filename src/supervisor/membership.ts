import type { Logger } from "pino";
import type { Metrics } from "../metrics/prometheus.ts";
import type { EndReason } from "../protocol.ts";
import type { NodeInfo, NodeState, SessionRecord, SessionRegistry } from "../registry/registry.ts";
import type { FilledLauncherOptions } from "./launcher-options.ts";
import { errorLine, loggedError } from "./log-error.ts";
import type { Session } from "./session.ts";

export interface MembershipOptions {
  readonly options: FilledLauncherOptions;
  readonly registry: SessionRegistry;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly state: () => NodeState;
  /** The process of this session died, and this one is to tell of it. */
  readonly lost: (record: SessionRecord) => void;
}

/** This process in its fleet: what it tells the registry, and what it hears from it. */
export class Membership {
  readonly node: NodeInfo;
  readonly #options: MembershipOptions;
  #opened: Promise<void> | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    const { nodeId, advertisedAddress: address } = options.options;
    this.node = { nodeId, address };
  }

  /** Resolves also where the registry is out of reach: it is tried again and again. */
  open(): Promise<void> {
    const { options, registry, metrics, log, state, lost } = this.#options;
    const { nodeId, address } = this.node;
    if (registry.shared) log.info({ node_id: nodeId, address }, "taking part in a fleet");
    this.#opened = registry.open(
      this.node,
      { maxSessionsPerCall: options.maxSessionsPerCall },
      {
        state,
        lost,
        recovered: (sessions) => {
          metrics.sessionsRecovered(sessions);
          log.warn({ sessions }, "sessions of this process had been declared lost, and are live again");
        },
        away: (error) =>
          log.error(
            { err: loggedError(error) },
            "the registry cannot be reached; calls go on, and starts follow `whileAway`",
          ),
        back: (awayMs) => log.warn({ away_ms: Math.round(awayMs) }, "the registry can be reached again"),
        commandFailed: () => metrics.registryCommandFailed(),
      },
    );
    return this.#opened;
  }

  /** Rejects with CALL_FULL, FLEET_FULL or REGISTRY_UNAVAILABLE. */
  claim({ id: sessionId, callType, callId, createdBy, startedAt }: Session): Promise<void> {
    return this.#options.registry.claim({ sessionId, callType, callId, createdBy, startedAt });
  }

  /** The session has ended, or never came to be. */
  release({ id, endReason, endedAt }: Session): void {
    const end = endReason === null || endedAt === null ? null : { reason: endReason as EndReason, endedAt };
    this.#options.registry.release(id, end);
  }

  /** Tells what is not told yet, and leaves. */
  async close(): Promise<void> {
    if (!this.#opened) return;
    try {
      await this.#opened;
      await this.#options.registry.close();
    } catch (error) {
      this.#options.log.warn({ reason: errorLine(error) }, "the registry could not be left in order");
    }
  }
}
