import { setTimeout as sleep } from "node:timers/promises";
import { machineNow } from "../clock.ts";
import { kindThatSpeaks } from "../fleet/kinds.ts";
import type { Ledger, LedgerSession } from "../ledger/ledger.ts";
import type { Random } from "../random.ts";
import { Conversation } from "../spoken/conversation.ts";
import { type Client, pauseAfter } from "./client.ts";
import { follow } from "./follow.ts";

/** The wishes of a caller about the agent that it starts. */
export interface Wish {
  readonly key: string;
  readonly call: string;
  /** The kind of agent: see `fleet/chaos-agent.ts`. */
  readonly kind: string;
  /** The time after which the agent does what its kind says, in milliseconds. */
  readonly afterMs: number;
  readonly createMs: number;
  /** The caller leaves before it has an answer, and does not come back. */
  readonly givesUpAfterMs: number | null;
  /** The session is closed after so many milliseconds. Null: it is left to end. */
  readonly closesAfterMs: number | null;
  readonly waits: boolean;
  readonly views: boolean;
  readonly messages: boolean;
  readonly follows: boolean;
  /** The start is sent once more, with its key, when it has been answered. */
  readonly repeats: boolean;
}

const patience = { start: 15, close: 60 };
const viewPauseMs = 700;

/** One caller: starts a session, and does with it what it wishes. */
export class Caller {
  readonly #client: Client;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #wish: Wish;
  readonly #collector: number;
  /** Fires when the load is over: what is open is closed. */
  readonly #over: AbortSignal;

  constructor(of: {
    readonly client: Client;
    readonly ledger: Ledger;
    readonly random: Random;
    readonly wish: Wish;
    readonly collector: number;
    readonly over: AbortSignal;
  }) {
    this.#client = of.client;
    this.#ledger = of.ledger;
    this.#random = of.random;
    this.#wish = of.wish;
    this.#collector = of.collector;
    this.#over = of.over;
  }

  /** Resolves when the caller is done with the session. */
  async run(): Promise<void> {
    const session = await this.#start();
    if (session === null) return;
    const { views, messages, follows, closesAfterMs, repeats } = this.#wish;
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, this.#over]);
    const aside = [
      views ? this.#view(session, signal) : null,
      messages ? this.#write(session, signal) : null,
      follows ? follow(this.#client, session, signal) : null,
      repeats ? this.#repeat(session) : null,
    ];
    if (this.#wish.kind === kindThatSpeaks) {
      await this.#speak(session, signal);
      await this.close(session);
      await this.#untilTold(session, 3_000);
    } else if (closesAfterMs === null) await this.#untilTold(session);
    else {
      await pause(closesAfterMs, this.#over);
      if (!this.#ledger.ends.has(session.id) || this.#random.chance(0.3)) await this.close(session);
      await this.#untilTold(session, 3_000);
    }
    done.abort();
    await Promise.all(aside);
  }

  /** Asks until the answer is final. */
  async close(session: LedgerSession): Promise<void> {
    const path = `/sessions/${session.id}${this.#wish.waits ? "?wait=true" : ""}`;
    for (let tries = 0; tries < patience.close; tries += 1) {
      const askedAt = machineNow();
      const reply = await this.#client.ask(path, { method: "DELETE" });
      this.#ledger.closed(session, askedAt, reply);
      const isFinal =
        (reply.status >= 200 && reply.status < 300) || (reply.status === 404 && reply.code !== null);
      if (isFinal) return;
      await pauseAfter(reply, this.#random.next());
    }
  }

  async #start(): Promise<LedgerSession | null> {
    const { key, call, kind, givesUpAfterMs } = this.#wish;
    const start = this.#ledger.wanted(key, call, kind);
    const leave = givesUpAfterMs === null ? undefined : AbortSignal.timeout(givesUpAfterMs);
    try {
      for (let tries = 0; tries < patience.start; tries += 1) {
        const askedAt = machineNow();
        const reply = await this.#ask(leave);
        const session = this.#ledger.answered(start, askedAt, reply);
        if (session) return session;
        const isForGood = [400, 422, 500, 504].includes(reply.status);
        // A full call is not waited for, and once the load is over nothing begins any more.
        if (isForGood || reply.code === "CALL_FULL" || leave?.aborted || this.#over.aborted) return null;
        await pauseAfter(reply, this.#random.next());
      }
      return null;
    } finally {
      start.settledAt = machineNow();
    }
  }

  #ask(signal?: AbortSignal) {
    const { key, call, kind, afterMs, createMs } = this.#wish;
    const config = { key, kind, after_ms: afterMs, create_ms: createMs, collector: this.#collector };
    return this.#client.ask("/sessions", {
      json: { call_id: call, config },
      headers: { "idempotency-key": key },
      ...(signal ? { signal } : {}),
    });
  }

  async #repeat({ key }: LedgerSession): Promise<void> {
    const start = this.#ledger.starts.get(key)!;
    await pause(this.#random.between(0, 2_000), this.#over);
    const askedAt = machineNow();
    const reply = await this.#ask();
    this.#ledger.answered(start, askedAt, reply);
  }

  async #speak(session: LedgerSession, signal: AbortSignal): Promise<void> {
    const { id, token } = session;
    const goesOn = async () => {
      const askedAt = machineNow();
      const reply = await this.#client.ask(`/sessions/${id}`);
      this.#ledger.viewed(session, askedAt, reply);
      return reply.status !== 404 || reply.code === null;
    };
    const random = this.#random.fork();
    const { url } = this.#client;
    const conversation = new Conversation({ url, sessionId: id, token, random, signal, goesOn });
    this.#ledger.spokenCalls.push(conversation.call);
    await conversation.run();
  }

  async #view(session: LedgerSession, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const askedAt = machineNow();
      const reply = await this.#client.ask(`/sessions/${session.id}`);
      this.#ledger.viewed(session, askedAt, reply);
      if (reply.status === 404) return;
      await pause(viewPauseMs, signal);
    }
  }

  async #write(session: LedgerSession, signal: AbortSignal): Promise<void> {
    for (let count = this.#random.between(1, 3); count > 0 && !signal.aborted; count -= 1) {
      await pause(this.#random.between(200, 2_000), signal);
      await this.#client.ask(`/sessions/${session.id}/messages`, { json: { text: "hello" }, signal });
    }
  }

  /** Waits until its end was told, or the load is over. */
  async #untilTold({ id }: LedgerSession, mostMs = Number.POSITIVE_INFINITY): Promise<void> {
    const until = machineNow() + mostMs;
    while (!this.#ledger.ends.has(id) && !this.#over.aborted && machineNow() < until) await sleep(200);
  }
}

/** Resolves after so many milliseconds, or when the signal fires. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
