import { rm } from "node:fs/promises";
import type { Contents, Entry } from "./contents.ts";
import { JournalFile } from "./journal-file.ts";
import { tail, type WrittenLine } from "./lines.ts";

/** The number of bytes that are written at a time. */
const batchBytes = 2 ** 20;
/** The greatest length of the tail for which appending is made to wait, in bytes. */
const lastTailBytes = 64 * 1_024;

/** The number of needless bytes below which the file is not written anew for their sake. */
const fewDeadBytes = 2 ** 20;
/** The longest time for which a delivered message stays in the file, in milliseconds. */
const compactAfterMs = 600_000;

/** Knows when a journal is worth writing anew. */
export class CompactionClock {
  #at = 0;
  #size = 0;

  isDue({ size }: JournalFile, { deadBytes }: Contents): boolean {
    if (deadBytes > Math.max(fewDeadBytes, size / 2)) return true;
    return size !== this.#size && performance.now() - this.#at > compactAfterMs;
  }

  /** Notes that it was written anew. */
  done({ size }: JournalFile): void {
    this.#at = performance.now();
    this.#size = size;
  }
}

export interface CompactionOptions {
  readonly from: JournalFile;
  readonly contents: Contents;
  readonly path: string;
  /** The first line of the new file. */
  readonly first: WrittenLine;
  readonly now: number;
  /** Runs something while nothing is appended to `from`. */
  readonly exclusively: <T>(run: () => Promise<T>) => Promise<T>;
  /** Called once the new file is in place, while nothing is appended. The old file must not be used any more. */
  readonly done: (file: JournalFile) => void;
}

/**
 * Writes the lines of a journal that are still needed to a new file beside it, and puts that in its place. Lines that
 * are appended to the old file meanwhile are copied last. Where this fails the old file is as it was.
 */
export async function compact(options: CompactionOptions): Promise<void> {
  const { from, contents, path, first, now, exclusively, done } = options;
  const fresh = `${path}.new`;
  const to = await JournalFile.open(fresh, "w+");
  try {
    // A line may be counted in the file's size a moment before it is in the contents. While nothing is appended the two agree.
    const snapshot = await exclusively(async () => ({ end: from.size, entries: contents.kept(now) }));
    const places = await copyEntries(from, to, first, snapshot.entries);
    const tailOffset = to.size;
    let copiedUpTo = snapshot.end;
    const copyTail = async () => {
      while (copiedUpTo < from.size) {
        const bytes = await from.read(copiedUpTo, Math.min(batchBytes, from.size - copiedUpTo));
        await to.append(bytes);
        copiedUpTo += bytes.length;
      }
    };
    while (from.size - copiedUpTo > lastTailBytes) await copyTail();
    await to.sync();
    await exclusively(async () => {
      await copyTail();
      await to.moveTo(path);
      contents.moved(places, snapshot.end, tailOffset);
      done(to);
    });
  } catch (error) {
    await to.close().catch(() => undefined);
    await rm(fresh, { force: true }).catch(() => undefined);
    throw error;
  }
}

/**
 * Copies entries without the messages that were delivered, since those hold the callers' words. Resolves with the new
 * place of each entry.
 */
async function copyEntries(
  from: JournalFile,
  to: JournalFile,
  first: WrittenLine,
  entries: readonly Entry[],
): Promise<Map<Entry, Pick<Entry, "offset" | "length">>> {
  const places = new Map<Entry, Pick<Entry, "offset" | "length">>();
  let batch: Buffer[] = [first.bytes];
  let offset = first.length;
  let waiting = offset;
  const flush = async () => {
    await to.append(Buffer.concat(batch));
    batch = [];
    waiting = 0;
  };
  for (const entry of entries) {
    const headOnly = entry.state === "told";
    const bytes = await from.read(entry.offset, headOnly ? entry.headLength : entry.length);
    const line = headOnly ? Buffer.concat([bytes, tail]) : bytes;
    batch.push(line);
    places.set(entry, { offset, length: line.length });
    offset += line.length;
    waiting += line.length;
    if (waiting >= batchBytes) await flush();
  }
  await flush();
  return places;
}
