import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { GreenroomError } from "../errors.ts";
import type { WebhookOutcome } from "../metrics/catalogue.ts";
import type { JsonObject } from "../protocol.ts";
import { toJson } from "../text.ts";
import { attemptDelivery } from "./webhook-attempt.ts";
import { parseWebhookSecrets } from "./webhook-signature.ts";

/** How messages are delivered. All times in milliseconds. */
export interface WebhookDelivery {
  /** Attempts for one message before it counts as failed. */
  readonly attempts: number;
  /** Longest an attempt may take until the status is known. */
  readonly attemptTimeoutMs: number;
  /** Wait before the second attempt; it doubles with each further one, and up to half of it is taken off at random. */
  readonly firstBackoffMs: number;
  /** Longest wait, a receiver's Retry-After included. */
  readonly longestBackoffMs: number;
  /** Messages sent at the same time. */
  readonly concurrency: number;
  /** Messages kept, those in flight or waiting for another attempt included; further ones are dropped. */
  readonly queueLimit: number;
}

export const defaultWebhookDelivery = {
  attempts: 5,
  attemptTimeoutMs: 10_000,
  firstBackoffMs: 1_000,
  longestBackoffMs: 300_000,
  concurrency: 4,
  queueLimit: 1_000,
} as const satisfies WebhookDelivery;

export interface WebhookOptions extends Partial<WebhookDelivery> {
  /** Where to POST: http or https. */
  readonly url: string | URL;
  /** `whsec_<base64>`; several, separated by spaces, while one is replaced by the next. */
  readonly secret: string;
  readonly log?: Pick<Logger, "info" | "warn" | "error">;
  /** Called once for each message. */
  readonly onOutcome?: (outcome: WebhookOutcome) => void;
}

/** A message as it is on the wire. */
export interface WebhookMessage {
  readonly type: string;
  /** ISO 8601, when it happened. */
  readonly timestamp: string;
  readonly data: JsonObject;
}

/** One message on its way. */
interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly body: string;
  attempts: number;
}

/** Tells a backend what happened, in the form of Standard Webhooks: signed, tried again, never in the way of a call. */
export class Webhook {
  readonly #url: URL;
  readonly #secrets: readonly Buffer[];
  readonly #delivery: WebhookDelivery;
  readonly #log: WebhookOptions["log"];
  readonly #onOutcome: (outcome: WebhookOutcome) => void;

  /** Every message without an outcome: ready, in flight, or waiting for its next attempt. */
  readonly #pending = new Set<Delivery>();
  readonly #waiting = new Map<Delivery, NodeJS.Timeout>();
  readonly #inFlight = new Map<Delivery, AbortController>();
  #ready: Delivery[] = [];
  #gone = false;
  #onEmpty: (() => void)[] = [];

  constructor(options: WebhookOptions) {
    this.#url = parseUrl(options.url);
    this.#secrets = parseWebhookSecrets(options.secret);
    this.#delivery = { ...defaultWebhookDelivery, ...options };
    this.#log = options.log;
    this.#onOutcome = options.onOutcome ?? (() => {});
  }

  /** Messages on their way. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Queues a message and returns at once. Its `id` is the same in every attempt; give one that depends only on what
   * happened (it may hold no dot), and a receiver recognises a message that two processes sent.
   */
  send(message: WebhookMessage, id = `msg_${randomUUID()}`): void {
    const delivery = { id, type: message.type, body: toJson(message), attempts: 0 };
    if (this.#gone) {
      this.#settle(delivery, "gone");
    } else if (this.#pending.size >= this.#delivery.queueLimit) {
      this.#settle(delivery, "dropped", "the queue is full");
    } else {
      this.#pending.add(delivery);
      this.#ready.push(delivery);
      this.#pump();
    }
  }

  /** Waits until every message has its outcome, this long at the most; what is left then is dropped. True: none was. */
  async flush(timeoutMs: number): Promise<boolean> {
    if (this.#pending.size === 0) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty.push(resolve);
    const deadline = setTimeout(resolve, timeoutMs);
    await promise;
    clearTimeout(deadline);
    const left = [...this.#pending];
    for (const delivery of left) this.#settle(delivery, "dropped", "time is up");
    return left.length === 0;
  }

  #pump(): void {
    while (this.#inFlight.size < this.#delivery.concurrency) {
      const delivery = this.#ready.shift();
      if (delivery === undefined) return;
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
      if (result.verdict !== "again") this.#settle(delivery, result.verdict, result.what);
      else if (delivery.attempts >= this.#delivery.attempts) this.#settle(delivery, "failed", result.what);
      else this.#retryLater(delivery, result.retryAfterMs, result.what);
    }
    this.#pump();
  }

  #retryLater(delivery: Delivery, retryAfterMs: number | null, what: string): void {
    const { firstBackoffMs, longestBackoffMs } = this.#delivery;
    const backoffMs = firstBackoffMs * 2 ** (delivery.attempts - 1) * (0.5 + Math.random() / 2);
    const waitMs = Math.min(Math.max(backoffMs, retryAfterMs ?? 0), longestBackoffMs);
    this.#log?.info({ webhookId: delivery.id, what, attempt: delivery.attempts, waitMs }, "webhook: again");
    const timer = setTimeout(() => {
      this.#waiting.delete(delivery);
      this.#ready.push(delivery);
      this.#pump();
    }, waitMs).unref();
    this.#waiting.set(delivery, timer);
  }

  /** Gives a message its outcome, exactly once. */
  #settle(delivery: Delivery, outcome: WebhookOutcome, what = ""): void {
    this.#pending.delete(delivery);
    this.#ready = this.#ready.filter((other) => other !== delivery);
    clearTimeout(this.#waiting.get(delivery));
    this.#waiting.delete(delivery);
    this.#inFlight.get(delivery)?.abort();
    if (outcome !== "delivered") {
      const { id: webhookId, type, attempts } = delivery;
      this.#log?.warn({ webhookId, type, attempts, what, host: this.#url.host }, `webhook: ${outcome}`);
    }
    this.#onOutcome(outcome);
    if (outcome === "gone" && !this.#gone) this.#stopForGood();
    if (this.#pending.size === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  /** The receiver answered 410: it asks to be left alone. */
  #stopForGood(): void {
    this.#gone = true;
    this.#log?.error({ host: this.#url.host }, "webhook: the receiver is gone (410); nothing more is sent");
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
