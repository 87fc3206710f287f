import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from "node:worker_threads";
import { within } from "../../shared/deadline.ts";
import type { KillReason } from "../../shared/end-reasons.ts";
import { errorOf, plainError } from "../../shared/errors.ts";
import {
  type FromThread,
  heartbeatBytes,
  Pulse,
  type SessionAssignment,
  type SlotBoot,
  type ToThread,
} from "../../shared/protocol.ts";
import { readRunningTools } from "../../shared/session/running-tools.ts";
import type { SharedThreadsOfSlots } from "./shared-threads.ts";
import { readThreadMessage } from "./thread-message.ts";

/**
 * One thread, from its start to its end. It serves one session at most:
 *
 *   starting ──▶ warm ──▶ running ──▶ draining ──▶ gone
 *      └───────────┴─────────┴────────────┴─────────▲
 */
export type SlotState = "starting" | "warm" | "running" | "draining" | "gone";

/** The holder of the slot while it runs: a session, or a rehearsal. */
export interface SlotHolder {
  message(message: FromThread): void;
  /** Tells that the thread was judged, before it is ended. */
  killed(kill: ThreadKill): void;
  /** Tells that the thread is dead. `error` is what Piscina knows of it; an AbortError where the server ended it. */
  gone(error: Error): void;
}

export interface ThreadKill {
  readonly reason: KillReason;
  readonly message: string;
  /** The place where the thread was found, as the stack of an error, where that is known. */
  readonly stack?: string;
}

/** The calls by which the pool is told of every slot, held or not. */
export interface SlotEvents {
  /** Tells that the thread is about to be ended by force. */
  killed(reason: KillReason): void;
  warm(slot: Slot, importMs: number): void;
  gone(slot: Slot, error: Error): void;
}

export interface SlotOptions {
  readonly number: number;
  readonly agentUrl: string;
  readonly limitedProviders: readonly string[];
  readonly log: SlotBoot["log"];
  /** The most messages that a thread may send in a second. */
  readonly messagesPerSecond: number;
  /** Starts the thread, as one Piscina run. */
  run(boot: SlotBoot, signal: AbortSignal): Promise<unknown>;
  findThread(threadId: number): Worker | undefined;
  readonly shared: SharedThreadsOfSlots;
}

/** The most characters that a thread may send in a second. A conversation has some thousands. */
const mostCharacters = 4 * 2 ** 20;
/**
 * The longest time that the end of a thread is waited for after Piscina let go of it, in milliseconds. Measured: 8 ms.
 */
const exitDeadlineMs = 1_000;

export class Slot {
  readonly number: number;
  readonly startedAt = performance.now();
  readonly heartbeat = new Int32Array(new SharedArrayBuffer(heartbeatBytes));
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>;
  thread: Worker | undefined;
  /** True while `createAgent` runs in it: the agent is in no call yet. */
  creating = false;
  /** True where the thread ended before it was claimed. */
  diedUnused = false;

  readonly #options: SlotOptions;
  readonly #events: SlotEvents;
  readonly #port: MessagePort;
  readonly #abort = new AbortController();
  #state: SlotState = "starting";
  #retired = false;
  #killed = false;
  /** True once the thread has ended; the messages that it sent before are still to be read. */
  #dead = false;
  #holder: SlotHolder | undefined;
  #exit: Promise<unknown> = Promise.resolve();
  /** The thread's own error for why it failed in `starting`: it is sent just before the thread is ended. */
  #failure: Error | undefined;
  #window = { startedAt: 0, messages: 0, characters: 0 };

  constructor(options: SlotOptions, events: SlotEvents) {
    this.number = options.number;
    this.#options = options;
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (message: unknown) => this.#receive(message));
    // A message that cannot be deserialized is malformed.
    port1.on("messageerror", (error) => this.#malformed(error.message));
    const boot: SlotBoot = {
      port: port2,
      heartbeat: this.heartbeat.buffer as SharedArrayBuffer,
      agentUrl: options.agentUrl,
      limitedProviders: options.limitedProviders,
      recogniser: options.shared.recogniser.model,
      mediaPort: options.shared.media.offered,
      voice: true,
      mcp: true,
      log: options.log,
    };
    this.ended = options.run(boot, this.#abort.signal).then(
      () => this.#gone(new Error("The slot's thread returned")),
      // A thread may throw something else than an Error, such as a text.
      (error: unknown) => this.#gone(error instanceof Error ? error : errorOf(plainError(error))),
    );
  }

  get state(): SlotState {
    return this.#state;
  }

  /** Returns whether the thread is being ended. */
  get retired(): boolean {
    return this.#retired;
  }

  /** Returns whether the thread is being ended by force. */
  get killed(): boolean {
    return this.#killed;
  }

  /** Returns whether the thread loads modules, and its loop may stand still for it. */
  get loading(): boolean {
    return Atomics.load(this.heartbeat, Pulse.loading) > 0;
  }

  /** Returns the names of the tools that the agent has running. */
  get tools(): readonly string[] {
    return readRunningTools(this.heartbeat.buffer as SharedArrayBuffer);
  }

  /** Takes the slot out of the reserve. Returns whether it was warm; the caller then has to assign or retire it. */
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
    if (this.#state === "gone") return;
    const { port } = message.type === "port" ? message : { port: null };
    this.#port.postMessage(message, port === null ? [] : [port]);
  }

  /** Notes that the session was asked to close, so that the thread is on its way out. */
  draining(): void {
    if (this.#state === "running") this.#state = "draining";
  }

  /** Tells the holder why, then ends the thread: the decision always comes before the abort. */
  kill(decision: ThreadKill): void {
    if (this.#state === "gone" || this.#retired) return;
    this.#killed = true;
    this.#events.killed(decision.reason);
    this.#holder?.killed(decision);
    this.retire(new Error(decision.message));
  }

  /** Ends the thread, whatever it does. */
  retire(failure?: Error): void {
    this.#failure ??= failure;
    this.#retired = true;
    // Closing the port drops what a flooding thread has queued.
    if (this.#state !== "gone") this.#port.close();
    this.#abort.abort();
  }

  /** Takes a message of the thread, which may be anything: the agent's code can reach the port. */
  #receive(value: unknown): void {
    if (this.#state === "gone" || this.#retired) return;
    const { message, ...read } = readThreadMessage(value);
    this.#count("characters" in read ? read.characters : 0);
    if (this.#retired) return;
    if (message === null) this.#malformed("fault" in read ? read.fault : "");
    else this.#take(message);
  }

  #take(message: FromThread): void {
    // The longer time for `createAgent` begins only here: a thread that stands still before the agent's code is replaced soon.
    if (message.type === "entered") this.creating = true;
    else if (message.type === "created" || message.type === "failed") this.creating = false;
    if (message.type === "started") {
      if (this.thread === undefined) this.#meet(message.threadId);
    } else if (message.type === "warm") {
      this.#warm(message.importMs);
    } else if (message.type === "port_wanted") {
      this.#connect(message);
    } else if (this.#holder) {
      this.#holder.message(message);
    } else if (message.type === "failed") {
      this.retire(errorOf(message.error));
    } else if (message.type === "uncaught") {
      this.#failure ??= errorOf(message.error);
    }
  }

  #connect({ thread, number }: Extract<FromThread, { type: "port_wanted" }>): void {
    try {
      this.send({ type: "port", number, ...this.#options.shared[thread].connect(this.number) });
    } catch {
      // That thread has just ended, and its ports are closed. A closed port cannot be transferred.
      this.send({ type: "port", number, port: null, refusal: "it has ended just now" });
    }
  }

  #warm(importMs: number): void {
    if (this.#dead) return;
    if (this.#state === "starting") {
      this.#state = "warm";
      this.#events.warm(this, importMs);
    } else {
      // A second `warm` must not give the thread a second session.
      this.#malformed("message: a thread is warm once");
    }
  }

  /** Finds the thread by its number. From then on the messages that it sends past the slot's port are counted too. */
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
    this.kill({ reason: "crashed", message });
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
    this.kill({ reason: "flooded", message: `The session sent more than ${much}` });
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

  /**
   * Reads the messages that the thread sent before its end, since the end may be known sooner than they are. They are
   * not read where the server ended the thread.
   */
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
      // A message that cannot be deserialized is reported as malformed.
      return { message: error };
    }
  }
}
