import { setTimeout as sleep } from "node:timers/promises";
import type { ServerLog } from "../../log/log.ts";
import type { NodeInfo, PeerNode, SessionRegistry } from "../../registry/registry.ts";
import { loggedError } from "../log-error.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";
import { writeCarried } from "./carried-session.ts";
import type { HandOverOffer, Successors } from "./hand-over.ts";

/** The longest time that the end of a turn is waited for, in milliseconds; then the turn is cut, and its rest is said there. */
const turnWaitMs = 10_000;
/** The most sessions that are handed over at the same time: threads at the others have to be warm. */
const mostAtOnce = 4;
/** The time between two tries for sessions for which no other process has room, in milliseconds. */
const tryAgainMs = 1_000;
/** The most processes that are asked for each try. */
const mostAsked = 3;

export interface DeparturesOptions {
  readonly sessions: Sessions;
  readonly registry: SessionRegistry;
  /** Returns this process as its peers know it, and the way to ask them. */
  readonly membership: () => { readonly node: NodeInfo; readonly successors: Successors };
  readonly log: ServerLog;
}

/** The result of a try: it is handed over; it may be later; or it cannot be, so that its end is waited for. */
type Outcome = "moved" | "later" | "never";

/** Hands the sessions of a process that drains over to others, each between two of its turns. */
export class Departures {
  readonly #options: DeparturesOptions;

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** Hands over what can be, until `signal` is aborted. Resolves where nothing is left to try. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { sessions, registry } = this.#options;
    if (registry.successions === null) return;
    const never = new Set<Session>();
    const isLeft = (session: Session) => !never.has(session) && !session.leaving;
    for (let left = [...sessions.live()].filter(isLeft); left.length > 0 && !signal.aborted; ) {
      const queue = left.values();
      const lane = async () => {
        for (const session of queue) {
          if (signal.aborted) return;
          if ((await this.#handOver(session, signal)) === "never") never.add(session);
        }
      };
      await Promise.all(Array.from({ length: mostAtOnce }, lane));
      left = [...sessions.live()].filter(isLeft);
      if (left.length > 0) await sleep(tryAgainMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #handOver(session: Session, signal: AbortSignal): Promise<Outcome> {
    const { log } = this.#options;
    if (session.state !== "live") return "later";
    if (session.carried === null) return "never";
    if (this.#candidates().length === 0) return "later";
    try {
      const { outcome } = await session.ask({ about: "hand_over", withinMs: turnWaitMs });
      if (outcome === "not_offered") return "never";
      const moved = outcome === "given" && !signal.aborted && (await this.#toOneOf(session, signal));
      if (moved) return "moved";
      await session.ask({ about: "hand_back" });
    } catch (error) {
      // It has ended meanwhile, or its thread has.
      log.debug(
        { event: "hand_over_failed", session_id: session.id, err: loggedError(error) },
        "A session could not be handed over",
      );
    }
    return "later";
  }

  async #toOneOf(session: Session, signal: AbortSignal): Promise<boolean> {
    const { registry, sessions, membership, log } = this.#options;
    const { node, successors } = membership();
    for (const peer of this.#candidates().slice(0, mostAsked)) {
      const { carried } = session;
      if (carried === null) return false;
      const { id: sessionId, callType, callId, createdBy, startedAt } = session;
      const over = new AbortController();
      void session.ended.then(() => over.abort());
      const offer: HandOverOffer = {
        claim: { sessionId, callType, callId, createdBy, startedAt },
        owner: { nodeId: node.nodeId, epoch: registry.epoch },
        carried: writeCarried(carried),
      };
      if (!(await successors.prepare(peer, offer, AbortSignal.any([signal, over.signal])))) continue;
      const known = new Set(carried.typed.map(({ messageId }) => messageId));
      if (!(await this.#takenOver(session, peer, known))) continue;
      registry.successions?.moved(sessionId);
      sessions.forget(session);
      session.depart();
      log.info(
        { event: "session_handed_over", session_id: sessionId, to_node: peer.nodeId },
        "A session goes on in another replica",
      );
      return true;
    }
    return false;
  }

  /**
   * Has a peer take over, and tells it the words that are typed here meanwhile, until nothing new has come.
   * @param told The typed messages that the peer knows.
   */
  async #takenOver(session: Session, peer: PeerNode, told: Set<string>): Promise<boolean> {
    const { registry, membership } = this.#options;
    const { successors } = membership();
    if (session.leaving) return false;
    for (;;) {
      const typed = session.typed.filter(({ messageId }) => !told.has(messageId));
      const taken = await successors.takeOver(peer, session.id, typed);
      if (taken === false) return false;
      if (taken === null) {
        const found = await registry.find(session.id).catch(() => null);
        return found?.end === null && found.nodeId === peer.nodeId;
      }
      for (const { messageId } of typed) told.add(messageId);
      if (session.typed.every(({ messageId }) => told.has(messageId))) return true;
    }
  }

  /** Returns the others that would take a session, those with most room first. */
  #candidates(): readonly PeerNode[] {
    return this.#options.registry
      .peers()
      .filter(({ accepting, free, address }) => accepting && free > 0 && address !== null)
      .sort((one, other) => other.free - one.free);
  }
}
