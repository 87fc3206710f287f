import { createHash, randomUUID } from "node:crypto";
import { BackOff } from "../../shared/back-off.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { answerKeptMs, mostKeptOfOne } from "../local-keys.ts";
import type { OnceKey, OnceResult } from "../registry.ts";
import type { RedisLink } from "./connection/link.ts";
import { settleKey, takeKey } from "./scripts/keys.ts";

/** The longest time that the first request, elsewhere, is waited for, in milliseconds. */
const longestWaitMs = 30_000;
/** The pauses between two questions for the answer. */
const backOff = new BackOff({ firstMs: 25, mostMs: 250, factor: 1.5 });

/**
 * The most settlements that wait for Redis to come back, and the most answers that are written again where it was
 * emptied; the oldest go first.
 */
const mostRemembered = 1_000;

/** The arguments of the script `settleKey`. */
type Settlement = readonly (string | number)[];

/** The answer of the script `takeKey`: first, pending, mismatch; or answered and the answer. */
type TakeReply = readonly [status: string, time: string, answer?: string];

/** Runs each request once in the whole fleet, by key. */
export class SharedKeys {
  readonly #link: RedisLink;
  readonly #unsettled: Settlement[] = [];
  /** The answers of this process by key, and the times when they were given, by `performance.now()`. */
  readonly #answers = new Map<string, { readonly settlement: Settlement; readonly at: number }>();

  constructor(link: RedisLink) {
    this.#link = link;
  }

  async once<T>({ name, caller, bodyHash }: OnceKey, run: () => Promise<T>): Promise<OnceResult<T>> {
    const key = createHash("sha256").update(name).digest("base64url");
    const token = randomUUID();
    const taken = await this.#take(key, caller, bodyHash, token);
    if (taken !== "first") return { answer: JSON.parse(taken.answer) as T, replayed: true };
    try {
      const answer = await run();
      const settlement = [key, bodyHash, token, JSON.stringify(answer), answerKeptMs];
      this.#remember(key, settlement);
      void this.#settle(settlement);
      return { answer, replayed: false };
    } catch (error) {
      void this.#settle([key, bodyHash, token, "", answerKeptMs]);
      throw error;
    }
  }

  async #take(
    key: string,
    caller: string,
    bodyHash: string,
    token: string,
  ): Promise<"first" | { readonly answer: string }> {
    const askedAt = performance.now();
    let pending = false;
    for (let asked = 1; ; asked++) {
      const taken = await this.#ask([key, bodyHash, token, answerKeptMs, caller, mostKeptOfOne]);
      // The first request is known to run elsewhere. Running it here would make two.
      if (taken === null && pending) throw new GreenroomError("REGISTRY_UNAVAILABLE");
      if (taken === null || taken[0] === "first") return "first";
      if (taken[0] === "answered") return { answer: taken[2] ?? "null" };
      if (taken[0] === "mismatch") throw new GreenroomError("IDEMPOTENCY_MISMATCH");
      pending = true;
      if (performance.now() - askedAt > longestWaitMs) throw new GreenroomError("IDEMPOTENCY_PENDING");
      await backOff.pause(asked);
    }
  }

  /** Asks Redis for a key. Resolves with null where Redis cannot say. */
  async #ask(args: readonly (string | number)[]): Promise<TakeReply | null> {
    try {
      return (await this.#link.runAsOwner(takeKey, args)) as TakeReply;
    } catch {
      // Redis may have taken the key although no answer came.
      const [key, bodyHash, token] = args;
      this.#settleLater([key!, bodyHash!, token!, "", answerKeptMs]);
      return null;
    }
  }

  /** Writes the answers of the last 10 minutes again, since Redis may have been emptied. */
  async writeAgain(): Promise<void> {
    for (const { settlement, at } of [...this.#answers.values()]) {
      const leftMs = Math.round(answerKeptMs - (performance.now() - at));
      if (leftMs > 0) await this.#settle([...settlement.slice(0, -1), leftMs]);
    }
  }

  #remember(key: string, settlement: Settlement): void {
    this.#answers.set(key, { settlement, at: performance.now() });
    for (const [oldest, { at }] of this.#answers) {
      if (this.#answers.size <= mostRemembered && performance.now() - at <= answerKeptMs) return;
      this.#answers.delete(oldest);
    }
  }

  /** Tells Redis, which is back, the settlements that it was not told. */
  async settleAgain(): Promise<void> {
    for (const args of this.#unsettled.splice(0)) await this.#settle(args);
  }

  async #settle(args: Settlement): Promise<void> {
    await this.#link.run(settleKey, args).catch(() => this.#settleLater(args));
  }

  #settleLater(args: Settlement): void {
    this.#unsettled.push(args);
    if (this.#unsettled.length > mostRemembered) this.#unsettled.shift();
  }
}
