import { createHash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { GreenroomError } from "../../errors.ts";
import { answerKeptMs, mostKeptOfOne } from "../local-keys.ts";
import type { OnceKey, OnceResult } from "../registry.ts";
import type { RedisLink } from "./link.ts";
import { settleKey, takeKey } from "./scripts/keys.ts";

/** How long the first request, elsewhere, is waited for, in milliseconds. */
const longestWaitMs = 30_000;
/** How often it is asked for, the pause growing from the first to the last. */
const pausesMs = { first: 25, last: 250 };

/** Settlements that wait for Redis to come back; the oldest go first. */
const mostUnsettled = 1_000;

/** → first, pending, mismatch; or answered and the answer. */
type TakeReply = readonly [status: string, time: string, answer?: string];

/** What is run once in the whole fleet, by key. */
export class SharedKeys {
  readonly #link: RedisLink;
  readonly #unsettled: (readonly (string | number)[])[] = [];

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
      void this.#settle([key, bodyHash, token, JSON.stringify(answer), answerKeptMs]);
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
    let pauseMs = pausesMs.first;
    let pending = false;
    for (;;) {
      const taken = await this.#ask([key, bodyHash, token, answerKeptMs, caller, mostKeptOfOne]);
      // Where the first one is known to run elsewhere, running it here would make two.
      if (taken === null && pending) throw new GreenroomError("REGISTRY_UNAVAILABLE");
      if (taken === null || taken[0] === "first") return "first";
      if (taken[0] === "answered") return { answer: taken[2] ?? "null" };
      if (taken[0] === "mismatch") throw new GreenroomError("IDEMPOTENCY_MISMATCH");
      pending = true;
      if (performance.now() - askedAt > longestWaitMs) throw new GreenroomError("IDEMPOTENCY_PENDING");
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 1.5, pausesMs.last);
    }
  }

  /** Null: Redis cannot say. */
  async #ask(args: readonly (string | number)[]): Promise<TakeReply | null> {
    try {
      return (await this.#link.runAsOwner(takeKey, args)) as TakeReply;
    } catch {
      // It may have been taken all the same.
      const [key, bodyHash, token] = args;
      this.#settleLater([key!, bodyHash!, token!, "", answerKeptMs]);
      return null;
    }
  }

  /** Redis is back: what it was not told. */
  async settleAgain(): Promise<void> {
    for (const args of this.#unsettled.splice(0)) await this.#settle(args);
  }

  async #settle(args: readonly (string | number)[]): Promise<void> {
    await this.#link.run(settleKey, args).catch(() => this.#settleLater(args));
  }

  #settleLater(args: readonly (string | number)[]): void {
    this.#unsettled.push(args);
    if (this.#unsettled.length > mostUnsettled) this.#unsettled.shift();
  }
}
