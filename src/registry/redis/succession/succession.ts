import { GreenroomError } from "../../../shared/errors.ts";
import type { RegistryHooks, SessionClaim, SessionOwner, Successions } from "../../registry.ts";
import type { RedisLink } from "../connection/link.ts";
import { find } from "../scripts/claim.ts";
import { takeOver } from "../scripts/succession.ts";
import type { OwnSessions } from "../sessions/own-sessions.ts";
import { type OwnSession, ownerOf, ownSession, parseRecord } from "../sessions/records.ts";
import { Adoptions } from "./adoptions.ts";
import { KeptStates } from "./kept-states.ts";
import { SealedTexts } from "./sealed-text.ts";

export interface SuccessionOptions {
  readonly link: RedisLink;
  readonly own: OwnSessions;
  readonly hooks: RegistryHooks;
  /** The secrets that encrypt the states of calls, with spaces between; without any, they are not encrypted. */
  readonly stateKey: string | undefined;
  /** Returns whether this process has had the session, and knows of its end. */
  readonly hasEnded: (sessionId: string) => boolean;
  /** Removes a session that this process has no more, so that nothing is written of it. */
  readonly forget: (sessionId: string) => void;
}

/** Lets sessions go on in another process: what that needs is kept in Redis, and owners change there. */
export class Succession implements Successions {
  readonly #options: SuccessionOptions;
  readonly #states: KeptStates;
  readonly #adoptions: Adoptions;

  constructor(options: SuccessionOptions) {
    this.#options = options;
    const { link, own, hooks, stateKey = "", hasEnded } = options;
    const texts = new SealedTexts(stateKey.split(/\s+/).filter((secret) => secret !== ""));
    this.#states = new KeptStates(link, texts, (sessionId) =>
      own.has(sessionId) ? hooks.carried(sessionId) : null,
    );
    this.#adoptions = new Adoptions({
      link,
      texts,
      hooks,
      knows: (sessionId) => own.has(sessionId) || hasEnded(sessionId),
      left: (sessionId) => this.moved(sessionId),
      taken: ({ nodeId: _, epoch: __, end: ___, ...claim }) => this.#own(ownSession(claim)),
    });
  }

  changed(sessionId: string): void {
    this.#states.changed(sessionId);
  }

  moved(sessionId: string): void {
    this.#options.forget(sessionId);
    this.#states.forget(sessionId);
  }

  async takeOver(claim: SessionClaim, from: SessionOwner): Promise<boolean> {
    const session = ownSession(claim);
    const { link } = this.#options;
    const args = [claim.sessionId, ownerOf(from.nodeId, from.epoch), session.call, session.json];
    try {
      const [verdict] = await link.runAsOwner(takeOver, args);
      if (verdict !== "ok") return false;
    } catch (cause) {
      throw new GreenroomError("REGISTRY_UNAVAILABLE", undefined, { cause });
    }
    this.#own(session);
    return true;
  }

  async ownerOf(sessionId: string): Promise<SessionOwner | null> {
    try {
      const [data] = (await this.#options.link.run(find, [sessionId])) as (string | null)[];
      const record = data ? parseRecord(data) : null;
      return record?.end === null ? { nodeId: record.nodeId, epoch: record.epoch } : null;
    } catch (cause) {
      throw new GreenroomError("REGISTRY_UNAVAILABLE", undefined, { cause });
    }
  }

  /** Does what follows a heartbeat. `orphans`: the sessions of dead processes that may be taken up. Never waits. */
  beaten(orphans: number): void {
    void this.#states.write();
    void this.#adoptions.take(orphans);
  }

  /** Notes that a session is over. */
  ended(sessionId: string): void {
    this.#states.forget(sessionId);
  }

  /** Writes everything again, since Redis may have been emptied. */
  writeAgain(): void {
    this.#states.writeAgain(this.#options.own.written());
  }

  #own(session: OwnSession): void {
    const { sessionId } = session.claim;
    this.#options.own.remove(sessionId);
    this.#options.own.add(session);
    Object.assign(session, { admitted: true, written: true, writtenAt: performance.now() });
    this.#states.changed(sessionId);
  }
}
