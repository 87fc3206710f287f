import pino, { type Logger } from "pino";
import type { AgentLauncherOptions, StartRequest } from "../agent-launcher.ts";
import { within } from "../deadline.ts";
import { GreenroomError } from "../errors.ts";
import { Metrics } from "../metrics/prometheus.ts";
import type { AgentReport } from "../protocol.ts";
import { Admission } from "./admission.ts";
import { describeAgent } from "./agent-report.ts";
import { deriveCapacity, readLimits } from "./capacity.ts";
import { Care } from "./care.ts";
import { CrashStorm } from "./crash-storm.ts";
import { EndReports } from "./end-reports.ts";
import { type FilledLauncherOptions, fillLauncherOptions } from "./launcher-options.ts";
import { loggedError } from "./log-error.ts";
import { Permits } from "./permits.ts";
import { Pool } from "./pool.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { Starts } from "./starts.ts";
import { threadEnvironment } from "./thread-environment.ts";
import { warmUp } from "./warm-up.ts";

/** `announced`: about to drain; balancers learn it while starts are still accepted. */
export type SupervisorState = "idle" | "warming" | "serving" | "announced" | "draining" | "stopped";

/** The heart of the server: admits sessions, gives each a thread, has them looked after, and knows how each ended. */
export class Supervisor {
  readonly options: FilledLauncherOptions;
  readonly log: Logger;
  readonly metrics = new Metrics();
  readonly #sessions = new Sessions();
  readonly #admission: Admission;
  readonly #pool: Pool;
  readonly #care: Care;
  readonly #crashStorm: CrashStorm;
  readonly #endReports: EndReports;
  readonly #starts: Starts;
  readonly #permits: Permits<Session>;
  readonly #drainListeners = new Set<() => void>();
  readonly #reportListeners = new Set<(report: AgentReport) => void>();
  readonly #stopping = new AbortController();
  readonly #warmedUp = Promise.withResolvers<void>();
  readonly #sessionsEnded = new AbortController();
  /** What the last try to warm up failed of, in the agent's own words. */
  #warmUpFailure: unknown;
  #state: SupervisorState = "idle";
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  /** Throws INVALID_OPTIONS. */
  constructor(raw: AgentLauncherOptions) {
    const derived = deriveCapacity(readLimits());
    this.options = fillLauncherOptions(raw, () => derived.sessions);
    const { options } = this;
    this.log =
      options.logger ??
      pino({ level: options.logLevel }, pino.destination({ fd: options.logFd, sync: true }));
    const capacity = options.maxConcurrentSessions;
    const asSet = `${capacity} ${capacity === 1 ? "session" : "sessions"}, as set`;
    this.log.info(
      { capacity },
      `Capacity: ${raw.maxConcurrentSessions === undefined ? derived.explanation : asSet}`,
    );
    this.#admission = new Admission(options.maxConcurrentSessions, options.maxSessionsPerCall);
    this.#permits = new Permits(options.providerConcurrency);
    this.#crashStorm = new CrashStorm(options.crashStormLimit);
    this.#endReports = new EndReports(options, this.log, this.metrics);
    this.#pool = this.#makePool();
    this.#care = new Care({
      options,
      sessions: this.#sessions,
      pool: this.#pool,
      metrics: this.metrics,
      log: this.log,
    });
    this.#starts = new Starts({
      options,
      sessions: this.#sessions,
      admission: this.#admission,
      pool: this.#pool,
      permits: this.#permits,
      metrics: this.metrics,
      log: this.log,
      measured: (measurement) => {
        this.metrics.record(measurement);
        this.#care.measured(measurement);
      },
      ended: (session) => this.#ended(session),
    });
    this.metrics.observe({
      capacity: options.maxConcurrentSessions,
      warmTarget: options.warmSessions,
      sessionsByState: () => this.#sessions.byState(),
      slotsByState: () => this.#pool.byState(),
      loadCauses: () => this.#care.loadGuard.causes(),
      threads: () => this.#sessions.live().map((session) => session.resources),
    });
  }

  get state(): SupervisorState {
    return this.#state;
  }

  /** Warmed up, and neither draining nor about to. */
  get serving(): boolean {
    return this.#state === "serving";
  }

  /** Starts are accepted: a shutdown may have been announced, but has not begun. */
  get accepting(): boolean {
    return this.#state === "serving" || this.#state === "announced";
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
    return this.#pool.whole();
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
    if (this.#state === "announced") return new GreenroomError("DRAINING");
    const refusal = this.#refusal();
    if (refusal) return refusal;
    if (this.#pool.failure) return new GreenroomError("AGENT_UNAVAILABLE");
    return this.#admission.full ? new GreenroomError("POOL_FULL") : null;
  }

  /** Resolves once `createAgent` has returned. Rejects with the `GreenroomError` that says why not. */
  async startSession(request: StartRequest): Promise<Session> {
    const begunAt = performance.now();
    try {
      const refusal = this.#refusal();
      if (refusal) throw refusal;
      const session = await this.#starts.start(request, begunAt);
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
    const session = this.#sessions.get(id);
    if (!session || session.state === "ended") return false;
    session.close("closed", options.by ?? null);
    if (options.wait) await session.ended;
    return true;
  }

  /** A session that is live, or that ended within the last 10 minutes. */
  getSession(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  /** The live sessions, oldest first. */
  listSessions(): Session[] {
    return [...this.#sessions.live()];
  }

  /** Those whose requests at a time are counted over all sessions. */
  get limitedProviders(): readonly string[] {
    return Object.keys(this.options.providerConcurrency);
  }

  /** How many threads are in each state. */
  slots(): ReturnType<Pool["byState"]> {
    return this.#pool.byState();
  }

  /** Hands a session what a participant typed. Throws SESSION_CLOSING or MESSAGE_QUEUE_FULL. Returns the message's id. */
  sendMessage(session: Session, message: { readonly text: string; readonly participantId: string }): string {
    return session.send(message);
  }

  /** Called once, when a shutdown is announced or begins. Returns what ends it. */
  onDrain(listener: () => void): () => void {
    this.#drainListeners.add(listener);
    return () => this.#drainListeners.delete(listener);
  }

  /**
   * Calls `listener` with what the agent's rehearsal found. Where nobody listens the log tells it. Returns what ends it.
   */
  onRehearsed(listener: (report: AgentReport) => void): () => void {
    this.#reportListeners.add(listener);
    return () => this.#reportListeners.delete(listener);
  }

  /** A shutdown will follow: probes say so, and starts are accepted until it does. */
  announceDrain(): void {
    if (this.#state === "announced" || this.#state === "draining" || this.#state === "stopped") return;
    this.#state = this.#state === "serving" ? "announced" : "draining";
    for (const listener of this.#drainListeners) listener();
  }

  /**
   * Refuses starts, waits up to `timeoutMs` for calls to end by themselves, asks the rest to close as `drained`, and stops.
   * Aborting `signal` asks them at once.
   */
  async drain(options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<void> {
    this.announceDrain();
    if (this.#state === "announced") this.#state = "draining";
    this.#pool.stopFilling();
    const { timeoutMs, signal } = options;
    const sessions = this.listSessions();
    if (sessions.length > 0 && !signal?.aborted) {
      this.log.info({ sessions: sessions.length, timeoutMs }, "waiting for calls to end");
      const hurried = Promise.withResolvers<void>();
      signal?.addEventListener("abort", () => hurried.resolve(), { once: true });
      const ended = Promise.all(sessions.map((session) => session.ended));
      await within(Promise.race([ended, hurried.promise]), timeoutMs, "Waiting for calls").catch(
        () => undefined,
      );
    }
    await this.stop();
  }

  #makePool(): Pool {
    const { options, log, metrics } = this;
    return new Pool(
      {
        agentUrl: options.agent,
        capacity: options.maxConcurrentSessions,
        warmSessions: options.warmSessions,
        threadStartTimeoutMs: options.threadStartTimeoutMs,
        heapLimitMb: options.heapLimitMb,
        messagesPerSecond: options.messagesPerSecond,
        limitedProviders: this.limitedProviders,
        log: {
          level: options.agentsLogLevel,
          fd: options.logFd,
          format: options.agentsLogFormat,
          transcripts: options.logTranscripts,
        },
        environment: threadEnvironment(options.agentEnvironment),
      },
      {
        warm: (startMs) => metrics.slotStarted(startMs / 1_000),
        startFailed: (error, retryInMs) => {
          metrics.slotStartFailed();
          log.error(
            { err: loggedError(error), retryInMs: Math.round(retryInMs) },
            "a session thread could not start",
          );
        },
        error: (error) => log.error({ err: loggedError(error) }, "an error in a thread without a session"),
      },
    );
  }

  async #start(): Promise<void> {
    if (this.#state !== "idle") throw new GreenroomError("DRAINING");
    this.#state = "warming";
    this.#pool.start();
    this.#care.start();
    const { createTimeoutMs, threadStartTimeoutMs } = this.options;
    const firstTry = Promise.withResolvers<void>();
    const warmedUp = warmUp({
      pool: this.#pool,
      createTimeoutMs,
      threadWaitMs: threadStartTimeoutMs * 2,
      log: this.log,
      signal: this.#stopping.signal,
      failed: (error) => {
        this.#warmUpFailure = error;
        firstTry.reject(error);
      },
      measured: (measurement) => this.metrics.record(measurement),
      rehearsed: (report) => this.#rehearsed(report),
    });
    void warmedUp.then((done) => {
      if (done && this.#state === "warming") {
        this.#state = "serving";
        this.#warmedUp.resolve();
      }
      if (done) firstTry.resolve();
      else firstTry.reject(new GreenroomError("DRAINING"));
    });
    await firstTry.promise;
    await within(this.reserveWhole(), threadStartTimeoutMs, "The reserve").catch(() => undefined);
  }

  #rehearsed(report: AgentReport): void {
    for (const listener of this.#reportListeners) listener(report);
    if (this.#reportListeners.size > 0) return;
    for (const { level, fields, text } of describeAgent(report, this.limitedProviders))
      this.log[level](fields, text);
  }

  async #stop(): Promise<void> {
    this.announceDrain();
    this.#state = "stopped";
    this.#stopping.abort();
    this.#pool.stopFilling();
    const sessions = this.listSessions();
    for (const session of sessions) session.close("drained");
    await Promise.all(sessions.map((session) => session.ended));
    this.#sessionsEnded.abort();
    await this.#pool.destroy();
    this.#care.stop();
    await this.#endReports.flush();
  }

  /** Why no start is accepted, or null. Whether there is room is for the admission to say. */
  #refusal(): GreenroomError | null {
    if (this.#state === "idle") return new GreenroomError("NOT_STARTED");
    if (this.#state === "warming") return this.#coldness();
    if (!this.accepting) return new GreenroomError("DRAINING");
    if (this.#care.loadGuard.causes().length > 0) {
      return new GreenroomError("OVERLOADED", undefined, { retryAfterSeconds: 5 });
    }
    const retryAfterSeconds = this.#crashStorm.secondsLeft;
    return retryAfterSeconds > 0 ? new GreenroomError("CRASH_STORM", undefined, { retryAfterSeconds }) : null;
  }

  /** Why nothing is warm: it takes its time, or the agent is at fault. */
  #coldness(): GreenroomError {
    const cause = this.#warmUpFailure ?? this.#pool.failure ?? undefined;
    return cause === undefined
      ? new GreenroomError("WARMING_UP")
      : new GreenroomError("AGENT_UNAVAILABLE", undefined, { cause });
  }

  #ended(session: Session): void {
    this.#permits.giveBackAll(session);
    this.#sessions.retire(session);
    this.#crashStorm.count(session);
    this.#endReports.report(session);
  }
}
