import type { Logger } from "pino";
import { within } from "../deadline.ts";
import type { Metrics } from "../metrics/prometheus.ts";
import type { EndReason } from "../protocol.ts";
import type { SessionRecord } from "../registry/registry.ts";
import type { FilledLauncherOptions } from "./launcher-options.ts";
import { loggedError } from "./log-error.ts";
import type { Session } from "./session.ts";
import { sessionEndedMessage, sessionEndedMessageId } from "./session-ended.ts";
import { type SessionSummary, summarize, summarizeLost } from "./session-summary.ts";
import { Webhook } from "./webhook.ts";

/** Ends that somebody should look at. */
const bad: ReadonlySet<EndReason> = new Set([
  "start_failed",
  "failed",
  "crashed",
  "unresponsive",
  "out_of_memory",
  "flooded",
  "killed",
  "lost",
]);

/** How long hooks and webhooks are waited for when the server stops, in milliseconds. */
const flushTimeoutMs = 10_000;

/** Tells of every end, once: the log, the metrics, the application's hook, the webhook. None can hinder another. */
export class EndReports {
  readonly #onSessionEnd: FilledLauncherOptions["onSessionEnd"];
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #webhook: Webhook | null;
  readonly #hooks = new Set<Promise<void>>();

  constructor(options: FilledLauncherOptions, log: Logger, metrics: Metrics) {
    this.#onSessionEnd = options.onSessionEnd;
    this.#log = log;
    this.#metrics = metrics;
    this.#webhook = options.webhook
      ? new Webhook({ ...options.webhook, log, onOutcome: (outcome) => metrics.webhook(outcome) })
      : null;
  }

  report(session: Session): void {
    this.#report(summarize(session));
  }

  /** A session of another process, which died. */
  lost(record: SessionRecord): void {
    this.#report(summarizeLost(record));
  }

  /** Waits for what is under way, 10 s at the most. */
  async flush(): Promise<void> {
    const hooks = within(Promise.all(this.#hooks), flushTimeoutMs, "onSessionEnd").catch((error: unknown) =>
      this.#log.error({ err: loggedError(error) }, "onSessionEnd did not finish before the stop"),
    );
    await Promise.all([hooks, this.#webhook?.flush(flushTimeoutMs)]);
  }

  #report(summary: SessionSummary): void {
    const { endReason, durationMs } = summary;
    this.#metrics.sessionEnded(endReason, durationMs / 1_000);
    this.#log[bad.has(endReason) ? "error" : "info"](
      {
        session_id: summary.sessionId,
        call_id: summary.callId,
        end_reason: endReason,
        close_requested_by: summary.closeRequestedBy ?? undefined,
        duration_ms: durationMs,
        err: summary.error === null ? undefined : loggedError(summary.error),
      },
      "session ended",
    );
    this.#webhook?.send(sessionEndedMessage(summary), sessionEndedMessageId(summary.sessionId));
    if (this.#onSessionEnd) this.#callHook(summary, this.#onSessionEnd);
  }

  #callHook(summary: SessionSummary, hook: NonNullable<FilledLauncherOptions["onSessionEnd"]>): void {
    const call = Promise.try(() => hook(summary)).catch((error: unknown) =>
      this.#log.error({ session_id: summary.sessionId, err: loggedError(error) }, "onSessionEnd failed"),
    );
    this.#hooks.add(call);
    void call.then(() => this.#hooks.delete(call));
  }
}
