import type { ServerLog } from "../../log/log.ts";
import type { Metrics } from "../../metrics/prometheus.ts";
import type {
  Adoption,
  SessionClaim,
  SessionOwner,
  SessionRecord,
  SessionRegistry,
} from "../../registry/registry.ts";
import { within } from "../../shared/deadline.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { loggedError } from "../log-error.ts";
import type { Session } from "../session/session.ts";
import { lostError } from "../session/session-summary.ts";
import type { Sessions } from "../session/sessions.ts";
import type { Starts } from "../starts/starts.ts";
import { type CarriedSession, readCarried } from "./carried-session.ts";
import type { HandOverOffer, TakeOver } from "./hand-over.ts";

/** The longest time that an agent which takes up a call may take to be in it, in milliseconds. */
const joinTimeoutMs = 15_000;
/**
 * The number of event ids that are left out where a session is adopted: its process may have told events after those that are
 * known of, and none of their ids may be used again.
 */
const skippedEvents = 1_000;
/** The time for which an agent that is in the call waits until the other one lets go of it, in milliseconds: for clients, and for a turn. */
const takeOverTimeoutMs = 25_000;

export interface ArrivalsOptions {
  readonly starts: Pick<Starts, "arrive">;
  readonly sessions: Sessions;
  readonly registry: SessionRegistry;
  readonly metrics: Metrics;
  readonly log: ServerLog;
  /** Tells that this process has a session. The events up to `afterEvent` were told by the other process. */
  readonly arrived: (session: Session, afterEvent: number) => void;
}

/** A session whose agent is in the call here, and that the other process still has. */
interface Prepared {
  readonly session: Session;
  readonly offer: HandOverOffer;
  /** The session as it was when its agent here was asked to join. */
  readonly before: CarriedSession;
  readonly overdue: NodeJS.Timeout;
}

/** The sessions of other processes that go on in this one. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #prepared = new Map<string, Prepared>();

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /**
   * Goes on with a session whose process is dead, and that this process has from now on, if there is room and it can.
   */
  adopted(record: SessionRecord, carried: string | Error): Adoption {
    const { starts, sessions, metrics, log } = this.#options;
    const { nodeId, epoch: _, end: __, ...claim } = record;
    const { sessionId } = claim;
    try {
      if (carried instanceof Error) throw carried;
      const arrived = { claim, carried: readCarried(carried), unknownEvents: skippedEvents };
      const decision = { reason: "lost", error: lostError(record) } as const;
      const told = { resumed: () => undefined, ended: () => true };
      const session = starts.arrive(arrived, { decision, rests: false, ...told });
      sessions.add(session);
      // Nobody knows which of its last events the dead process has sent: those that came along are sent again.
      this.#options.arrived(session, session.events.idBefore);
      metrics.sessionResumed("lost", "adopted");
      log.warn(
        { event: "session_adopted", session_id: sessionId, from_node: nodeId },
        "A session of a replica that is dead goes on here",
      );
      return "taken";
    } catch (error) {
      if (GreenroomError.is(error)) return "later";
      log.error(
        {
          event: "session_adoption_failed",
          session_id: sessionId,
          from_node: nodeId,
          err: loggedError(error),
        },
        "A session of a replica that is dead cannot go on here: it is left to others",
      );
      return "never";
    }
  }

  /**
   * Has an agent join the call of a session of another process, where it is silent until it is told to take over. Resolves once it
   * is in the call. Rejects with the `GreenroomError` that says why it is not: the other process goes on with the session.
   */
  async prepare(offer: HandOverOffer, abandoned: AbortSignal): Promise<void> {
    const { sessionId } = offer.claim;
    const { starts, sessions } = this.#options;
    if (this.#prepared.has(sessionId) || sessions.get(sessionId)?.endedAt === null)
      throw new GreenroomError("BAD_REQUEST", "This session is here, or about to be");
    const joined = Promise.withResolvers<void>();
    const arrived = { claim: offer.claim, carried: readCarried(offer.carried) };
    const session = starts.arrive(arrived, {
      decision: { reason: "drained", error: null },
      rests: true,
      resumed: () => joined.resolve(),
      ended: () => {
        joined.reject(new GreenroomError("START_FAILED", undefined, { cause: session.error }));
        return !this.#prepared.has(sessionId);
      },
    });
    const overdue = setTimeout(() => this.#drop(sessionId), joinTimeoutMs + takeOverTimeoutMs);
    this.#prepared.set(sessionId, { session, offer, before: arrived.carried, overdue });
    try {
      await within(joined.promise, joinTimeoutMs, "The agent's join", abandoned);
    } catch (error) {
      this.#drop(sessionId);
      throw error;
    }
  }

  /**
   * Takes over a session that was prepared, as the other process leaves it; called again, it takes what was typed there later. Resolves
   * with whether this process has the session.
   */
  async takeOver({ sessionId, carried: text, typed, soundLeftMs = 0 }: TakeOver): Promise<boolean> {
    const soundOverAt = performance.now() + soundLeftMs;
    const { registry, sessions, metrics, log } = this.#options;
    const prepared = this.#prepared.get(sessionId);
    const session = prepared?.session ?? sessions.get(sessionId);
    if (prepared && session) {
      const { claim, owner } = prepared.offer;
      const carried = readCarried(text);
      clearTimeout(prepared.overdue);
      const isOwner = await this.#isOwner(claim, owner);
      // Where it has ended meanwhile nobody is told, since the other process takes it back.
      const isOver = session.leaving || session.state === "ended";
      if (isOwner && isOver) registry.successions?.moved(sessionId);
      if (!isOwner || isOver) {
        this.#drop(sessionId);
        return false;
      }
      this.#forget(sessionId);
      sessions.add(session);
      metrics.sessionResumed("drained", "handed_over");
      log.info(
        { event: "session_taken_over", session_id: sessionId, from_node: owner.nodeId },
        "A session of a replica that drains goes on here",
      );
      session.takeUp(carried, prepared.before, Math.max(0, soundOverAt - performance.now()));
      this.#options.arrived(session, carried.lastEventId);
      session.takeOverTyped(typed);
      registry.successions?.changed(sessionId);
      return true;
    }
    if (!session || session.leaving || session.state === "ended") return false;
    session.takeOverTyped(typed);
    return true;
  }

  /** Returns a session whose agent is in the call here, and that the other process still has. */
  prepared(sessionId: string): Session | undefined {
    return this.#prepared.get(sessionId)?.session;
  }

  /** Gives up a session that the other process does not hand over after all. */
  giveUp(sessionId: string): void {
    this.#drop(sessionId);
  }

  async #isOwner(claim: SessionClaim, from: SessionOwner): Promise<boolean> {
    const { registry } = this.#options;
    return registry.successions?.takeOver(claim, from).catch(() => false) ?? false;
  }

  /** Has the agent leave a call that it does not take over. */
  #drop(sessionId: string): void {
    this.#forget(sessionId)?.session.depart();
  }

  #forget(sessionId: string): Prepared | undefined {
    const prepared = this.#prepared.get(sessionId);
    clearTimeout(prepared?.overdue);
    this.#prepared.delete(sessionId);
    return prepared;
  }
}
