import type { ServerLog } from "../../log/log.ts";
import type { NodeInfo, PeerNode, SessionRegistry } from "../../registry/registry.ts";
import { newestRevision } from "../../registry/revisions.ts";
import { BackOff, pause } from "../../shared/back-off.ts";
import { loggedError } from "../log-error.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../session/sessions.ts";
import { type CarriedSession, eventCharacters, writeCarried } from "./carried-session.ts";
import type { HandOverOffer, Successors } from "./hand-over.ts";

/** The longest time that the end of a turn is waited for, in milliseconds; then the turn is cut, and its rest is said there. */
const turnWaitMs = 10_000;
/** The most sessions that are handed over at the same time: threads at the others have to be warm. */
const mostAtOnce = 4;
/** The time between two looks for sessions that can be handed over by now, in milliseconds. */
const lookMs = 1_000;
/** The pauses between two tries for a session that failed: the agent is at rest during each try. */
const backOff = new BackOff({ firstMs: 1_000, mostMs: 60_000, jitter: [0.75, 1.25] });
/** The most times that a process which does not answer is asked whether it has taken over. */
const mostUnanswered = 5;
/** The most processes that are asked for each try. */
const mostAsked = 3;

export interface DeparturesOptions {
  readonly sessions: Sessions;
  readonly registry: SessionRegistry;
  /** Returns this process as its peers know it, and the way to ask them. */
  readonly membership: () => { readonly node: NodeInfo; readonly successors: Successors };
  readonly log: ServerLog;
}

/** The result of a try: it is handed over; it may be soon; the try failed; or it cannot be, so that its end is waited for. */
type Outcome = "moved" | "later" | "failed" | "never";

/** The tries for a session that failed. */
interface Failures {
  readonly count: number;
  /** The time from which it is tried again, by `performance.now()`. */
  readonly notBefore: number;
}

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
    const failures = new Map<Session, Failures>();
    const left = () => [...sessions.live()].filter((session) => !never.has(session) && !session.leaving);
    const isDue = (session: Session) => (failures.get(session)?.notBefore ?? 0) <= performance.now();
    while (!signal.aborted) {
      const queue = left().filter(isDue).values();
      const lane = async () => {
        for (const session of queue) {
          if (signal.aborted) return;
          const outcome = await this.#handOver(session, signal);
          if (outcome === "never") never.add(session);
          if (outcome !== "failed") continue;
          const count = (failures.get(session)?.count ?? 0) + 1;
          failures.set(session, { count, notBefore: performance.now() + backOff.pauseMs(count) });
        }
      };
      await Promise.all(Array.from({ length: mostAtOnce }, lane));
      if (left().length === 0) return;
      await pause(lookMs, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #handOver(session: Session, signal: AbortSignal): Promise<Outcome> {
    if (session.state !== "live") return "later";
    if (session.carried(0) === null) return "never";
    const candidates = this.#candidates();
    if (candidates.length === 0) return "later";
    for (const peer of candidates.slice(0, mostAsked)) {
      try {
        const offer = await this.#prepared(session, peer, signal);
        if (offer !== null) return await this.#toPrepared(session, peer, offer, signal);
      } catch (error) {
        // It has ended meanwhile, or its thread has.
        this.#tellFailed(session, peer, error);
        return "failed";
      }
    }
    return "failed";
  }

  /** Has the agent of a peer join the call, deaf and silent. Resolves with the offer to that peer; null where it does not join. */
  async #prepared(session: Session, peer: PeerNode, signal: AbortSignal): Promise<HandOverOffer | null> {
    const { registry, membership } = this.#options;
    const { node, successors } = membership();
    const carried = session.carried(0);
    if (carried === null) return null;
    const { id: sessionId, callType, callId, createdBy, startedAt } = session;
    const over = new AbortController();
    void session.ended.then(() => over.abort());
    const offer: HandOverOffer = {
      claim: { sessionId, callType, callId, createdBy, startedAt },
      owner: { nodeId: node.nodeId, epoch: registry.epoch },
      carried: writeCarried(carried),
    };
    const refusal = await successors.prepare(peer, offer, AbortSignal.any([signal, over.signal]));
    if (refusal === null) return offer;
    this.#tellFailed(session, peer, refusal);
    return null;
  }

  /** Hands a session over to a peer whose agent is in the call: once clients are connected to it too, and this one is between two turns. */
  async #toPrepared(
    session: Session,
    peer: PeerNode,
    offer: HandOverOffer,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { registry, sessions, membership, log } = this.#options;
    let isTaken = false;
    try {
      await session.ask({ about: "move", to: peer.nodeId });
      if (signal.aborted) return "failed";
      const answer = await session.ask({ about: "hand_over", withinMs: turnWaitMs });
      const { outcome } = answer;
      const soundOverAt = performance.now() + (outcome === "given" ? Number(answer.value.soundLeftMs) : 0);
      if (outcome === "given") session.changeOfHands.begin();
      const carried = session.carried(eventCharacters.handedOver);
      isTaken =
        outcome === "given" &&
        !signal.aborted &&
        carried !== null &&
        (await this.#takenOver(offer, session, peer, { known: carried, soundOverAt }));
      if (!isTaken) await session.ask({ about: "hand_back" });
    } finally {
      if (!isTaken) void membership().successors.giveUp(peer, session.id);
      if (!isTaken) session.changeOfHands.end();
    }
    if (!isTaken) {
      if (!signal.aborted && !session.leaving)
        this.#tellFailed(session, peer, new Error("The other replica did not take it over"));
      return "failed";
    }
    registry.successions?.moved(session.id);
    sessions.forget(session);
    session.depart();
    session.changeOfHands.end();
    log.info(
      { event: "session_handed_over", session_id: session.id, to_node: peer.nodeId },
      "A session goes on in another replica",
    );
    return "moved";
  }

  /**
   * Has a peer take over, and tells it the words that are typed here meanwhile, until nothing new has come. Resolves with whether the
   * peer has the session; else this process has it.
   */
  async #takenOver(
    { claim }: HandOverOffer,
    session: Session,
    peer: PeerNode,
    { known, soundOverAt }: { readonly known: CarriedSession; readonly soundOverAt: number },
  ): Promise<boolean> {
    const { registry, membership } = this.#options;
    const { successors } = membership();
    const told = new Set(known.typed.map(({ messageId }) => messageId));
    const carried = writeCarried(known);
    if (session.leaving) return false;
    for (let unanswered = 0; unanswered < mostUnanswered; ) {
      const typed = session.typed.filter(({ messageId }) => !told.has(messageId));
      const soundLeftMs = Math.max(0, soundOverAt - performance.now());
      const taken = await successors.takeOver(peer, { sessionId: session.id, carried, typed, soundLeftMs });
      if (taken === true) {
        for (const { messageId } of typed) told.add(messageId);
        if (session.typed.every(({ messageId }) => told.has(messageId))) return true;
        continue;
      }
      const owner = await registry.successions?.ownerOf(session.id).catch(() => undefined);
      const isPeers = owner?.nodeId === peer.nodeId;
      // It became the owner, and its agent has ended since: the session goes on here.
      if (taken === false && isPeers) await registry.successions?.takeOver(claim, owner).catch(() => false);
      if (taken === false) return false;
      if (owner !== undefined) return isPeers;
      unanswered += 1;
      await pause(lookMs, { ref: false });
    }
    return false;
  }

  #tellFailed({ id }: Session, peer: PeerNode | null, error: unknown): void {
    this.#options.log.warn(
      { event: "hand_over_failed", session_id: id, to_node: peer?.nodeId, err: loggedError(error) },
      "A session could not be handed over, and goes on here for now",
    );
  }

  /** Returns the others that would take a session: those of the newest revision first, and of these those with most room. */
  #candidates(): readonly PeerNode[] {
    const { registry, membership } = this.#options;
    const { node, successors } = membership();
    const newest = newestRevision([...registry.peers(), { ...node, epoch: registry.epoch }]);
    const isNewest = ({ revision }: PeerNode) => Number(newest !== null && revision === newest);
    return registry
      .peers()
      .filter((peer) => peer.accepting && peer.free > 0 && successors.reaches(peer))
      .sort((one, other) => isNewest(other) - isNewest(one) || other.free - one.free);
  }
}
