import type { StartRequest } from "../../api/start-request.ts";
import type { ServerLog } from "../../log/log.ts";
import type { Metrics } from "../../metrics/prometheus.ts";
import { endReasons } from "../../shared/end-reasons.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { LeaveData } from "../../shared/protocol.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import type { FilledLauncherOptions } from "../launcher-options.ts";
import type { Membership } from "../membership.ts";
import type { Permits } from "../session/permits.ts";
import { Session } from "../session/session.ts";
import type { EndDecision } from "../session/session-end.ts";
import type { SessionIdentity } from "../session/session-options.ts";
import type { Sessions } from "../session/sessions.ts";
import type { ArrivedSession } from "../succession/carried-session.ts";
import type { Pool } from "../threads/pool.ts";
import type { Slot } from "../threads/slot.ts";
import type { Admission, Reservation } from "./admission.ts";
import { waitedForRoom } from "./capacity-wait.ts";
import { hasLeftSince } from "./pending-events.ts";

export interface StartsOptions {
  readonly options: FilledLauncherOptions;
  readonly sessions: Sessions;
  readonly admission: Admission;
  readonly membership: Membership;
  readonly pool: Pool;
  readonly permits: Permits<Session>;
  readonly metrics: Metrics;
  readonly log: ServerLog;
  /** Returns the reason why no start is accepted, or null. */
  readonly refusal: () => GreenroomError | null;
  readonly measured: (measurement: Measurement) => void;
  readonly leaveData: (session: Session, leaveData: LeaveData) => void;
  readonly interrupted: (session: Session, decision: EndDecision) => void;
  /** Tells that a session has come to be. */
  readonly began: (session: Session) => void;
  readonly ended: (session: Session) => void;
  readonly changed: (session: Session) => void;
}

/** The differences of a session that began in another process. */
export interface Arriving {
  /** The reason for which it does not go on there. */
  readonly decision: EndDecision;
  /** True where its agent there is still in the call, so that the one here begins no turn yet. */
  readonly rests: boolean;
  /** Tells that the agent is in the call. */
  readonly resumed: () => void;
  /** Tells that it has ended. Returns false where the other process still has the session, so that nothing is told of it. */
  readonly ended: () => boolean;
}

/** The most threads that a start tries where they end before the agent's code ran. */
const mostTries = 3;

/** Starts sessions: finds a place and a thread for each, and has the agent made in it. */
export class Starts {
  readonly #options: StartsOptions;
  readonly #places = new WeakMap<Session, Reservation>();

  constructor(options: StartsOptions) {
    this.#options = options;
  }

  /**
   * Starts a session. Resolves once `createAgent` has returned. Rejects with the `GreenroomError` that says why not.
   */
  async start(request: StartRequest, begunAt: number, abandoned: () => boolean): Promise<Session> {
    const session = await this.#findPlace(request, begunAt, abandoned);
    await this.#play(session, begunAt, abandoned);
    return session;
  }

  /** Finds a place. One that a session on its way out still holds is waited for, as long as a thread would be. */
  async #findPlace(request: StartRequest, begunAt: number, abandoned: () => boolean): Promise<Session> {
    const { options, sessions, refusal } = this.#options;
    const { callId, callType = "default" } = request;
    const until = begunAt + options.threadWaitTimeoutMs;
    let askedAt = begunAt;
    for (;;) {
      if (await hasLeftSince(abandoned, askedAt)) throw new GreenroomError("START_ABANDONED");
      askedAt = performance.now();
      const refused = refusal();
      if (refused) throw refused;
      try {
        const session = this.#admit(request, begunAt);
        await this.#claim(session);
        if (await hasLeftSince(abandoned, askedAt))
          return await this.#giveUp(session, new GreenroomError("START_ABANDONED"));
        return session;
      } catch (error) {
        const leftMs = until - performance.now();
        if (!(await waitedForRoom(error, { callType, callId }, sessions, leftMs))) throw error;
      }
    }
  }

  /**
   * Goes on with a session of another process, which has a place from here on, and is given a thread; where there is none in time it
   * ends. Throws the `GreenroomError` that says why there is no room.
   */
  arrive(arrived: ArrivedSession, arriving: Arriving): Session {
    const refused = this.#options.refusal();
    if (refused) throw refused;
    const { callId, callType, createdBy } = arrived.claim;
    const { config } = arrived.carried;
    const identity = { callId, callType, createdBy, config, inMemory: null, arrived };
    const session = this.#make(identity, performance.now(), arriving);
    session.arrive(arriving.decision, arriving.rests);
    void this.#resume(session, arriving.decision);
    return session;
  }

  #admit(request: StartRequest, begunAt: number): Session {
    const { callId, callType = "default", config = {}, createdBy = null, inMemory = null } = request;
    const session = this.#make({ callId, callType, config, createdBy, inMemory, arrived: null }, begunAt);
    this.#options.sessions.add(session);
    return session;
  }

  /** Makes the session. It is counted in the tick that decides, so that no two sessions take the last place. */
  #make(identity: SessionIdentity, begunAt: number, arriving?: Arriving): Session {
    const {
      options,
      admission,
      membership,
      permits,
      metrics,
      log,
      measured,
      leaveData,
      interrupted,
      ended,
      changed,
    } = this.#options;
    const place = admission.admit();
    const session = new Session(
      identity,
      options,
      {
        permits,
        measured,
        leaveData,
        changed,
        joined: () => metrics.startSeconds("joined", (performance.now() - begunAt) / 1_000),
        leaving: (session) => membership.leaving(session),
        interrupted: (session, decision) => {
          interrupted(session, decision);
          void this.#resume(session, decision);
        },
        resumed: (session) => {
          log.info(
            { event: "session_resumed", session_id: session.id, times: session.resumes },
            "session resumed",
          );
          arriving?.resumed();
        },
        ended: (session) => {
          place[Symbol.dispose]();
          if (arriving?.ended() ?? true) ended(session);
          else permits.giveBackAll(session);
        },
        departed: (session) => {
          place[Symbol.dispose]();
          permits.giveBackAll(session);
        },
      },
      options.includeTranscript,
    );
    this.#places.set(session, place);
    return session;
  }

  /** Registers the session where the sessions of all processes are counted. */
  async #claim(session: Session): Promise<void> {
    try {
      await this.#options.membership.claim(session);
    } catch (error) {
      this.#forget(session, error);
      throw error;
    }
    if (session.state !== "starting") throw notStarted(session);
  }

  /** Gives the session a thread, and another one where the first ends before any of the agent's code ran. */
  async #play(session: Session, begunAt: number, abandoned: () => boolean): Promise<void> {
    const { pool, metrics, log } = this.#options;
    for (let tries = 1; tries <= mostTries; tries += 1) {
      const slot = pool.take() ?? (await this.#waitForSlot(session, abandoned));
      if (tries === 1) {
        metrics.startSeconds("assigned", (performance.now() - begunAt) / 1_000);
        metrics.sessionStarted();
        this.#options.began(session);
      }
      if ((await session.play(slot)) === "created") return;
      log.warn(
        { event: "thread_dead_on_arrival", session_id: session.id, tries },
        "A thread ended before any of the agent's code ran",
      );
    }
    session.abandon(new Error(`${mostTries} threads in a row ended before the agent's code ran`));
    throw new GreenroomError("START_FAILED", undefined, { cause: session.error });
  }

  /** Gives a session whose thread has ended another one. It ends where there is none in time. Never rejects. */
  async #resume(session: Session, decision: EndDecision): Promise<void> {
    const { options, pool } = this.#options;
    const { resumes } = session;
    const isOver = () => session.state !== "resuming" || session.resumes !== resumes;
    try {
      const slot = pool.take() ?? (await pool.wait(options.threadWaitTimeoutMs, isOver));
      if (isOver()) slot.retire();
      else if ((await session.play(slot)) === "dead on arrival") session.giveUp(decision);
    } catch {
      // Where the agent could not be made, the session has ended, or is interrupted once more.
      if (!isOver()) session.giveUp(decision);
    }
  }

  async #waitForSlot(session: Session, abandoned: () => boolean): Promise<Slot> {
    const { options, pool } = this.#options;
    const askedAt = performance.now();
    try {
      const cause = pool.failure;
      if (cause) throw new GreenroomError("AGENT_UNAVAILABLE", undefined, { cause });
      const slot = await pool.wait(options.threadWaitTimeoutMs, abandoned);
      const left = await hasLeftSince(abandoned, askedAt);
      if (session.state === "starting" && !left) return slot;
      slot.retire();
      throw session.state === "starting" ? new GreenroomError("START_ABANDONED") : notStarted(session);
    } catch (error) {
      return await this.#giveUp(session, error);
    }
  }

  /** Gives up a session that was claimed. Its place is given back first, since the start is offered to peers next. */
  async #giveUp(session: Session, error: unknown): Promise<never> {
    await this.#options.membership.withdraw(session);
    this.#forget(session, error);
    throw error;
  }

  /** Forgets a session that never came to be. */
  #forget(session: Session, error: unknown): void {
    this.#options.sessions.forget(session);
    session.abandon(error, false);
    this.#places.get(session)?.[Symbol.dispose]();
  }
}

/** Returns the error for a session that was closed before it had a thread. */
function notStarted({ endReason }: Session): GreenroomError {
  return new GreenroomError(endReason === null ? "START_FAILED" : endReasons[endReason].startError);
}
