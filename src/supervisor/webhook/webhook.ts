import type { ServerLog } from "../../log/log.ts";
import type { WebhookOutcome } from "../../metrics/labels.ts";
import { BackOff } from "../../shared/back-off.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { type JsonObject, now } from "../../shared/protocol.ts";
import { attemptDelivery } from "./webhook-attempt.ts";
import { parseWebhookSecrets } from "./webhook-signature.ts";

/** The options for how messages are delivered. All times are in milliseconds. */
export interface WebhookDelivery {
  /** The time after the end of a session for which its message is tried again, before it counts as failed. */
  readonly giveUpAfterMs: number;
  /** The longest time that an attempt may take until the status is known. */
  readonly attemptTimeoutMs: number;
  /**
   * The wait before the second attempt; it doubles with each further one, and up to half of it is taken off at random.
   */
  readonly firstBackoffMs: number;
  /** The longest wait, a receiver's Retry-After included. */
  readonly longestBackoffMs: number;
  /** The most messages that are sent at the same time. */
  readonly concurrency: number;
  /** The most messages that one process keeps, those in flight or waiting for another attempt included. */
  readonly queueLimit: number;
}

export const defaultWebhookDelivery = {
  giveUpAfterMs: 86_400_000,
  attemptTimeoutMs: 10_000,
  firstBackoffMs: 1_000,
  longestBackoffMs: 300_000,
  concurrency: 4,
  queueLimit: 10_000,
} as const satisfies WebhookDelivery;

export interface WebhookOptions extends Partial<WebhookDelivery> {
  /** The address to POST to: http or https. */
  readonly url: string | URL;
  /** The secret, `whsec_<base64>`; several, separated by spaces, while one is replaced by the next. */
  readonly secret: string;
  readonly log?: Pick<ServerLog, "info" | "warn" | "error">;
}

/**
 * The time without a delivery after which a receiver is taken to have been away, in milliseconds. A receiver that
 * refuses a single message accepts others meanwhile.
 */
const awayAfterMs = 10_000;
/** The most characters of messages that one process keeps. */
const mostText = 64 * 2 ** 20;

/** A message as it is on the wire. */
export interface WebhookMessage {
  readonly type: string;
  /** The time at which it happened, in ISO 8601. */
  readonly timestamp: string;
  readonly data: JsonObject;
}

/** A message that is to be sent, as text. */
export interface OutgoingMessage {
  /** The id: it is the same in every attempt, and for every process that sends it. It holds no dot. */
  readonly id: string;
  readonly body: string;
  /** The time at which it happened, in epoch milliseconds. */
  readonly since: number;
  /** Resolves when it may be sent, which must be soon; left out or null: at once. Never rejects. */
  readonly after?: Promise<void> | null;
}

/** One message on its way. */
interface Delivery extends OutgoingMessage {
  readonly settled: (outcome: WebhookOutcome) => void;
  attempts: number;
}

/**
 * Tells a backend what happened, in the form of Standard Webhooks: signed, tried again, and never in the way of a call.
 */
export class Webhook {
  readonly #url: URL;
  readonly #secrets: readonly Buffer[];
  readonly #delivery: WebhookDelivery;
  readonly #backOff: BackOff;
  readonly #log: WebhookOptions["log"];

  /** Every message without an outcome: ready, in flight, or waiting for its next attempt. */
  readonly #pending = new Set<Delivery>();
  readonly #waiting = new Map<Delivery, NodeJS.Timeout>();
  readonly #inFlight = new Map<Delivery, AbortController>();
  readonly #ready = new Set<Delivery>();
  /** The messages that may not be sent yet. */
  readonly #held = new Set<Delivery>();
  /** The number of characters of all messages that are pending. */
  #text = 0;
  /** The time at which a message was delivered last, by `performance.now()`. */
  #deliveredAt = Number.NEGATIVE_INFINITY;
  #gone = false;
  /** The functions that are called when an attempt is over, or a message has its outcome. */
  #onAttempted: (() => void)[] = [];

  constructor(options: WebhookOptions) {
    this.#url = parseUrl(options.url);
    this.#secrets = parseWebhookSecrets(options.secret);
    this.#delivery = { ...defaultWebhookDelivery, ...options };
    const { firstBackoffMs: firstMs, longestBackoffMs: mostMs } = this.#delivery;
    this.#backOff = new BackOff({ firstMs, mostMs, jitter: [0.5, 1] });
    this.#log = options.log;
  }

  /** Returns the number of messages without an outcome. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Returns how many more messages it would take. */
  get room(): number {
    return this.#gone || this.#text > mostText
      ? 0
      : Math.max(0, this.#delivery.queueLimit - this.#pending.size);
  }

  /** Queues a message and returns at once. `settled` is called once, unless `stop` comes before. */
  send(message: OutgoingMessage, settled: Delivery["settled"] = () => undefined): void {
    const delivery: Delivery = { ...message, settled, attempts: 0 };
    const outcome = this.#gone ? "gone" : this.room === 0 ? "dropped" : null;
    this.#pending.add(delivery);
    this.#text += delivery.body.length;
    if (outcome === null) {
      void this.#prepare(delivery);
    } else {
      this.#settle(delivery, outcome, "the queue is full");
    }
  }

  /**
   * Waits until every message has its outcome, this long at the most. With `tried` it waits only until each was tried,
   * since another process will go on with those that failed. Resolves with whether each has its outcome.
   */
  async flush(timeoutMs: number, { tried = false } = {}): Promise<boolean> {
    const isDone = () =>
      tried
        ? this.#held.size === 0 && this.#ready.size === 0 && this.#inFlight.size === 0
        : this.#pending.size === 0;
    const deadline = performance.now() + timeoutMs;
    while (!isDone() && performance.now() < deadline) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, deadline - performance.now());
      this.#onAttempted.push(resolve);
      await promise;
      clearTimeout(timer);
    }
    return this.#pending.size === 0;
  }

  /** Sends nothing more. Returns the messages that have no outcome. */
  stop(): readonly OutgoingMessage[] {
    const left = [...this.#pending];
    for (const delivery of left) this.#forget(delivery);
    return left;
  }

  /** Makes a message ready once it may be sent. */
  async #prepare(delivery: Delivery): Promise<void> {
    if (delivery.after) {
      this.#held.add(delivery);
      await delivery.after;
      if (!this.#held.delete(delivery)) return;
    }
    this.#ready.add(delivery);
    this.#pump();
  }

  #pump(): void {
    while (this.#inFlight.size < this.#delivery.concurrency) {
      const [delivery] = this.#ready;
      if (delivery === undefined) return;
      this.#ready.delete(delivery);
      void this.#attempt(delivery);
    }
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const abort = new AbortController();
    this.#inFlight.set(delivery, abort);
    delivery.attempts += 1;
    const result = await attemptDelivery({
      url: this.#url,
      secrets: this.#secrets,
      id: delivery.id,
      body: delivery.body,
      timeoutMs: this.#delivery.attemptTimeoutMs,
      abort,
    });
    this.#inFlight.delete(delivery);
    if (this.#pending.has(delivery)) {
      if (result.decision === "delivered") this.#welcomeBack();
      if (result.decision !== "again") this.#settle(delivery, result.decision, result.what);
      else if (now() - delivery.since > this.#delivery.giveUpAfterMs)
        this.#settle(delivery, "failed", result.what);
      else this.#retryLater(delivery, result.retryAfterMs, result.what);
    }
    this.#pump();
    this.#attempted();
  }

  #attempted(): void {
    for (const resolve of this.#onAttempted.splice(0)) resolve();
  }

  #retryLater(delivery: Delivery, retryAfterMs: number | null, what: string): void {
    const pauseMs = this.#backOff.pauseMs(delivery.attempts);
    const waitMs = Math.min(Math.max(pauseMs, retryAfterMs ?? 0), this.#delivery.longestBackoffMs);
    this.#log?.info(
      {
        event: "webhook_retried",
        webhook_id: delivery.id,
        what,
        attempt: delivery.attempts,
        wait_ms: waitMs,
      },
      "A message of the webhook will be sent again",
    );
    const timer = setTimeout(() => {
      this.#waiting.delete(delivery);
      this.#ready.add(delivery);
      this.#pump();
    }, waitMs).unref();
    this.#waiting.set(delivery, timer);
  }

  /** Tries the waiting messages again at once, since the receiver accepts messages again after it was away. */
  #welcomeBack(): void {
    const at = performance.now();
    const wasAway = at - this.#deliveredAt > awayAfterMs;
    this.#deliveredAt = at;
    if (!wasAway) return;
    for (const [delivery, timer] of this.#waiting) {
      clearTimeout(timer);
      this.#ready.add(delivery);
    }
    this.#waiting.clear();
  }

  /** Gives a message its outcome, exactly once. */
  #settle(delivery: Delivery, outcome: WebhookOutcome, what = ""): void {
    this.#forget(delivery);
    if (outcome !== "delivered") {
      const { id: webhookId, attempts } = delivery;
      this.#log?.warn(
        { event: "webhook_settled", webhook_id: webhookId, outcome, attempts, what, host: this.#url.host },
        "A message of the webhook was not delivered",
      );
    }
    delivery.settled(outcome);
    if (outcome === "gone" && !this.#gone) this.#stopForGood();
  }

  #forget(delivery: Delivery): void {
    if (this.#pending.delete(delivery)) this.#text -= delivery.body.length;
    this.#ready.delete(delivery);
    this.#held.delete(delivery);
    clearTimeout(this.#waiting.get(delivery));
    this.#waiting.delete(delivery);
    this.#inFlight.get(delivery)?.abort();
    this.#attempted();
  }

  /** Ends all deliveries, since the receiver answered 410, which asks for no further messages. */
  #stopForGood(): void {
    this.#gone = true;
    this.#log?.error(
      { event: "webhook_gone", host: this.#url.host },
      "The receiver of the webhook answered 410: nothing more is sent to it",
    );
    for (const delivery of [...this.#pending]) this.#settle(delivery, "gone");
  }
}

function parseUrl(text: string | URL): URL {
  const url = URL.parse(String(text));
  if (
    url === null ||
    !["http:", "https:"].includes(url.protocol) ||
    url.username !== "" ||
    url.password !== ""
  ) {
    throw new GreenroomError("INVALID_OPTIONS", "The webhook URL must be http or https, without credentials");
  }
  return url;
}
