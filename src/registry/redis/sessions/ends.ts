import { now } from "../../../shared/protocol.ts";
import { endKeptMs, KeptEnds } from "../../kept-ends.ts";
import type {
  EndMessage,
  EndOutcome,
  RegistryHooks,
  SessionRecord,
  WaitingMessages,
} from "../../registry.ts";
import type { Outbox } from "./outbox.ts";
import { type OwnSession, ownSession } from "./records.ts";

/** The most ends whose time of writing is remembered; the oldest go first. */
const mostNoted = 1_000;

/** An end that is not written yet. */
interface Unwritten {
  readonly endedAt: number;
  /** Resolves the wait for this end, since this process leaves and can write nothing more. */
  giveUp(): void;
}

/** The ends that concern this process: those that are to be written, to be told, and to be remembered. */
export class Ends {
  readonly #outbox: Outbox;
  readonly #hooks: Pick<RegistryHooks, "deliver" | "lost" | "room">;
  /** The ends that are not written yet, in the order in which the sessions ended. */
  readonly #unwritten = new Map<string, Unwritten>();
  /** The messages that this process delivers. */
  readonly #held = new Map<string, EndMessage>();
  readonly #kept = new KeptEnds();
  /** The times at which the last ends were written, by `performance.now()`, the oldest first. */
  readonly #writtenLately = new Map<string, number>();
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(outbox: Outbox, hooks: Pick<RegistryHooks, "deliver" | "lost" | "room">) {
    this.#outbox = outbox;
    this.#hooks = hooks;
  }

  /** Returns a session that ended here, or was reported from here, within the last 10 minutes; null for any other. */
  get(sessionId: string): SessionRecord | null {
    return this.#kept.get(sessionId);
  }

  /** Returns the messages that wait: those that Redis knows, and the ends that it does not know yet. */
  waiting({ count, oldestSince }: WaitingMessages): WaitingMessages {
    const [unwritten] = this.#unwritten.values();
    const all = [oldestSince, unwritten?.endedAt].filter((since) => typeof since === "number");
    return { count: count + this.#unwritten.size, oldestSince: all.length === 0 ? null : Math.min(...all) };
  }

  /** Writes the end of a session. Resolves once it is known whether this end counts. */
  write(session: OwnSession, record: SessionRecord, body: string | null): Promise<EndOutcome> {
    const { sessionId, end } = record;
    const endedAt = end?.endedAt ?? now();
    this.#kept.add(record);
    const { promise, resolve } = Promise.withResolvers<EndOutcome>();
    this.#unwritten.set(sessionId, {
      endedAt,
      giveUp: () => resolve(session.written ? "left" : "alone"),
    });
    this.#outbox.end({
      session,
      end,
      keptMs: endKeptMs,
      body,
      written: (superseded) => {
        this.#noteWritten(sessionId);
        this.#unwritten.delete(sessionId);
        if (superseded) this.#kept.delete(sessionId);
        else if (body !== null) this.deliver({ sessionId, since: endedAt, body });
        resolve(superseded ? "superseded" : "final");
      },
    });
    return promise;
  }

  /** Reports a session as lost: its process is dead. */
  report(record: SessionRecord): void {
    const { sessionId, end } = record;
    this.#kept.add(record);
    const body = this.#hooks.lost(record);
    const message = body === null ? null : { sessionId, since: end?.endedAt ?? now(), body };
    this.#outbox.report(sessionId, message);
    this.#noteWritten(sessionId);
    if (message) this.deliver(message);
  }

  /** Delivers a message from this process, where it has room; or else leaves it to a process that has. */
  deliver(message: EndMessage): void {
    const { sessionId } = message;
    if (this.#hooks.room() > 0) {
      this.#held.set(sessionId, message);
      this.#hooks.deliver(message);
    } else {
      this.#outbox.setAside(sessionId);
    }
  }

  told(sessionId: string): void {
    this.#held.delete(sessionId);
    this.#outbox.told(sessionId);
  }

  /** Writes the ends of the last 10 minutes and the messages again, since Redis may have been emptied. */
  writeAgain(): void {
    for (const { record, leftMs } of this.#kept.all()) {
      if (this.#outbox.ends(record.sessionId)) continue;
      const { nodeId, epoch, end, ...claim } = record;
      this.#outbox.end({ session: ownSession(claim), end, keptMs: leftMs, body: null });
    }
    for (const message of this.#held.values()) this.#outbox.hold(message);
  }

  #noteWritten(sessionId: string): void {
    this.#writtenAt = performance.now();
    this.#writtenLately.delete(sessionId);
    this.#writtenLately.set(sessionId, this.#writtenAt);
    const [oldest = ""] = this.#writtenLately.keys();
    if (this.#writtenLately.size > mostNoted) this.#writtenLately.delete(oldest);
  }

  /** Yields the ends that were written after a time, by `performance.now()`, and the texts that wait to be told. */
  *writtenSince(since: number): Generator<{ readonly record: SessionRecord; readonly body: string | null }> {
    for (const [sessionId, at] of this.#writtenLately) {
      const record = this.#kept.get(sessionId);
      if (at > since && record) yield { record, body: this.#held.get(sessionId)?.body ?? null };
    }
  }

  /** Returns the time since the last end was written, in milliseconds. */
  get sinceWrittenMs(): number {
    return performance.now() - this.#writtenAt;
  }

  /** Resolves all waits for ends that are not written, since nothing more can be written. */
  giveUp(): void {
    for (const { giveUp } of this.#unwritten.values()) giveUp();
    this.#unwritten.clear();
  }
}
