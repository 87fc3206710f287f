import { GreenroomError } from "../../../shared/errors.ts";
import { RoomSoon } from "../../registry.ts";
import type { RedisLink } from "../connection/link.ts";
import type { FilledRedisRegistryOptions } from "../options.ts";
import * as scripts from "../scripts/claim.ts";
import { endedArguments, type Outbox } from "./outbox.ts";
import type { OwnSessions } from "./own-sessions.ts";
import type { OwnSession } from "./records.ts";

/** The most ends that a claim writes along with itself. */
const mostTakenAlong = 50;

export interface AdmissionsOptions {
  readonly redis: Pick<FilledRedisRegistryOptions, "maxConcurrentSessions" | "whileAway">;
  readonly maxSessionsPerCall: number | null;
  readonly link: RedisLink;
  readonly own: OwnSessions;
  readonly outbox: Outbox;
  /** Withdraws a session that Redis may know, and that is none. */
  readonly neverWas: (session: OwnSession) => void;
}

/** Judges whether a session of this process may live: by Redis, or by what is known here. */
export class Admissions {
  readonly #options: AdmissionsOptions;

  constructor(options: AdmissionsOptions) {
    this.#options = options;
  }

  /** Returns whether places are counted, so that a session that leaves makes room for another one. */
  get limited(): boolean {
    const { maxSessionsPerCall, redis } = this.#options;
    return maxSessionsPerCall !== null || redis.maxConcurrentSessions !== null;
  }

  /** Makes a session one of this process, and judges whether it may live. Rejects as the registry's `claim` does. */
  async admit(session: OwnSession): Promise<void> {
    const { own, link, neverWas } = this.#options;
    own.add(session);
    const asked = link.up;
    let uncertain = false;
    try {
      session.written = asked && (await this.#judge(session));
      if (session.written) session.writtenAt = performance.now();
      uncertain = asked && !session.written;
      if (!session.written) this.#judgeAlone(session);
    } catch (error) {
      own.remove(session.claim.sessionId);
      // Redis may have admitted it although no answer came, or may still do so.
      if (uncertain) neverWas(session);
      throw error;
    }
  }

  /**
   * Asks Redis whether a session may live. Resolves with false where no answer came. Throws CALL_FULL or FLEET_FULL.
   */
  async #judge({ claim, call, json }: OwnSession): Promise<boolean> {
    const { maxSessionsPerCall, redis, link, outbox } = this.#options;
    const takenAlong = outbox.endsAlone(link.isBehind ? 0 : mostTakenAlong);
    const limits = [maxSessionsPerCall ?? 0, redis.maxConcurrentSessions ?? 0];
    const args = [...limits, claim.sessionId, call, json, ...endedArguments(takenAlong)];
    const reply = await link.runAsOwner(scripts.claim, args).catch(() => null);
    if (!reply) return false;
    const [verdict, , leaving, superseded] = reply as [string, string, number, readonly string[]];
    outbox.written(takenAlong, superseded);
    const Full = leaving === 1 ? RoomSoon : GreenroomError;
    if (verdict === "call_full") throw new Full("CALL_FULL");
    if (verdict === "fleet_full") throw new Full("FLEET_FULL");
    return true;
  }

  /** Judges by the sessions of this process alone. Throws CALL_FULL, FLEET_FULL or REGISTRY_UNAVAILABLE. */
  #judgeAlone(session: OwnSession): void {
    const { maxSessionsPerCall, redis, link, own, outbox } = this.#options;
    if (redis.whileAway === "refuse" || link.isDead) throw new GreenroomError("REGISTRY_UNAVAILABLE");
    if (own.in(session.call) > (maxSessionsPerCall ?? Number.POSITIVE_INFINITY))
      throw new GreenroomError("CALL_FULL");
    if (own.size > (redis.maxConcurrentSessions ?? Number.POSITIVE_INFINITY))
      throw new GreenroomError("FLEET_FULL");
    if (own.has(session.claim.sessionId)) outbox.add(session);
  }
}
