import { spawnSync } from "node:child_process";
import { appendFileSync, closeSync, openSync, readFileSync, rmSync, truncateSync, writeSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const sizeMiB = 4;
const emptyEveryMs = 5_000;

/** A small volume in memory to which one replica logs. Making it needs root. */
export class LogVolume implements Disposable {
  /** The file that the replica appends its log to. */
  readonly logFile: string;
  readonly #folder: string;
  readonly #filler: string;
  readonly #keptFile: string;
  readonly #emptying: NodeJS.Timeout;

  private constructor(folder: string, keptFile: string) {
    this.#folder = folder;
    this.#keptFile = keptFile;
    this.logFile = join(folder, "log");
    this.#filler = join(folder, "filler");
    this.#emptying = setInterval(() => this.#keep(), emptyEveryMs);
  }

  /**
   * Mounts a volume; what was logged is moved to `keptFile` now and then. Resolves with null where no volume can be
   * mounted.
   */
  static async mount(folder: string, keptFile: string): Promise<LogVolume | null> {
    if (process.getuid?.() !== 0) return null;
    await mkdir(folder, { recursive: true });
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m`, "none", folder]);
    return mounted.status === 0 ? new LogVolume(folder, keptFile) : null;
  }

  /** No byte is left on it. */
  fill(): void {
    const file = openSync(this.#filler, "a");
    const page = Buffer.alloc(4_096);
    try {
      for (;;) writeSync(file, page);
    } catch {
      // It is full.
    } finally {
      closeSync(file);
    }
  }

  /** Makes room again. */
  relieve(): void {
    rmSync(this.#filler, { force: true });
    this.#keep();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#emptying);
    this.#keep();
    spawnSync("umount", ["-l", this.#folder]);
  }

  #keep(): void {
    try {
      appendFileSync(this.#keptFile, readFileSync(this.logFile));
      truncateSync(this.logFile);
    } catch {
      // The replica has not opened it yet.
    }
  }
}
