import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";
import { within } from "../deadline.ts";
import { errorOf, plainError } from "../errors.ts";
import type { KillReason } from "../metrics/catalogue.ts";
import {
  type FromThread,
  heartbeatBytes,
  type SessionAssignment,
  type SlotBoot,
  type ToThread,
} from "../protocol.ts";
import { readThreadMessage } from "./thread-message.ts";

/**
 * One thread, from its start to its death. It serves one session at most:
 *
 *   starting ──▶ warm ──▶ running ──▶ draining ──▶ gone
 *      └───────────┴─────────┴────────────┴─────────▲
 */
export type SlotState = "starting" | "warm" | "running" | "draining" | "gone";

/** Who holds the slot while it runs: a session, or a rehearsal. */
export interface SlotHolder {
  message(message: FromThread): void;
  /** The watchdog judged the thread before it ended it. */
  condemned(verdict: Condemnation): void;
  /** The thread is dead. `error` is what Piscina knows of it; an AbortError when we ended it ourselves. */
  gone(error: Error): void;
}

export interface Condemnation {
  readonly reason: KillReason;
  readonly message: string;
  /** Where the thread was found, as the stack of an error, where that is known. */
  readonly stack?: string;
}

/** What the pool is told of every slot, held or not. */
export interface SlotEvents {
  /** The thread is about to be ended by force. */
  killed(reason: KillReason): void;
  warm(slot: Slot, importMs: number): void;
  gone(slot: Slot, error: Error): void;
}

export interface SlotOptions {
  readonly number: number;
  readonly agentUrl: string;
  readonly limitedProviders: readonly string[];
  readonly log: SlotBoot["log"];
  /** Most messages that a thread may send in a second. */
  readonly messagesPerSecond: number;
  /** Starts the thread: one Piscina run. */
  run(boot: SlotBoot, signal: AbortSignal): Promise<unknown>;
  findThread(threadId: number): Worker | undefined;
}

/** Most characters that a thread may send in a second. A conversation has some thousands. */
const mostCharacters = 4 * 2 ** 20;
/** How long the end of a thread is waited for after Piscina let go of it, in milliseconds. Measured: 8 ms. */
const exitDeadlineMs = 1_000;

export class Slot {
  readonly number: number;
  readonly startedAt = performance.now();
  readonly heartbeat = new Int32Array(new SharedArrayBuffer(heartbeatBytes));
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  thread: Worker | undefined;
  /** `createAgent` runs in it: the agent is in no call yet, whom it could leave without an answer. */
  creating = false;
  /** The thread died before anybody claimed it. */
  diedUnused = false;

  readonly #options: SlotOptions;
  readonly #events: SlotEvents;
  readonly #port: MessagePort;
  readonly #abort = new AbortController();
  #state: SlotState = "starting";
  #retired = false;
  #condemned = false;
  /** The thread has ended; what it sent before is still to be read. */
  #dead = false;
  #holder: SlotHolder | undefined;
  #exit: Promise<unknown> = Promise.resolve();
  /** Why a thread in `starting` failed, in its own words: sent just before we end it. */
  #failure: Error | undefined;
  #window = { startedAt: 0, messages: 0, characters: 0 };

  constructor(options: SlotOptions, events: SlotEvents) {
    this.number = options.number;
    this.#options = options;
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (message: unknown) => this.#receive(message));
    // What cannot be made of its clone again is no message either.
    port1.on("messageerror", (error) => this.#malformed(error.message));
    const boot: SlotBoot = {
      port: port2,
      heartbeat: this.heartbeat.buffer as SharedArrayBuffer,
      agentUrl: options.agentUrl,
      limitedProviders: options.limitedProviders,
      log: options.log,
    };
    this.ended = options.run(boot, this.#abort.signal).then(
      () => this.#gone(new Error("The slot's thread returned")),
      // Whoever throws a text in a thread ends it with that.
      (error: unknown) => this.#gone(error instanceof Error ? error : errorOf(plainError(error))),
    );
  }

  get state(): SlotState {
    return this.#state;
  }

  /** The thread is being ended. */
  get retired(): boolean {
    return this.#retired;
  }

  /** It is being ended by force. */
  get condemned(): boolean {
    return this.#condemned;
  }

  /** Takes the slot out of the reserve, if it is warm. Whoever claims it assigns or retires it. */
  claim(): boolean {
    if (this.#state !== "warm" || this.#retired) return false;
    this.#state = "running";
    return true;
  }

  /** Hands the thread its session. The slot must be claimed. */
  assign(session: SessionAssignment, holder: SlotHolder): void {
    this.#holder = holder;
    this.send({ type: "assign", session });
  }

  send(message: ToThread): void {
    if (this.#state !== "gone") this.#port.postMessage(message);
  }

  /** The session was asked to close: the thread is on its way out. */
  draining(): void {
    if (this.#state === "running") this.#state = "draining";
  }

  /** Tells the holder why, then ends the thread: the verdict always comes before the abort. */
  condemn(verdict: Condemnation): void {
    if (this.#state === "gone" || this.#retired) return;
    this.#condemned = true;
    this.#events.killed(verdict.reason);
    this.#holder?.condemned(verdict);
    this.retire(new Error(verdict.message));
  }

  /** Ends the thread, whatever it does. */
  retire(failure?: Error): void {
    this.#failure ??= failure;
    this.#retired = true;
    // Closing the port drops what a flooding thread has queued.
    if (this.#state !== "gone") this.#port.close();
    this.#abort.abort();
  }

  /** Takes what came from the thread, which may be anything: the agent's code can reach the port. */
  #receive(value: unknown): void {
    if (this.#state === "gone" || this.#retired) return;
    const { message, ...read } = readThreadMessage(value);
    this.#count("characters" in read ? read.characters : 0);
    if (this.#retired) return;
    if (message === null) this.#malformed("fault" in read ? read.fault : "");
    else this.#take(message);
  }

  #take(message: FromThread): void {
    // A thread that stands still before the agent's code is entered is given no such time: another one is tried.
    if (message.type === "entered") this.creating = true;
    else if (message.type === "created" || message.type === "failed") this.creating = false;
    if (message.type === "started") {
      if (this.thread === undefined) this.#meet(message.threadId);
    } else if (message.type === "warm") {
      this.#warm(message.importMs);
    } else if (this.#holder) {
      this.#holder.message(message);
    } else if (message.type === "failed") {
      this.retire(errorOf(message.error));
    } else if (message.type === "uncaught") {
      this.#failure ??= errorOf(message.error);
    }
  }

  #warm(importMs: number): void {
    if (this.#dead) return;
    if (this.#state === "starting") {
      this.#state = "warm";
      this.#events.warm(this, importMs);
    } else {
      // Taken again, it would give the thread another session.
      this.#malformed("message: a thread is warm once");
    }
  }

  /** From here on the thread is known, and what it sends past our port is counted too. */
  #meet(threadId: number): void {
    const thread = this.#options.findThread(threadId);
    if (!thread) return;
    this.thread = thread;
    this.#exit = new Promise((resolve) => thread.once("exit", resolve));
    thread.on("message", () => this.#count(0));
    thread.on("messageerror", () => this.#count(0));
  }

  #malformed(fault: string): void {
    const message = `The session's thread sent what is no message of the protocol: ${fault}`;
    this.condemn({ reason: "crashed", message });
  }

  #count(characters: number): void {
    const at = performance.now();
    if (at - this.#window.startedAt > 1_000) this.#window = { startedAt: at, messages: 0, characters: 0 };
    this.#window.messages += 1;
    this.#window.characters += characters;
    const { messagesPerSecond } = this.#options;
    const tooMany = this.#window.messages > messagesPerSecond;
    if (!tooMany && this.#window.characters <= mostCharacters) return;
    const much = tooMany
      ? `${messagesPerSecond} messages in a second (messagesPerSecond)`
      : `${mostCharacters} characters in a second`;
    this.condemn({ reason: "flooded", message: `The session sent more than ${much}` });
  }

  async #gone(cause: Error): Promise<void> {
    this.#dead = true;
    await within(this.#exit, exitDeadlineMs, "The end of a thread").catch(() => undefined);
    this.#hearLastWords();
    const error = this.#failure ?? cause;
    this.diedUnused = this.#state === "starting" || this.#state === "warm";
    this.#state = "gone";
    this.#port.close();
    this.#holder?.gone(error);
    this.#events.gone(this, error);
  }

  /** Its end is known sooner than what it said before. Where we ended it, nobody listens any more. */
  #hearLastWords(): void {
    while (!this.#retired) {
      const last = this.#nextWord();
      if (last === undefined) return;
      this.#receive(last.message);
    }
  }

  #nextWord(): { readonly message: unknown } | undefined {
    try {
      return receiveMessageOnPort(this.#port);
    } catch (error) {
      // What cannot be made of its clone again.
      return { message: error };
    }
  }
}
