import { setTimeout as sleep } from "node:timers/promises";
import { machineNow } from "../clock.ts";
import { kindThatMoves, kindThatSpeaks } from "../fleet/kinds.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Random } from "../random.ts";
import { Caller, type Wish } from "./caller.ts";
import type { Client } from "./client.ts";

/** Agents, by how often each comes. About a sixth misbehaves. */
const kinds = {
  brief: 46,
  stay: 16,
  [kindThatMoves]: 10,
  [kindThatSpeaks]: 20,
  "slow-create": 7,
  fail: 3,
  crash: 3,
  exit: 2,
  hang: 2,
  leak: 2,
  flood: 2,
  "refuse-close": 2,
  "throw-on-close": 2,
  "create-fails": 3,
} as const;

/** Calls in which several callers want an agent, though only one may be there. */
const sharedCalls = 4;
/** Starts a second. */
const rate = { steady: 1.4, burst: 12 };
/** The burst of starts at once, now and then, by which the fleet is full for a while. */
const burst = { everyMs: 45_000, starts: 12 };

/** Callers that come steadily, and now and then many at once. */
export class Load {
  readonly #client: Client;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #collector: number;
  readonly #open = new Set<Promise<void>>();
  #count = 0;

  constructor(client: Client, ledger: Ledger, random: Random, collector: number) {
    this.#client = client;
    this.#ledger = ledger;
    this.#random = random;
    this.#collector = collector;
  }

  /** Lets callers come for so many milliseconds. */
  async come(forMs: number, over: AbortSignal): Promise<void> {
    const beganAt = machineNow();
    let burstAt = beganAt + burst.everyMs / 2;
    while (machineNow() - beganAt < forMs) {
      if (machineNow() > burstAt) {
        burstAt += burst.everyMs;
        for (let count = 0; count < burst.starts; count += 1) {
          this.#begin(over);
          await sleep(1_000 / rate.burst);
        }
      }
      this.#begin(over);
      await sleep((1_000 / rate.steady) * (0.5 + this.#random.next()));
    }
  }

  /** Resolves when all callers are done. */
  async gone(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  #begin(over: AbortSignal): void {
    this.#count += 1;
    const random = this.#random.fork();
    const wish = wishOf(random, this.#count);
    const of = { client: this.#client, ledger: this.#ledger, random, wish, collector: this.#collector, over };
    const done = new Caller(of).run();
    this.#open.add(done);
    void done.finally(() => this.#open.delete(done));
  }
}

function wishOf(random: Random, number: number): Wish {
  const key = `key-${number}`;
  const kind = random.weighted(kinds);
  return {
    key,
    call: random.chance(0.15) ? `shared-${random.between(1, sharedCalls)}` : `call-${number}`,
    kind,
    afterMs: kind === "brief" ? random.between(300, 8_000) : random.between(100, 3_000),
    createMs: random.between(300, 3_000),
    givesUpAfterMs: random.chance(0.08) ? random.between(20, 1_500) : null,
    closesAfterMs: random.chance(0.7) ? random.between(500, 8_000) : null,
    waits: random.chance(0.3),
    views: random.chance(0.4),
    messages: random.chance(0.2),
    follows: random.chance(0.3),
    repeats: random.chance(0.1),
  };
}
