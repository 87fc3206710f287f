import type { ServerLog } from "../../log/log.ts";
import type { Metrics } from "../../metrics/prometheus.ts";
import type { WebhookEvent } from "../../shared/session/webhook-events.ts";
import type { Session } from "../session/session.ts";
import { EventFeed, type EventPace } from "./event-feed.ts";
import { attemptDelivery } from "./webhook-attempt.ts";
import { parseWebhookSecrets } from "./webhook-signature.ts";

export const defaultEventPace = {
  batchMs: 250,
  sendAt: 50,
  attemptTimeoutMs: 5_000,
  firstBackoffMs: 250,
  longestBackoffMs: 5_000,
  giveUpAfterMs: 30_000,
  lastMs: 10_000,
  endWaitMs: 2_000,
} as const satisfies EventPace;

export interface EventWebhookOptions extends Partial<EventPace> {
  /** The address to POST to: http or https. */
  readonly url: string | URL;
  /** The secret, `whsec_<base64>`; several are separated by spaces. */
  readonly secret: string;
  readonly events: readonly WebhookEvent[];
  readonly metrics: Pick<Metrics, "webhookEvents">;
  readonly log: Pick<ServerLog, "warn" | "error">;
}

/**
 * Sends events of sessions to the webhook while their calls run. It does what it can, and keeps nothing: the message of an end
 * is what counts.
 */
export class EventWebhook {
  readonly #options: EventWebhookOptions;
  readonly #url: URL;
  readonly #secrets: readonly Buffer[];
  readonly #pace: EventPace;
  readonly #wanted: ReadonlySet<WebhookEvent>;
  readonly #feeds = new Set<EventFeed>();
  #isOver = false;

  constructor(options: EventWebhookOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    this.#secrets = parseWebhookSecrets(options.secret);
    this.#pace = { ...defaultEventPace, ...options };
    this.#wanted = new Set(options.events);
  }

  /** Sends the events of a session behind the one with the id `after`, as far as they are kept, and those to come. */
  follow(session: Pick<Session, "id" | "callId" | "callType" | "events">, after: number): void {
    if (this.#isOver) return;
    // The log has one line for events that were not delivered, until others are.
    let isTold = false;
    const feed: EventFeed = new EventFeed({
      session,
      after,
      wanted: this.#wanted,
      pace: this.#pace,
      attempt: (message) =>
        attemptDelivery({
          url: this.#url,
          secrets: this.#secrets,
          timeoutMs: this.#pace.attemptTimeoutMs,
          ...message,
        }),
      settled: (outcome, events, what) => {
        this.#options.metrics.webhookEvents(outcome, events);
        if (outcome === "gone") this.#stopForGood();
        else if (outcome !== "delivered" && !isTold)
          this.#options.log.warn(
            { event: "webhook_events_lost", session_id: session.id, outcome, events, what },
            "Events of a session were not delivered to the webhook",
          );
        isTold = outcome !== "delivered";
      },
      over: () => this.#feeds.delete(feed),
    });
    this.#feeds.add(feed);
  }

  /**
   * Sends the last events of a session that has ended, and resolves once it has, within 2 s. Returns null where none are under way
   * here.
   */
  finished(sessionId: string): Promise<void> | null {
    const feeds = [...this.#feeds].filter((feed) => feed.sessionId === sessionId);
    if (feeds.length === 0) return null;
    return Promise.all(feeds.map((feed) => feed.finished(this.#pace.endWaitMs))).then(() => undefined);
  }

  /** Sends the last events of all sessions, and resolves once it has, within this many milliseconds or 2 s. */
  async flush(timeoutMs: number): Promise<void> {
    const longestMs = Math.max(0, Math.min(timeoutMs, this.#pace.endWaitMs));
    await Promise.all([...this.#feeds].map((feed) => feed.finished(longestMs)));
  }

  /** Sends nothing more, and drops what is left. */
  stop(): void {
    this.#isOver = true;
    for (const feed of this.#feeds) feed.stop("dropped", "the server stops");
  }

  /** Sends no events any more, since the receiver answered 410 to some. Ends are still told. */
  #stopForGood(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.log.error(
      { event: "webhook_events_gone", host: this.#url.host },
      "The receiver of the webhook answered 410 to events: no more are sent to it",
    );
    for (const feed of this.#feeds) feed.stop("gone", "status 410");
  }
}
