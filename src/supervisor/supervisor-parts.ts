import { droppedLines } from "../log/dropped-lines.ts";
import type { ServerLog } from "../log/log.ts";
import type { Metrics } from "../metrics/prometheus.ts";
import { Journal } from "../registry/journal/journal.ts";
import { MemoryRegistry } from "../registry/memory.ts";
import { RedisRegistry } from "../registry/redis/registry.ts";
import type { SessionRegistry } from "../registry/registry.ts";
import type { FilledLauncherOptions } from "./launcher-options.ts";
import { Lifecycle } from "./lifecycle.ts";
import { loggedError } from "./log-error.ts";
import { McpThread } from "./mcp/mcp-thread.ts";
import { MediaPortThread } from "./media-port/media-port-thread.ts";
import { Membership } from "./membership.ts";
import { ThreadMonitor } from "./monitor/thread-monitor.ts";
import { Readiness } from "./readiness.ts";
import { SpeechRecogniser } from "./recogniser/speech-recogniser.ts";
import { Permits } from "./session/permits.ts";
import type { Session } from "./session/session.ts";
import { lostError } from "./session/session-summary.ts";
import { Sessions } from "./session/sessions.ts";
import { Admission } from "./starts/admission.ts";
import { CrashStorm } from "./starts/crash-storm.ts";
import { Starts } from "./starts/starts.ts";
import { Arrivals } from "./succession/arrivals.ts";
import { eventCharacters, writeCarried } from "./succession/carried-session.ts";
import { Departures } from "./succession/departures.ts";
import { makeAgentPool } from "./threads/agent-pool.ts";
import { LeavesOnBehalf, leaveModulesOf } from "./threads/leave-on-behalf.ts";
import type { Pool } from "./threads/pool.ts";
import { VoiceThread } from "./voice/voice-thread.ts";
import { WarmUp } from "./warm-up/warm-up.ts";
import { EndReports } from "./webhook/end-reports.ts";
import { EventWebhook } from "./webhook/event-webhook.ts";

/** The parts of a supervisor, wired together. */
export interface SupervisorParts {
  readonly lifecycle: Lifecycle;
  readonly sessions: Sessions;
  readonly pool: Pool;
  readonly recogniser: SpeechRecogniser;
  readonly media: MediaPortThread;
  readonly voice: VoiceThread;
  readonly mcp: McpThread;
  readonly warmUp: WarmUp;
  readonly monitor: ThreadMonitor;
  readonly readiness: Readiness;
  readonly endReports: EndReports;
  readonly leaves: LeavesOnBehalf;
  readonly registry: SessionRegistry;
  readonly membership: Membership;
  readonly starts: Starts;
  readonly arrivals: Arrivals;
  readonly departures: Departures;
}

export function makeSupervisorParts(
  options: FilledLauncherOptions,
  metrics: Metrics,
  log: ServerLog,
): SupervisorParts {
  const lifecycle = new Lifecycle();
  const sessions = new Sessions();
  const admission = new Admission(options.maxConcurrentSessions);
  const permits = new Permits<Session>(options.providerConcurrency);
  const crashStorm = new CrashStorm(options.crashStormLimit);
  const leaves = new LeavesOnBehalf(leaveModulesOf(options.leaveModules), log, metrics);
  const recogniser: SpeechRecogniser = new SpeechRecogniser({
    choice: options.recogniser,
    roomBytes: () => monitor.roomBytes(),
    log,
  });
  const media = new MediaPortThread({ port: options.mediaPort, log });
  const voice = new VoiceThread({ log });
  const mcp = new McpThread({ log });
  const pool = makeAgentPool(options, { recogniser, media, voice, mcp }, metrics, log);
  const { createTimeoutMs, threadStartTimeoutMs } = options;
  const warmUp = new WarmUp({
    pool,
    createTimeoutMs,
    threadWaitMs: threadStartTimeoutMs * 2,
    limitedProviders: Object.keys(options.providerConcurrency),
    log,
    measured: (measurement) => metrics.record(measurement),
  });
  const monitor = new ThreadMonitor({ options, sessions, pool, shared: [recogniser, voice], metrics, log });
  const readiness = new Readiness({
    lifecycle,
    warmUp,
    monitor,
    crashStorm,
    pool,
    admission,
    awaitsRegistry: () => membership.awaitsContact,
    registryRefuses: () => refusesWhileAway(options) && !registry.up,
    ignoreLoad: options.ignoreLoad,
  });
  const registry = registryOf(options, log);
  const { webhook } = options;
  const events = webhook && webhook.events.length > 0 ? new EventWebhook({ ...webhook, metrics, log }) : null;
  const endReports = new EndReports({
    options,
    registry,
    events,
    membership: () => membership,
    departed: (session) => {
      sessions.forget(session);
      session.depart();
    },
    unsure: (session) => {
      sessions.forget(session);
      session.withholdEnd();
    },
    sure: (session) => sessions.recall(session),
    metrics,
    log,
  });
  const membership = new Membership({
    options,
    registry,
    metrics,
    log,
    state: () => ({
      capacity: admission.capacity,
      free: admission.capacity - admission.taken,
      accepting: readiness.wouldStart(),
    }),
    lost: (record) => endReports.lost(record),
    fenced: (sessionIds) => {
      for (const id of sessionIds) sessions.get(id)?.lose(lostError(membership.node));
    },
    deliver: (message) => endReports.deliver(message),
    mayShow: (sessionId) => endReports.show(sessionId),
    room: () => endReports.room,
    carried: (sessionId) => {
      const carried = sessions.get(sessionId)?.carried(eventCharacters.kept) ?? null;
      return carried && writeCarried(carried);
    },
    adoptable: () =>
      options.maxResumes > 0 && readiness.refusal() === null ? admission.capacity - admission.taken : 0,
    adopted: (record, carried) => arrivals.adopted(record, carried),
  });
  const stormed = (where: string | null) => {
    if (where !== null)
      log.warn(
        { event: "crash_storm", where },
        "Starts are refused for a while, since too many threads crashed at one place",
      );
  };
  const starts = new Starts({
    options,
    sessions,
    admission,
    membership,
    pool,
    permits,
    metrics,
    log,
    refusal: () => readiness.refusal(),
    measured: (measurement) => {
      metrics.record(measurement);
      monitor.measured(measurement);
    },
    leaveData: (session, leaveData) => leaves.leave(session.id, leaveData),
    interrupted: (session, { reason, error }) => {
      permits.giveBackAll(session);
      metrics.sessionResumed(reason, "in_place");
      log.warn(
        { event: "session_interrupted", session_id: session.id, reason, err: error && loggedError(error) },
        "the thread of a session has ended, and another one takes up its call",
      );
      stormed(crashStorm.count({ endReason: reason, error, createdBy: session.createdBy }));
    },
    began: (session) => events?.follow(session, session.events.idBefore),
    ended: (session) => {
      permits.giveBackAll(session);
      sessions.retire(session);
      stormed(crashStorm.count(session));
      endReports.report(session);
    },
    changed: ({ id }) => registry.successions?.changed(id),
  });
  const arrivals = new Arrivals({
    starts,
    sessions,
    registry,
    metrics,
    log,
    arrived: (session, afterEvent) => events?.follow(session, afterEvent),
  });
  const departures = new Departures({ sessions, registry, membership: () => membership, log });
  metrics.observe({
    serving: () => lifecycle.serving,
    ready: () => readiness.unreadiness() === null,
    capacity: options.maxConcurrentSessions,
    warmTarget: options.warmSessions,
    sessionsByState: () => sessions.byState(),
    slotsByState: () => pool.byState(),
    loadCauses: () => monitor.loadGuard.causes(),
    registry: () => ({ up: registry.up, peers: registry.peers().length }),
    endsWaiting: () => registry.waiting,
    logLinesDropped: (reason) => droppedLines.count(reason),
    memory: () => monitor.memory(),
    threads: () => sessions.live().map((session) => session.resources),
  });
  return {
    lifecycle,
    sessions,
    pool,
    recogniser,
    media,
    voice,
    mcp,
    warmUp,
    monitor,
    readiness,
    endReports,
    leaves,
    registry,
    membership,
    starts,
    arrivals,
    departures,
  };
}

/** Returns whether starts are refused while the registry cannot be reached, or takes nothing. */
function refusesWhileAway({ registry, stateDir }: FilledLauncherOptions): boolean {
  if (stateDir !== undefined) return true;
  return registry !== undefined && "whileAway" in registry && registry.whileAway === "refuse";
}

/** Returns the registry that the options name: the given one, one in Redis, or the process's own memory, with a journal or without. */
function registryOf({ registry, stateDir }: FilledLauncherOptions, log: ServerLog): SessionRegistry {
  if (registry !== undefined) return "claim" in registry ? registry : new RedisRegistry(registry);
  return new MemoryRegistry(stateDir === undefined ? null : new Journal({ folder: stateDir, log }));
}
