import type { Logger } from "pino";
import type { AgentLauncherOptions, StartRequest } from "../agent-launcher.ts";
import { within } from "../deadline.ts";
import { GreenroomError } from "../errors.ts";
import { Metrics } from "../metrics/prometheus.ts";
import type { AgentReport, Guest, JsonObject } from "../protocol.ts";
import type { Liveness, NodeInfo, PeerNode, SessionRegistry } from "../registry/registry.ts";
import { type CallWaitOptions, waitForCalls } from "./call-wait.ts";
import { readLimits } from "./capacity.ts";
import { invite } from "./invitation.ts";
import { type FilledLauncherOptions, fillLauncherOptions } from "./launcher-options.ts";
import type { SupervisorState } from "./lifecycle.ts";
import { makeParts, type Parts } from "./parts.ts";
import type { Pool } from "./pool.ts";
import { logCapacity, serverLog } from "./server-log.ts";
import type { Session } from "./session.ts";

/** The heart of the server: admits sessions, gives each a thread, has them looked after, and knows how each ended. */
export class Supervisor {
  readonly options: FilledLauncherOptions;
  readonly log: Logger;
  readonly metrics = new Metrics();
  readonly #parts: Parts;
  readonly #warmedUp = Promise.withResolvers<void>();
  readonly #sessionsEnded = new AbortController();
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  /** Throws INVALID_OPTIONS. */
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
    this.#parts = makeParts(this.options, this.metrics, this.log);
  }

  /** Which process has which session. */
  get registry(): SessionRegistry {
    return this.#parts.registry;
  }

  /** This process, as its peers see it. */
  get node(): NodeInfo {
    return this.#parts.membership.node;
  }

  get state(): SupervisorState {
    return this.#parts.lifecycle.state;
  }

  /** Warmed up, and neither draining nor about to. */
  get serving(): boolean {
    return this.#parts.lifecycle.serving;
  }

  /** Starts are accepted: a shutdown may have been announced, but has not begun. */
  get accepting(): boolean {
    return this.#parts.lifecycle.accepting;
  }

  /** Resolves when the agent was rehearsed with success, at whichever try. */
  get warmedUp(): Promise<void> {
    return this.#warmedUp.promise;
  }

  /** Aborted when the server has stopped and all sessions have ended: nothing will happen in any. */
  get sessionsEnded(): AbortSignal {
    return this.#sessionsEnded.signal;
  }

  /** Resolves when as many threads are warm as are wanted and fit in. */
  reserveWhole(): Promise<void> {
    return this.#parts.pool.whole();
  }

  /** See `AgentLauncher.start`. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Closes every session as `drained` and frees everything. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Why a start would be refused now, or null. */
  unreadiness(): GreenroomError | null {
    return this.#parts.readiness.unreadiness();
  }

  /**
   * Resolves once `createAgent` has returned. Rejects with the `GreenroomError` that says why not. `abandoned`: nobody waits
   * for it any longer; asked until it is given a thread.
   */
  async startSession(request: StartRequest, abandoned: () => boolean = () => false): Promise<Session> {
    const begunAt = performance.now();
    try {
      const refusal = this.#parts.readiness.refusalOf(request.createdBy ?? null);
      if (refusal) throw refusal;
      const session = await this.#parts.starts.start(request, begunAt, abandoned);
      this.metrics.startSeconds("created", (performance.now() - begunAt) / 1_000);
      this.log.info(
        { session_id: session.id, call_type: session.callType, call_id: session.callId },
        "session started",
      );
      return session;
    } catch (error) {
      if (GreenroomError.is(error)) this.metrics.startRefused(error.code);
      throw error;
    }
  }

  /** Asks a session to close. False: there is no such live session. */
  async closeSession(id: string, options: { by?: string; wait?: boolean } = {}): Promise<boolean> {
    const session = this.#parts.sessions.get(id);
    if (!session || session.state === "ended") return false;
    session.close("closed", options.by ?? null);
    if (options.wait) await session.ended;
    return true;
  }

  /** A session that is live, or that ended within the last 10 minutes. */
  getSession(id: string): Session | undefined {
    return this.#parts.sessions.get(id);
  }

  /** The live sessions, oldest first. */
  listSessions(): Session[] {
    return [...this.#parts.sessions.live()];
  }

  /** Those whose requests at a time are counted over all sessions. */
  get limitedProviders(): readonly string[] {
    return Object.keys(this.options.providerConcurrency);
  }

  /** How many threads are in each state. */
  slots(): ReturnType<Pool["byState"]> {
    return this.#parts.pool.byState();
  }

  /** Hands a session what a participant typed. Throws SESSION_CLOSING or MESSAGE_QUEUE_FULL. Returns the message's id. */
  sendMessage(session: Session, message: { readonly text: string; readonly participantId: string }): string {
    return session.send(message);
  }

  /**
   * A token with which a guest joins the call of a session, and what else their client needs. Throws SESSION_CLOSING,
   * NOT_IN_CALL, NO_JOIN_TOKENS, OWN_USER or EDGE_FAILED.
   */
  joinToken(session: Session, guest: Guest, expiresInSeconds: number): Promise<JsonObject> {
    return invite(session, { about: "join_token", guest, expiresInSeconds });
  }

  /** A web address where a person joins the call of a session; null where the session's edge makes none. Throws as `joinToken`. */
  async demoLink(session: Session, guest: Guest): Promise<string | null> {
    try {
      const { url } = await invite(session, { about: "demo_link", guest });
      return String(url);
    } catch (error) {
      if (GreenroomError.is(error) && error.code === "NO_JOIN_TOKENS") return null;
      throw error;
    }
  }

  /** How a peer is asked whether it lives, before it is declared dead. */
  set askLiveness(ask: (peer: PeerNode) => Promise<Liveness>) {
    this.#parts.membership.askLiveness = ask;
  }

  /** Called once, when a shutdown is announced or begins. Returns what ends it. */
  onDrain(listener: () => void): () => void {
    return this.#parts.lifecycle.onDrain(listener);
  }

  /**
   * Calls `listener` with what the agent's rehearsal found. Where nobody listens the log tells it. Returns what ends it.
   */
  onRehearsed(listener: (report: AgentReport) => void): () => void {
    return this.#parts.warmUp.onRehearsed(listener);
  }

  /** A shutdown will follow: probes say so, and starts are accepted until it does. */
  announceDrain(): void {
    this.#parts.lifecycle.announceDrain();
  }

  /**
   * Refuses starts, waits up to `timeoutMs` for calls to end by themselves, asks the rest to close as `drained`, and stops.
   * Aborting `signal` asks them at once.
   */
  async drain(options: CallWaitOptions): Promise<void> {
    this.announceDrain();
    this.#parts.lifecycle.reach("draining");
    this.#parts.warmUp.stop();
    this.#parts.pool.stopFilling();
    await waitForCalls(this.listSessions(), options, this.log);
    await this.stop();
  }

  async #start(): Promise<void> {
    if (!this.#parts.lifecycle.reach("warming")) throw new GreenroomError("DRAINING");
    this.#parts.pool.start();
    this.#parts.care.start();
    const opened = this.#parts.membership.open();
    const contact = this.#parts.membership.firstContact();
    const warmedUp = Promise.all([
      this.#parts.warmUp.run(),
      opened.catch(() => undefined),
      contact.then(
        () => true,
        () => false,
      ),
    ]);
    void warmedUp.then(([done, , inTouch]) => {
      if (done && inTouch && this.#parts.lifecycle.reach("serving")) this.#warmedUp.resolve();
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
    this.#sessionsEnded.abort();
    await this.#parts.pool.destroy();
    this.#parts.care.stop();
    await Promise.all([this.#parts.farewells.flush(), this.#parts.endReports.flush()]);
    await this.#parts.membership.close();
    await this.#parts.endReports.close();
  }
}
