import { constants } from "node:fs";
import { join } from "node:path";
import { within } from "../../shared/deadline.ts";
import { GreenroomError } from "../../shared/errors.ts";
import { now } from "../../shared/protocol.ts";
import { Availability } from "../availability.ts";
import type { EndOutcome, RegistryHooks, SessionRecord } from "../registry.ts";
import { CompactionClock, compact } from "./compaction.ts";
import { Contents } from "./contents.ts";
import { FolderLock } from "./folder-lock.ts";
import { JournalFile } from "./journal-file.ts";
import { LineQueue } from "./line-queue.ts";
import { claimedLine, endedLine, openedLine, toldLine, voidMark, withdrawnLine } from "./lines.ts";
import { type Restored, restore, warnOfBroken } from "./restore.ts";
import { makeFolder, StateDirError, stateDirError } from "./state-folder.ts";
import { Untold } from "./untold.ts";

/** The time between two rounds of maintenance, which also try again what could not be written, in milliseconds. */
const maintenanceMs = 1_000;
/** The longest time that a start waits for its line to be written, in milliseconds. */
const claimTimeoutMs = 2_000;
/** The longest time that each step of closing may take, in milliseconds. */
const closeTimeoutMs = 2_000;
/** The room that a disk must have before starts are accepted again after it was full, in bytes. */
const probeBytes = 256 * 1_024;

export interface JournalOptions {
  /** The path of the folder, which one process at a time may have. */
  readonly folder: string;
  readonly log: { warn(fields: object, text: string): void };
}

export type JournalHooks = Pick<RegistryHooks, "room" | "deliver" | "away" | "back" | "commandFailed">;

export interface OpenedJournal extends Restored {
  /** The time at which the process before this one was last seen alive, in epoch milliseconds. */
  readonly lastAliveAt: number;
}

/**
 * Keeps in a folder which sessions live, how they ended, and which messages are to be delivered, so that all of it
 * outlives this process.
 */
export class Journal {
  readonly #folder: string;
  readonly #path: string;
  readonly #log: JournalOptions["log"];
  readonly #lock: FolderLock;
  readonly #contents = new Contents();
  readonly #queue: LineQueue;
  readonly #compactions = new CompactionClock();
  #file: JournalFile | null = null;
  #availability: Availability | null = null;
  #untold: Untold | null = null;
  #epoch = 0;
  #timer: NodeJS.Timeout | undefined;
  #maintaining: Promise<void> | null = null;
  /** True while the file or the lock has been taken away, and is not put back yet. */
  #misplaced = false;
  /** True once another process has the folder, and reports this process' sessions. */
  #isTakenOver = false;
  #syncedSize = 0;
  #closed = false;

  constructor({ folder, log }: JournalOptions) {
    this.#folder = folder;
    this.#path = join(folder, "sessions.jsonl");
    this.#log = log;
    this.#lock = new FolderLock(folder);
    this.#queue = new LineQueue({
      file: () => this.#openFile,
      failed: (error) => this.#failed(error),
    });
  }

  /** Returns whether it can be written to. */
  get up(): boolean {
    return this.#availability?.up ?? false;
  }

  /** Reads what the process before this one left. Rejects with REGISTRY_UNAVAILABLE, caused by a {@link StateDirError}, where the folder cannot be used, or another process has it. */
  async open(hooks: JournalHooks): Promise<OpenedJournal> {
    this.#availability = new Availability({
      away: (cause) => hooks.away(stateDirError(this.#folder, cause)),
      back: (awayMs) => hooks.back(awayMs),
      commandFailed: () => hooks.commandFailed(),
    });
    this.#untold = new Untold({
      hooks,
      contents: this.#contents,
      file: () => this.#openFile,
      failed: (error) => this.#failed(error),
    });
    let isOpen = false;
    try {
      await makeFolder(this.#folder);
      const diedAt = await this.#lock.take();
      this.#timer = setInterval(() => {
        // Other processes may check the lock while a large file is read or written anew.
        if (!isOpen || this.#maintaining) void this.#lock.renew().catch(() => undefined);
        else void this.#maintain();
      }, maintenanceMs).unref();
      const file = await JournalFile.open(this.#path, constants.O_RDWR | constants.O_CREAT);
      this.#file = file;
      const restored = await restore(file, this.#contents, now());
      this.#epoch = restored.epoch + 1;
      await this.#compact();
      warnOfBroken(restored, this.#path, this.#log);
      for (const { sessionId } of restored.untold) this.#untold.setAside(sessionId);
      isOpen = true;
      this.#availability.answered();
      void this.#untold.takeUp();
      return { ...restored, epoch: this.#epoch, lastAliveAt: diedAt ?? file.modifiedAt };
    } catch (error) {
      await this.#leave();
      throw new GreenroomError("REGISTRY_UNAVAILABLE", undefined, {
        cause: stateDirError(this.#folder, error),
      });
    }
  }

  /** Writes that a session begins. Resolves once that is written; rejects with REGISTRY_UNAVAILABLE where it cannot be. */
  async claim(record: SessionRecord): Promise<void> {
    if (!this.up || this.#closed) throw new GreenroomError("REGISTRY_UNAVAILABLE");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const line = claimedLine(record);
    let isAbandoned = false;
    this.#queue.push({
      line,
      written: (offset) => {
        this.#contents.claimed(record.sessionId, offset, line);
        if (isAbandoned) this.withdraw(record.sessionId);
        resolve();
      },
      refused: reject,
    });
    try {
      await within(promise, claimTimeoutMs, `To write to ${this.#path}`);
    } catch (cause) {
      isAbandoned = true;
      if (this.up) this.#failed(cause);
      throw new GreenroomError("REGISTRY_UNAVAILABLE", undefined, { cause });
    }
  }

  /** Writes that a claimed session was never started. Never waits. */
  withdraw(sessionId: string): void {
    const line = withdrawnLine(sessionId);
    this.#queue.push({
      line,
      written: () => this.#contents.withdrawn(sessionId, line),
      givenUp: async () => void (await this.#makeVoid(sessionId)),
    });
  }

  /** Writes an end. Resolves once that is written, with whether it counts; its message is delivered then. Never rejects. */
  end(record: SessionRecord, body: string | null): Promise<EndOutcome> {
    const { sessionId, end } = record;
    if (this.#closed) return Promise.resolve(this.#contents.get(sessionId) ? "left" : "alone");
    const endedAt = end?.endedAt ?? now();
    const line = endedLine(record, body);
    const { promise, resolve } = Promise.withResolvers<EndOutcome>();
    this.#queue.push({
      line,
      written: (offset) => {
        const hasBody = body !== null;
        const isFirst = this.#contents.ended(sessionId, offset, line, { endedAt, hasBody });
        if (isFirst && hasBody) this.#untold?.offer({ sessionId, since: endedAt, body });
        resolve(isFirst ? "final" : "superseded");
      },
      givenUp: async () => resolve((await this.#makeVoid(sessionId)) ? "alone" : "left"),
    });
    return promise;
  }

  /** Writes that a message was delivered. Never waits. */
  told(sessionId: string): void {
    if (this.#closed) return;
    const line = toldLine(sessionId);
    this.#queue.push({ line, written: () => this.#contents.told(sessionId, line) });
    void this.#untold?.takeUp();
  }

  /** Writes what is left, and releases the folder, within 6 s. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#untold?.close();
    if (!this.#file) return;
    const written = Promise.all([this.#maintaining, this.#misplaced || this.#queue.retry()]);
    await within(written, closeTimeoutMs, "To write the journal").catch(() => undefined);
    await this.#queue.giveUp();
    await this.#leave();
  }

  get #openFile(): JournalFile {
    if (!this.#file) throw new StateDirError(this.#folder, "is not open");
    return this.#file;
  }

  #failed(error: unknown): void {
    this.#queue.hold();
    this.#availability?.failed(error);
  }

  /**
   * Marks the line of a session whose end cannot be written any more, so that the next process does not find it live: a byte in the
   * place of another needs no room on the disk. Resolves with false where the next process, or another one, may report it all the same.
   */
  async #makeVoid(sessionId: string): Promise<boolean> {
    const entry = this.#contents.get(sessionId);
    if (!entry) return true;
    if (this.#isTakenOver) return false;
    const marked = this.#openFile.overwrite(entry.offset, voidMark);
    return within(marked, closeTimeoutMs, "To mark a line").then(
      () => true,
      () => false,
    );
  }

  /** Maintains the file and the lock. Never rejects. */
  #maintain(): Promise<void> {
    this.#maintaining ??= this.#lookAfter()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#maintaining = null;
      });
    return this.#maintaining;
  }

  async #lookAfter(): Promise<void> {
    await this.#findPlace();
    if (!this.up) {
      await this.#queue.retry();
      if (!this.#queue.isEmpty) return;
      await this.#queue.exclusively(() => this.#openFile.probe(probeBytes));
      this.#availability?.answered();
    }
    const { size } = this.#openFile;
    if (size !== this.#syncedSize) {
      await this.#openFile.sync();
      this.#syncedSize = size;
    }
    if (this.#compactions.isDue(this.#openFile, this.#contents)) await this.#compact();
    await this.#untold?.takeUp();
  }

  /** Shows that this process lives, and puts the file and the lock back where they were taken away. */
  async #findPlace(): Promise<void> {
    const isLocked = await this.#lock.renew();
    this.#misplaced = !isLocked || !(await this.#openFile.isInPlace());
    if (!this.#misplaced) return;
    this.#failed(
      new StateDirError(
        this.#folder,
        "was removed, or a file in it was: it is written again where that is possible",
      ),
    );
    await makeFolder(this.#folder);
    this.#isTakenOver = !isLocked;
    if (!isLocked) await this.#lock.take();
    this.#isTakenOver = false;
    await this.#compact();
    this.#misplaced = false;
  }

  async #compact(): Promise<void> {
    const from = this.#openFile;
    await compact({
      from,
      contents: this.#contents,
      path: this.#path,
      first: openedLine(this.#epoch),
      now: now(),
      exclusively: (run) => this.#queue.exclusively(run),
      done: (file) => {
        // The journal was closed meanwhile.
        if (this.#file === null) return void file.close().catch(() => undefined);
        this.#file = file;
        this.#compactions.done(file);
      },
    });
    await from.close();
  }

  async #leave(): Promise<void> {
    clearInterval(this.#timer);
    const file = this.#file;
    this.#file = null;
    const left = (async () => {
      await file?.sync().catch(() => undefined);
      await this.#lock.release();
      await file?.close();
    })();
    await within(left, closeTimeoutMs, "To let go of the state folder").catch(() => undefined);
  }
}
