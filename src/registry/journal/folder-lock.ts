import { execFile } from "node:child_process";
import { readdir, readFile, readlink, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { StateDirError } from "./state-folder.ts";

/** The time after which a process that did not touch its lock counts as dead, in milliseconds. */
const silentAfterMs = 3_500;
/** The time between two looks at a lock that may be touched, in milliseconds. */
const lookEveryMs = 250;
/** The longest time that `ps` may take, in milliseconds. */
const psTimeoutMs = 2_000;
/** The most tries to take the lock, since other processes may take it at the same moment. */
const mostTries = 20;

/** The identity of a process among all others of the same `space`. */
interface Owner {
  readonly pid: number;
  /** The time at which it began, in the system's own form, since process ids are used again; null where it is not known. */
  readonly startedAt: string | null;
  /** The boot of the machine and the namespace of its process ids; null where they are not known. */
  readonly space: string | null;
}

/**
 * The lock of a folder: the file `lock.<number>` with the greatest number, for as long as its process lives. A process
 * that finds the owner dead makes the next file, which only one process can do. So a lock does not outlive its process,
 * however that ends.
 */
export class FolderLock {
  readonly #folder: string;
  #held: string | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Takes the lock. Resolves with the time at which the process that had it last was last alive, in epoch milliseconds;
   * null where that process released it. Rejects with a {@link StateDirError} where that process lives.
   */
  async take(): Promise<number | null> {
    const owner = JSON.stringify(await thisProcess());
    for (let tries = 0; tries < mostTries; tries += 1) {
      const numbers = await this.#numbers();
      const last = numbers.at(-1) ?? 0;
      const diedAt = last === 0 ? null : await this.#diedAt(last);
      const taken = this.#path(last + 1);
      if (!(await isWritten(taken, owner))) continue;
      // A slow process may have made a lock with a number that other processes have passed meanwhile.
      if ((await this.#numbers()).at(-1) !== last + 1) {
        await rm(taken, { force: true });
        continue;
      }
      this.#held = taken;
      for (const number of numbers) await rm(this.#path(number), { force: true });
      return diedAt;
    }
    throw new StateDirError(
      this.#folder,
      "is being opened by several processes at once: start one of them again",
    );
  }

  /** Shows that this process lives. Resolves with false where it has the lock no more. */
  async renew(): Promise<boolean> {
    if (this.#held === null) return false;
    const at = new Date();
    try {
      await utimes(this.#held, at, at);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  async release(): Promise<void> {
    const held = this.#held;
    this.#held = null;
    if (held !== null) await rm(held, { force: true });
  }

  #path(number: number): string {
    return join(this.#folder, `lock.${number}`);
  }

  /** Resolves with the numbers of all locks, the least first. */
  async #numbers(): Promise<number[]> {
    const numbers = (await readdir(this.#folder)).flatMap(
      (name) => /^lock\.(\d{1,15})$/.exec(name)?.[1] ?? [],
    );
    return numbers.map(Number).sort((a, b) => a - b);
  }

  /** Resolves with the time at which the owner of this lock was last alive; null where the lock is gone. Rejects with a {@link StateDirError} where it lives. */
  async #diedAt(number: number): Promise<number | null> {
    const path = this.#path(number);
    try {
      const owner = parseOwner(await readFile(path, "utf8"));
      const { mtimeMs } = await stat(path);
      const lives = owner === null ? null : await isAlive(owner);
      if (lives ?? (await this.#showsLife(path, mtimeMs))) {
        const who = owner === null ? "another process" : `the process ${owner.pid}`;
        throw new StateDirError(this.#folder, `is in use by ${who}: each process needs a folder of its own`);
      }
      return mtimeMs;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  }

  /** Watches the lock of a process that cannot be seen from here, as in another container. Resolves with whether it is touched. */
  async #showsLife(path: string, before: number): Promise<boolean> {
    for (
      const until = performance.now() + silentAfterMs;
      performance.now() < until;
      await delay(lookEveryMs)
    ) {
      if ((await stat(path)).mtimeMs !== before) return true;
    }
    return false;
  }
}

/** Makes a file. Resolves with false where there is one of that name. */
async function isWritten(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { mode: 0o600, flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
}

function parseOwner(text: string): Owner | null {
  try {
    const { pid, startedAt, space } = JSON.parse(text) as Partial<Owner>;
    if (!Number.isSafeInteger(pid) || pid === undefined || pid <= 0) return null;
    return { pid, startedAt: startedAt ?? null, space: space ?? null };
  } catch {
    return null;
  }
}

async function thisProcess(): Promise<Owner> {
  return { pid: process.pid, startedAt: await startOf(process.pid), space: await thisSpace() };
}

/** Resolves with whether a process lives; null where that cannot be known from here. */
async function isAlive({ pid, startedAt, space }: Owner): Promise<boolean | null> {
  if (space === null || space !== (await thisSpace())) return null;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const start = await startOf(pid);
  return start === null || startedAt === null ? null : start === startedAt;
}

/**
 * Resolves with the time at which a process began; null where that cannot be known. For a process that has ended, but
 * whose parent has not noticed, that is `never`.
 */
async function startOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The name of the program is in parentheses, and may hold some itself. The start is the 22nd field; the name is the second.
  if (stat !== null) {
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return /^[ZX]/.test(fields[0] ?? "") ? "never" : (fields[19] ?? null);
  }
  if (process.platform === "linux" || process.platform === "win32") return null;
  const arguments_ = ["-o", "lstart=", "-p", String(pid)];
  return promisify(execFile)("ps", arguments_, { timeout: psTimeoutMs, env: { LC_ALL: "C" } }).then(
    ({ stdout }) => stdout.trim() || null,
    () => null,
  );
}

/** Resolves with a name for the space in which process ids are unique; null where there is none. */
async function thisSpace(): Promise<string | null> {
  if (process.platform !== "linux") return process.platform === "win32" ? null : process.platform;
  const [boot, namespace] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => null),
    readlink("/proc/self/ns/pid").catch(() => null),
  ]);
  return boot === null || namespace === null ? null : `${boot.trim()} ${namespace}`;
}
