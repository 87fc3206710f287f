import { setTimeout as sleep } from "node:timers/promises";
import type { SessionSummary } from "../../api/session-summary.ts";
import type { ServerLog } from "../../log/log.ts";
import type { Metrics } from "../../metrics/prometheus.ts";
import type { EndMessage, EndOutcome, SessionRecord, SessionRegistry } from "../../registry/registry.ts";
import { within } from "../../shared/deadline.ts";
import { endReasons } from "../../shared/end-reasons.ts";
import { toJson } from "../../shared/text/text.ts";
import type { FilledLauncherOptions } from "../launcher-options.ts";
import { loggedError } from "../log-error.ts";
import type { Membership } from "../membership.ts";
import type { Session } from "../session/session.ts";
import { lostError, summarize, summarizeLost } from "../session/session-summary.ts";
import type { EventWebhook } from "./event-webhook.ts";
import { sessionEndedMessage, sessionEndedMessageId } from "./session-ended.ts";
import { Webhook } from "./webhook.ts";

/** The longest time that the registry is waited for when the server stops, in milliseconds. */
const writeTimeoutMs = 5_000;
/**
 * The longest time that hooks and webhooks are waited for when the server stops, the registry included, in
 * milliseconds.
 */
const flushTimeoutMs = 10_000;
/** The time that is left for ends that no other process knows of, in milliseconds. */
const lastTimeoutMs = 2_000;
/** The longest time for which an end that is not written yet is hidden, in milliseconds. One that may not count is hidden for longer. */
const showTimeoutMs = 3_000;
/** The time between two questions to the registry about which end of a session counts, in milliseconds. */
const askAgainMs = 1_000;
/** The number of times in a row that the registry has to say that it knows no such session: one that was emptied learns of it again. */
const mostUnknown = 5;

export interface EndReportsOptions {
  readonly options: FilledLauncherOptions;
  readonly registry: SessionRegistry;
  /** Sends events while calls run; null where none are wanted. */
  readonly events: EventWebhook | null;
  readonly membership: () => Pick<Membership, "end" | "node">;
  /** Tells that a session that ended here goes on in another process. */
  readonly departed: (session: Session) => void;
  /** Tells that a session that ended here may go on in another process. */
  readonly unsure: (session: Session) => void;
  /** Tells that a session that was said to be `unsure` has ended. */
  readonly sure: (session: Session) => void;
  readonly metrics: Metrics;
  readonly log: ServerLog;
}

/**
 * Reports every end once: to the log, the metrics, the application's hook and the webhook. A failure of one does not
 * affect the others. Only the log line comes before the registry has written the end, and none where another process has reported
 * the session as lost; from then on the end is final, whichever process reports it. The end is shown then too, or earlier where peers keep it until it can be written, and
 * after 3 s. Only where another end may count, or the session goes on in another process, is it not shown before that is known.
 */
export class EndReports {
  readonly #options: EndReportsOptions;
  readonly #webhook: Webhook | null;
  /** The ends that are not written yet. */
  readonly #writing = new Set<Promise<void>>();
  readonly #hooks = new Set<Promise<void>>();
  #isClosed = false;
  /** The ids of the messages that no registry keeps, since it could not be reached before this process left. */
  readonly #alone = new Set<string>();
  /** The sessions whose end is not shown yet, by id. */
  readonly #hidden = new Map<string, { readonly session: Session; readonly overdue: NodeJS.Timeout }>();

  constructor(options: EndReportsOptions) {
    this.#options = options;
    const { webhook } = options.options;
    this.#webhook = webhook ? new Webhook({ ...webhook, log: options.log }) : null;
  }

  /** Returns how many more messages could be taken on. */
  get room(): number {
    return this.#webhook?.room ?? 0;
  }

  report(session: Session): void {
    const summary = summarize(session);
    const body = this.#webhook && toJson(sessionEndedMessage(summary));
    // A session that was lost while this process stood still may go on in another one, which nobody knows here yet.
    if (summary.endReason !== "lost") this.#logEnd(summary);
    const overdue = setTimeout(() => this.show(session.id), showTimeoutMs);
    this.#hidden.set(session.id, { session, overdue });
    const writing = this.#options
      .membership()
      .end(session, body)
      .then((outcome) => this.#written(session, summary, body, outcome));
    this.#writing.add(writing);
    void writing.then(() => this.#writing.delete(writing));
  }

  /**
   * Reports a session of another process, which is dead. Returns the text of the webhook message about it; null where
   * none is sent.
   */
  lost(record: SessionRecord): string | null {
    const summary = summarizeLost(record);
    this.#logEnd(summary);
    this.#tell(summary);
    return this.#webhook && toJson(sessionEndedMessage(summary));
  }

  /**
   * Delivers the message of an end that is written, until the receiver has it, or it is given up. The session's last events go before it,
   * as far as they get there within 2 s.
   */
  deliver({ sessionId, since, body }: EndMessage): void {
    const after = this.#options.events?.finished(sessionId) ?? null;
    this.#webhook?.send({ id: sessionEndedMessageId(sessionId), since, body, after }, (outcome) => {
      this.#options.metrics.webhook(outcome);
      this.#options.registry.told(sessionId);
    });
  }

  /** Shows the end of a session to those who look at it and follow it. */
  show(sessionId: string): void {
    const hidden = this.#hidden.get(sessionId);
    clearTimeout(hidden?.overdue);
    this.#hidden.delete(sessionId);
    hidden?.session.showEnd();
  }

  /** Resolves when all ends are shown, within 3 s. */
  async shown(): Promise<void> {
    await Promise.all([...this.#hidden.values()].map(({ session }) => session.endShown));
  }

  /**
   * Waits for ends that are under way, 10 s at the most. Those that the registry keeps are told by others, or after the
   * next start.
   */
  async flush(): Promise<void> {
    const startedAt = performance.now();
    await within(Promise.all(this.#writing), writeTimeoutMs, "To write the ends").catch(() => undefined);
    const leftMs = flushTimeoutMs - (performance.now() - startedAt);
    const hooks = within(Promise.all(this.#hooks), leftMs, "onSessionEnd").catch((error: unknown) =>
      this.#options.log.error(
        { event: "session_end_hook_overdue", err: loggedError(error) },
        "onSessionEnd did not finish before the stop",
      ),
    );
    // A message that the registry keeps is tried once more, and then left to other processes: a receiver that
    // is down must not delay the stop.
    const tried = this.#options.registry.keepsMessages;
    await Promise.all([hooks, this.#webhook?.flush(leftMs, { tried }), this.#options.events?.flush(leftMs)]);
  }

  /** Delivers the messages that a closed registry does not keep, 4 s at the most, and drops the rest. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Greenroom's registries have answered all of them once they are closed; a registry of the application's own may not.
    await within(Promise.all(this.#writing), lastTimeoutMs, "To write the ends").catch(() => undefined);
    const { registry, metrics, log } = this.#options;
    const isKept = ({ id }: { readonly id: string }) => registry.keepsMessages && !this.#alone.has(id);
    if (this.#alone.size > 0) await this.#webhook?.flush(lastTimeoutMs);
    this.#options.events?.stop();
    const left = this.#webhook?.stop() ?? [];
    const kept = left.filter(isKept).length;
    const whom = registry.shared ? "other replicas" : "the next start";
    if (kept > 0)
      log.warn(
        { event: "session_ends_left", messages: kept },
        `Messages about ends of sessions are left for ${whom} to send`,
      );
    for (const { id } of left.filter((message) => !isKept(message))) {
      metrics.webhook("dropped");
      log.error(
        { event: "webhook_dropped", webhook_id: id },
        "A message of the webhook is dropped, since the server stops",
      );
    }
  }

  #written(session: Session, summary: SessionSummary, body: string | null, outcome: EndOutcome): void {
    const { log } = this.#options;
    // A superseded end is not shown: the end that counts is.
    if (outcome !== "superseded") {
      this.show(session.id);
      if (summary.endReason === "lost") this.#logEnd(summary);
    }
    switch (outcome) {
      case "final":
        this.#tell(summary);
        break;
      case "alone":
        this.#alone.add(sessionEndedMessageId(session.id));
        if (body !== null) this.deliver({ sessionId: session.id, since: summary.endedAt.getTime(), body });
        this.#tell(summary);
        break;
      case "superseded":
        void this.#supersede(session);
        log.warn(
          { event: "session_end_untold", session_id: session.id },
          "The end of this session is not reported, since it was reported as lost before, or goes on in another replica",
        );
        break;
      case "left":
        log.error(
          { event: "session_end_unwritten", session_id: session.id },
          `The end of this session could not be written: ${this.#options.registry.shared ? "other replicas report" : "the next start reports"} it as lost`,
        );
        break;
      default:
        outcome satisfies never;
    }
  }

  /**
   * Replaces the end of the session by the one that counts, and shows it; a session that goes on elsewhere shows none. While the registry cannot be
   * asked this process has no such session, so that others are asked for it.
   */
  async #supersede(session: Session): Promise<void> {
    const { registry, membership, departed, unsure, sure } = this.#options;
    clearTimeout(this.#hidden.get(session.id)?.overdue);
    for (let unknown = 0; !this.#isClosed; await sleep(askAgainMs, undefined, { ref: false })) {
      const found = await registry.find(session.id).catch(() => undefined);
      if (found === null) unknown += 1;
      if (found?.end === null) {
        departed(session);
        this.show(session.id);
        return;
      }
      if (found === undefined || (found === null && unknown < mostUnknown)) {
        unsure(session);
        this.#hidden.delete(session.id);
        continue;
      }
      const { reason, endedAt } = found?.end ?? { reason: "lost" as const, endedAt: session.endedAt };
      const error = reason === "lost" ? lostError(membership().node) : null;
      session.supersede({ reason, error }, endedAt ?? session.startedAt);
      sure(session);
      this.#hidden.delete(session.id);
      session.showEnd();
      return;
    }
  }

  #logEnd({ sessionId, callId, endReason, closeRequestedBy, durationMs, error }: SessionSummary): void {
    this.#options.log[endReasons[endReason].isFault ? "error" : "info"](
      {
        event: "session_ended",
        session_id: sessionId,
        call_id: callId,
        end_reason: endReason,
        close_requested_by: closeRequestedBy ?? undefined,
        duration_ms: durationMs,
        err: error === null ? undefined : loggedError(error),
      },
      "A session ended",
    );
  }

  #tell(summary: SessionSummary): void {
    const { metrics, log, options } = this.#options;
    const { onSessionEnd } = options;
    metrics.sessionEnded(summary.endReason, summary.durationMs / 1_000);
    if (!onSessionEnd) return;
    const call = Promise.try(() => onSessionEnd(summary)).catch((error: unknown) =>
      log.error(
        { event: "session_end_hook_failed", session_id: summary.sessionId, err: loggedError(error) },
        "onSessionEnd failed",
      ),
    );
    this.#hooks.add(call);
    void call.then(() => this.#hooks.delete(call));
  }
}
