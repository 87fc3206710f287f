import { Registry } from "prom-client";
import { type DropReason, dropReasons } from "../log/dropped-lines.ts";
import { type EndReason, endReasonNames, type KillReason, reasonsThat } from "../shared/end-reasons.ts";
import { type ErrorCode, startErrorCodes } from "../shared/errors.ts";
import { liveStates, now } from "../shared/protocol.ts";
import type { Measurement } from "../shared/session/measurement.ts";
import { version } from "../shared/version.ts";
import { type Families, makeFamilies } from "./families.ts";
import { LabelLimit } from "./label-limit.ts";
import {
  type KeySource,
  keySources,
  type LeaveOutcome,
  leaveOutcomes,
  loadCauses,
  type PeerRequestKind,
  peerRequestKinds,
  type ResumePlace,
  type SocketEnd,
  type SocketLeg,
  type StartStage,
  slotStates,
  socketEnds,
  socketLegs,
  startStages,
  type WebhookOutcome,
  webhookOutcomes,
} from "./labels.ts";
import { reading } from "./measured-numbers.ts";
import { MeasurementCounters } from "./measurement-counters.ts";
import { processMetrics } from "./process-metrics.ts";
import { RecentFigures } from "./recent/recent-figures.ts";
import type { MetricsSource } from "./source.ts";

/**
 * The metrics of the server, in a registry of its own, so that there may be several. They are aggregates: nothing here
 * grows with the number of sessions, and counters belong to the process, so that none falls when a session ends.
 */
export class Metrics {
  /** The figures of the last minutes, sampled while the server runs. */
  readonly recent = new RecentFigures();
  readonly #registry = new Registry();
  readonly #families: Families = makeFamilies(this.#registry);
  readonly #measurements = new MeasurementCounters(this.#registry);
  readonly #routes = new LabelLimit(60);
  readonly #methods = new LabelLimit(10);
  #source: MetricsSource | undefined;
  #eventStreams = 0;
  /** The lines dropped as of the last read of their counters. */
  readonly #linesDropped: Record<DropReason, number> = { blocked: 0, failed: 0, flood: 0 };

  constructor() {
    const to = this.#families;
    to.buildInfo.set({ version, node_version: process.versions.node }, 1);
    // A counter that first appears at 1 has no increase: those with known labels begin at 0.
    for (const reason of endReasonNames) to.sessionsEnded.inc({ reason }, 0);
    for (const reason of reasonsThat("isKill")) to.watchdogKills.inc({ reason }, 0);
    for (const outcome of leaveOutcomes) to.leavesOnBehalf.inc({ outcome }, 0);
    for (const outcome of webhookOutcomes) {
      to.webhookDeliveries.inc({ outcome }, 0);
      to.webhookEvents.inc({ outcome }, 0);
    }
    for (const code of startErrorCodes) to.startRefusals.inc({ code }, 0);
    for (const kind of peerRequestKinds) {
      to.peerRequestSeconds.zero({ kind });
      to.peerRequestFailures.inc({ kind }, 0);
    }
    for (const leg of socketLegs) {
      to.socketsOpen.set({ leg }, 0);
      for (const reason of socketEnds) to.socketsClosed.inc({ leg, reason }, 0);
      for (const direction of ["received", "sent"]) to.socketBytes.inc({ leg, direction }, 0);
    }
    for (const reason of dropReasons) to.logLinesDropped.inc({ reason }, 0);
    for (const stage of startStages) to.sessionStartSeconds.zero({ stage });
  }

  /** Records what a session thread measured. Never throws. */
  record(measurement: Measurement): void {
    this.#measurements.record(measurement);
    this.recent.record(measurement);
  }

  /** Counts an answered request. `route` is the pattern that matched (`/sessions/:id`), never the path itself. */
  http(route: string, method: string, status: number, from: "client" | "peer", seconds: number): void {
    const labels = {
      route: this.#routes.admit(route),
      method: this.#methods.admit(method),
      status: String(status),
      from,
    };
    observe(this.#families.httpRequestSeconds.labels(labels), seconds);
  }

  /** Counts a request to another replica that has begun to answer. */
  peerAnswered(kind: PeerRequestKind, seconds: number): void {
    observe(this.#families.peerRequestSeconds.labels({ kind }), seconds);
  }

  /** Counts a request that another replica did not answer. */
  peerFailed(kind: PeerRequestKind): void {
    this.#families.peerRequestFailures.inc({ kind });
  }

  /** Sets how many API keys are good, and how many lines of their files are not. */
  apiKeys(valid: Readonly<Record<KeySource, number>>, flaws: number): void {
    for (const source of keySources) this.#families.apiKeys.set({ source }, valid[source]);
    this.#families.apiKeyFlaws.set(flaws);
  }

  /** Counts a stream of events as open, until the function that it returns is called; more than once does no harm. */
  eventStreamOpened(): () => void {
    this.#eventStreams += 1;
    let open = true;
    return () => {
      if (open) this.#eventStreams -= 1;
      open = false;
    };
  }

  /** Counts a client's WebSocket as open, until the function that it returns is called, once. */
  socketOpened(leg: SocketLeg): () => void {
    this.#families.socketsOpen.inc({ leg });
    return () => this.#families.socketsOpen.dec({ leg });
  }

  /** Counts a client's WebSocket that is over. */
  socketClosed(leg: SocketLeg, reason: SocketEnd): void {
    this.#families.socketsClosed.inc({ leg, reason });
  }

  /** Adds bytes that came from a client, and that went to it. */
  socketBytes(leg: SocketLeg, received: number, sent: number): void {
    this.#families.socketBytes.inc({ leg, direction: "received" }, received);
    this.#families.socketBytes.inc({ leg, direction: "sent" }, sent);
  }

  sessionStarted(): void {
    this.#families.sessionsStarted.inc();
    this.recent.started();
  }

  /** Records the time from the request to start until this stage. */
  startSeconds(stage: StartStage, seconds: number): void {
    observe(this.#families.sessionStartSeconds.labels({ stage }), seconds);
  }

  startRefused(code: ErrorCode): void {
    this.#families.startRefusals.inc({ code });
    this.recent.refused();
  }

  sessionEnded(reason: EndReason, durationSeconds: number): void {
    this.#families.sessionsEnded.inc({ reason });
    this.recent.ended(reason);
    observe(this.#families.sessionDurationSeconds, durationSeconds);
  }

  /** Counts a call that was left for a dead thread, or could not be left. */
  leftOnBehalf(outcome: LeaveOutcome): void {
    this.#families.leavesOnBehalf.inc({ outcome });
  }

  registryCommandFailed(): void {
    this.#families.registryErrors.inc();
  }

  slotStarted(seconds: number): void {
    observe(this.#families.slotStartSeconds, seconds);
  }

  slotStartFailed(): void {
    this.#families.slotStartFailures.inc();
  }

  threadKilled(reason: KillReason): void {
    this.#families.watchdogKills.inc({ reason });
  }

  sessionResumed(reason: EndReason, where: ResumePlace): void {
    this.#families.sessionResumes.inc({ reason, where });
  }

  /** Adds CPU time that session threads used since this was last called. */
  threadCpu(seconds: number): void {
    this.#families.threadCpuSeconds.inc(reading(seconds) ?? 0);
  }

  mainLoopLag(seconds: number): void {
    observe(this.#families.mainLoopLagSeconds, seconds);
    this.recent.loopLag(seconds);
  }

  webhook(outcome: WebhookOutcome): void {
    this.#families.webhookDeliveries.inc({ outcome });
  }

  webhookEvents(outcome: WebhookOutcome, events: number): void {
    this.#families.webhookEvents.inc({ outcome }, events);
  }

  /** Sets the source that the gauges read from. Before that they say 0. */
  observe(source: MetricsSource): void {
    this.#source = source;
  }

  get source(): MetricsSource | undefined {
    return this.#source;
  }

  /** Begins to sample {@link recent}, until `stop`. */
  start(): void {
    if (this.#source) this.recent.start(this.#source);
  }

  stop(): void {
    this.recent.stop();
  }

  readonly contentType: string = this.#registry.contentType;

  /** Resolves with the exposition, metrics of the process included. */
  async text(): Promise<string> {
    this.#readGauges();
    const [own, ofProcess] = await Promise.all([this.#registry.metrics(), processMetrics().metrics()]);
    return own + ofProcess;
  }

  #readGauges(): void {
    const to = this.#families;
    to.eventStreams.set(this.#eventStreams);
    const source = this.#source;
    if (source === undefined) return;
    to.serving.set(source.serving() ? 1 : 0);
    to.ready.set(source.ready() ? 1 : 0);

    const sessions = source.sessionsByState();
    let live = 0;
    for (const state of liveStates) {
      const count = sessions[state] ?? 0;
      live += count;
      to.sessions.set({ state }, count);
    }
    const slots = source.slotsByState();
    for (const state of slotStates) to.slots.set({ state }, slots[state]);
    to.capacity.set(source.capacity);
    to.utilisation.set(source.capacity > 0 ? live / source.capacity : 0);
    to.warmTarget.set(source.warmTarget);

    for (const reason of dropReasons) {
      const lines = source.logLinesDropped(reason);
      to.logLinesDropped.inc({ reason }, lines - this.#linesDropped[reason]);
      this.#linesDropped[reason] = lines;
    }

    const registry = source.registry();
    to.registryUp.set(registry.up ? 1 : 0);
    to.registryPeers.set(registry.peers);
    const { count: endsWaiting, oldestSince } = source.endsWaiting();
    to.endsWaiting.set(endsWaiting);
    to.oldestEndSeconds.set(oldestSince === null ? 0 : Math.max(0, (now() - oldestSince) / 1_000));

    const causes = source.loadCauses();
    for (const cause of loadCauses) to.loadGuard.set({ cause }, causes.includes(cause) ? 1 : 0);
    const { usedBytes, limitBytes } = source.memory();
    to.memoryUsedBytes.set(usedBytes);
    to.memoryLimitBytes.set(limitBytes);
    this.#readThreads(source);
  }

  #readThreads(source: MetricsSource): void {
    let threads = 0;
    let heapBytes = 0;
    let heapMaxBytes = 0;
    let externalBytes = 0;
    let loopSum = 0;
    let loopMax = 0;
    for (const vitals of source.threads()) {
      if (vitals === null) continue;
      threads += 1;
      heapBytes += vitals.heapBytes;
      externalBytes += vitals.externalBytes;
      heapMaxBytes = Math.max(heapMaxBytes, vitals.heapBytes);
      loopSum += vitals.eventLoopUtilization;
      loopMax = Math.max(loopMax, vitals.eventLoopUtilization);
    }
    const to = this.#families;
    to.threadHeapBytes.set(heapBytes);
    to.threadHeapMaxBytes.set(heapMaxBytes);
    to.threadExternalBytes.set(externalBytes);
    to.threadLoopAverage.set(threads > 0 ? loopSum / threads : 0);
    to.threadLoopMax.set(loopMax);
  }
}

function observe(histogram: { observe(value: number): void }, seconds: number): void {
  const duration = reading(seconds);
  if (duration !== null) histogram.observe(duration);
}
