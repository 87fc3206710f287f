import type { AgentLauncherOptions } from "../api/launcher-options.ts";
import type { StartRequest } from "../api/start-request.ts";
import type { ServerLog } from "../log/log.ts";
import { Metrics } from "../metrics/prometheus.ts";
import type { NodeInfo, SessionRegistry } from "../registry/registry.ts";
import { within } from "../shared/deadline.ts";
import { GreenroomError } from "../shared/errors.ts";
import type { AgentReport, Guest, JsonObject, SocketOffer } from "../shared/protocol.ts";
import type { SteerQuestion } from "../shared/session/steering.ts";
import { type FilledLauncherOptions, fillLauncherOptions } from "./launcher-options.ts";
import type { SupervisorState } from "./lifecycle.ts";
import type { PeersOfMembership } from "./membership.ts";
import { logCapacity, serverLog } from "./server-log.ts";
import { acceptSocket, askForGuestAccess, demoLink } from "./session/guest-access.ts";
import type { Session } from "./session/session.ts";
import { type CallWaitOptions, waitForCalls } from "./session/sessions.ts";
import { steer } from "./session/steering.ts";
import { readLimits } from "./starts/capacity.ts";
import type { Arrivals } from "./succession/arrivals.ts";
import { makeSupervisorParts, type SupervisorParts } from "./supervisor-parts.ts";
import type { Pool } from "./threads/pool.ts";

/** The core of the server: it admits sessions, gives each a thread, has them watched, and knows how each ended. */
export class Supervisor {
  readonly options: FilledLauncherOptions;
  readonly log: ServerLog;
  readonly metrics = new Metrics();
  readonly #parts: SupervisorParts;
  readonly #warmedUp = Promise.withResolvers<void>();
  readonly #sessionsEnded = new AbortController();
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  /** Makes a supervisor, which does nothing before it is started. Throws INVALID_OPTIONS. */
  constructor(raw: AgentLauncherOptions) {
    const limits = readLimits({ memoryLimitMb: raw.memoryLimitMb ?? null });
    const baseBytes = process.memoryUsage.rss();
    this.options = fillLauncherOptions(raw, limits, baseBytes);
    this.log = serverLog(this.options);
    logCapacity(this.log, {
      options: this.options,
      limits,
      baseBytes,
      derived: raw.maxConcurrentSessions === undefined,
    });
    this.#parts = makeSupervisorParts(this.options, this.metrics, this.log);
  }

  /** Returns the registry, which knows which process has which session. */
  get registry(): SessionRegistry {
    return this.#parts.registry;
  }

  /** Returns this process, as its peers see it. */
  get node(): NodeInfo {
    return this.#parts.membership.node;
  }

  get state(): SupervisorState {
    return this.#parts.lifecycle.state;
  }

  /** Returns whether the server is warmed up, and neither draining nor about to. */
  get serving(): boolean {
    return this.#parts.lifecycle.serving;
  }

  /** Returns whether starts are accepted: a shutdown may have been announced, but has not begun. */
  get accepting(): boolean {
    return this.#parts.lifecycle.accepting;
  }

  /** Resolves when the agent was rehearsed with success, at whichever try. */
  get warmedUp(): Promise<void> {
    return this.#warmedUp.promise;
  }

  /**
   * Returns a signal that is aborted when the server has stopped, all sessions have ended, and their ends are shown:
   * nothing will happen in any.
   */
  get sessionsEnded(): AbortSignal {
    return this.#sessionsEnded.signal;
  }

  /** Resolves when as many threads are warm as are wanted and fit in. */
  reserveWhole(): Promise<void> {
    return this.#parts.pool.whole();
  }

  /** Starts the server: see `AgentLauncher.start`. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Closes every session as `drained` and frees everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Returns the reason why a start would be refused now, or null. */
  unreadiness(): GreenroomError | null {
    return this.#parts.readiness.unreadiness();
  }

  /**
   * Starts a session. Resolves once `createAgent` has returned. Rejects with the `GreenroomError` that says why not.
   * `abandoned` returns whether nobody waits for it any longer; it is asked until the session is given a thread.
   */
  async startSession(request: StartRequest, abandoned: () => boolean = () => false): Promise<Session> {
    const begunAt = performance.now();
    try {
      const refusal = this.#parts.readiness.refusalOf(request.createdBy ?? null);
      if (refusal) throw refusal;
      const session = await this.#parts.starts.start(request, begunAt, abandoned);
      this.metrics.startSeconds("created", (performance.now() - begunAt) / 1_000);
      this.log.info(
        {
          event: "session_started",
          session_id: session.id,
          call_type: session.callType,
          call_id: session.callId,
        },
        "A session started",
      );
      return session;
    } catch (error) {
      if (GreenroomError.is(error)) this.metrics.startRefused(error.code);
      throw error;
    }
  }

  /**
   * Asks a session to close. Resolves with false where there is no such live session. With `wait` it resolves once the
   * end is shown, 3 s after the end at the latest; with false where it goes on in another process, or may do so.
   */
  async closeSession(id: string, options: { by?: string; wait?: boolean } = {}): Promise<boolean> {
    const session = this.#parts.sessions.get(id);
    if (!session || session.shownState === "ended") return false;
    if (session.changeOfHands.underWay) await session.changeOfHands.over();
    if (session.isElsewhere) return false;
    session.close("closed", options.by ?? null);
    if (options.wait) await session.endShown;
    return !session.mayBeElsewhere;
  }

  /** Returns a session that is live, or that ended within the last 10 minutes. */
  getSession(id: string): Session | undefined {
    return this.#parts.sessions.get(id);
  }

  /** Returns the live sessions, the oldest first. */
  listSessions(): Session[] {
    return [...this.#parts.sessions.live()];
  }

  /** Returns the providers whose requests at a time are counted over all sessions. */
  get limitedProviders(): readonly string[] {
    return Object.keys(this.options.providerConcurrency);
  }

  /** Returns how many threads are in each state. */
  slots(): ReturnType<Pool["byState"]> {
    return this.#parts.pool.byState();
  }

  /**
   * Hands a session a message that a participant typed. Throws SESSION_CLOSING or MESSAGE_QUEUE_FULL. Returns the
   * message's id.
   */
  sendMessage(session: Session, message: { readonly text: string; readonly participantId: string }): string {
    return session.send(message);
  }

  /**
   * Has the agent of a session do something in its call. Resolves with what it tells of that. Rejects with SESSION_CLOSING,
   * NOT_IN_CALL, MESSAGE_QUEUE_FULL, NO_SUCH_ROLE or AGENT_SILENT.
   */
  steer(session: Session, question: SteerQuestion): Promise<JsonObject> {
    return steer(session, question);
  }

  /**
   * Resolves with a token with which a guest joins the call of a session, and the rest that their client needs. Rejects
   * with SESSION_CLOSING, NOT_IN_CALL, NO_JOIN_TOKENS, OWN_USER or EDGE_FAILED.
   */
  joinToken(session: Session, guest: Guest, expiresInSeconds: number): Promise<JsonObject> {
    return askForGuestAccess(session, { about: "join_token", guest, expiresInSeconds });
  }

  /**
   * Resolves with the edge's answer to the offer of a client that wants to come into the call of a session. An agent that is
   * about to join is waited for. Rejects with SESSION_CLOSING, NOT_IN_CALL, EDGE_CANNOT_RECEIVE, OWN_USER, EDGE_REFUSED or
   * EDGE_FAILED.
   */
  answerOffer(session: Session, guest: Guest, offer: JsonObject): Promise<JsonObject> {
    return askForGuestAccess(session, { about: "offer", guest, offer });
  }

  /**
   * Has the edge of a session take in a client that connected by WebSocket. Resolves with the subprotocol that it chose, or
   * null. Rejects as `answerOffer` does.
   */
  acceptSocket(session: Session, guest: Guest, socket: SocketOffer): Promise<string | null> {
    return acceptSocket(session, guest, socket);
  }

  /**
   * Resolves with a web address where a person joins the call of a session; null where the session's edge makes none.
   * Rejects as `joinToken` does.
   */
  demoLink(session: Session, guest: Guest): Promise<string | null> {
    return demoLink(session, guest);
  }

  /** Returns the sessions of other processes that go on in this one. */
  get arrivals(): Arrivals {
    return this.#parts.arrivals;
  }

  /** Sets the way in which other processes are asked, as the control plane does. */
  set peers(peers: PeersOfMembership) {
    this.#parts.membership.peers = peers;
  }

  /** Calls `listener` once, when a shutdown is announced or begins. Returns a function that removes it. */
  onDrain(listener: () => void): () => void {
    return this.#parts.lifecycle.onDrain(listener);
  }

  /**
   * Calls `listener` with the report of the agent's rehearsal. Without a listener the log tells it. Returns a function
   * that removes the listener.
   */
  onRehearsed(listener: (report: AgentReport) => void): () => void {
    return this.#parts.warmUp.onRehearsed(listener);
  }

  /** Announces that a shutdown will follow: probes say so, and starts are accepted until it does. */
  announceDrain(): void {
    this.#parts.lifecycle.announceDrain();
  }

  /**
   * Refuses starts, hands sessions over to other processes of the fleet, waits up to `timeoutMs` for calls to end by themselves, asks the rest to close as `drained`, and
   * stops. Aborting `signal` asks them at once.
   */
  async drain(options: CallWaitOptions): Promise<void> {
    this.announceDrain();
    this.#parts.lifecycle.reach("draining");
    this.#parts.warmUp.stop();
    this.#parts.pool.stopFilling();
    const over = new AbortController();
    const handedOver = this.#parts.departures.run(
      AbortSignal.any([over.signal, ...(options.signal ? [options.signal] : [])]),
    );
    await waitForCalls(this.listSessions(), options, this.log);
    over.abort();
    await handedOver;
    await this.stop();
  }

  async #start(): Promise<void> {
    if (!this.#parts.lifecycle.reach("warming")) throw new GreenroomError("DRAINING");
    this.#parts.pool.start();
    this.#parts.monitor.start();
    this.metrics.start();
    const opened = this.#parts.membership.open();
    const contact = this.#parts.membership.firstContact();
    const warmedUp = Promise.all([
      this.#parts.warmUp.run(),
      opened.then(
        () => true,
        () => false,
      ),
      contact.then(
        () => true,
        () => false,
      ),
    ]);
    void warmedUp.then(([done, isOpen, inTouch]) => {
      if (done && isOpen && inTouch && this.#parts.lifecycle.reach("serving")) this.#warmedUp.resolve();
    });
    await Promise.all([this.#parts.warmUp.firstTry, opened, contact]);
    await within(this.reserveWhole(), this.options.threadStartTimeoutMs, "The reserve").catch(
      () => undefined,
    );
  }

  async #stop(): Promise<void> {
    this.announceDrain();
    this.#parts.lifecycle.reach("stopped");
    this.#parts.warmUp.stop();
    this.#parts.pool.stopFilling();
    const sessions = this.listSessions();
    for (const session of sessions) session.close("drained");
    await Promise.all(sessions.map((session) => session.ended));
    const shown = this.#parts.endReports.shown().then(() => this.#sessionsEnded.abort());
    const { pool, recogniser, media, voice, mcp } = this.#parts;
    await Promise.all([pool.destroy(), recogniser.stop(), media.stop(), voice.stop(), mcp.stop()]);
    this.#parts.monitor.stop();
    this.metrics.stop();
    await Promise.all([shown, this.#parts.leaves.flush(), this.#parts.endReports.flush()]);
    await this.#parts.membership.close();
    await this.#parts.endReports.close();
  }
}
