import type { EndMessage, RegistryHooks } from "../registry.ts";
import type { Contents } from "./contents.ts";
import type { JournalFile } from "./journal-file.ts";
import { parseLine } from "./lines.ts";

export interface UntoldOptions {
  readonly hooks: Pick<RegistryHooks, "room" | "deliver">;
  readonly file: () => JournalFile;
  readonly contents: Contents;
  readonly failed: (error: unknown) => void;
}

/**
 * Hands out messages that are not delivered yet. Messages beyond the room of the webhook stay on disk, and are read
 * when there is room.
 */
export class Untold {
  readonly #options: UntoldOptions;
  /** The sessions whose messages are on disk alone, the oldest first. */
  readonly #aside = new Set<string>();
  #taking = false;
  #closed = false;

  constructor(options: UntoldOptions) {
    this.#options = options;
  }

  /** Notes that the message of a session is on disk alone. */
  setAside(sessionId: string): void {
    this.#aside.add(sessionId);
  }

  /** Delivers a message that was written, where there is room, or sets it aside. */
  offer(message: EndMessage): void {
    if (!this.#closed && this.#options.hooks.room() > 0) this.#options.hooks.deliver(message);
    else this.#aside.add(message.sessionId);
  }

  /** Delivers as many of those that were set aside as there is room for. Never rejects. */
  async takeUp(): Promise<void> {
    if (this.#taking) return;
    this.#taking = true;
    try {
      for (const sessionId of this.#aside) {
        if (this.#closed || this.#options.hooks.room() <= 0) return;
        const message = await this.#read(sessionId);
        if (this.#closed) return;
        this.#aside.delete(sessionId);
        if (message) this.offer(message);
      }
    } catch (error) {
      this.#options.failed(error);
    } finally {
      this.#taking = false;
    }
  }

  close(): void {
    this.#closed = true;
  }

  /** Reads a message that is on disk alone. Resolves with null where it need not be delivered. */
  async #read(sessionId: string): Promise<EndMessage | null> {
    const { file, contents } = this.#options;
    const entry = contents.get(sessionId);
    if (entry?.state !== "untold") return null;
    const line = parseLine(await file().read(entry.offset, entry.length));
    if (line?.type !== "ended" || line.body === undefined)
      throw new Error("The journal was changed by others");
    return { sessionId, since: line.end.endedAt, body: line.body };
  }
}
