import { mkdir, stat } from "node:fs/promises";
import { constants } from "node:os";

/** The error for a folder that cannot keep ends: one sentence that says why, for the person who has to correct that. */
export class StateDirError extends Error {
  override readonly name = "StateDirError";

  constructor(folder: string, why: string, cause?: unknown) {
    super(`The state folder ${folder} (stateDir, --state-dir) ${why}`, { cause });
  }
}

/** Makes the folder, for this user alone, where there is none. Rejects with a {@link StateDirError}. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (!(await stat(folder)).isDirectory()) throw Object.assign(new Error("no folder"), { code: "ENOTDIR" });
  } catch (error) {
    throw stateDirError(folder, error);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "may not be written to by this user",
  EPERM: "may not be written to by this user",
  EROFS: "is on a file system that is read-only",
  EEXIST: "is no folder, or lies in something that is none",
  ENOTDIR: "is no folder, or lies in something that is none",
  ENOSPC: "is on a disk that is full",
  EDQUOT: "is on a disk whose quota is used up",
  ENOENT: "is gone",
  EMFILE: "cannot be opened: this process has as many files open as it may",
};

/** Returns the sentence for an error of the file system in this folder. */
export function stateDirError(folder: string, error: unknown): StateDirError {
  if (error instanceof StateDirError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const known = code in constants.errno ? reasons[code] : undefined;
  return new StateDirError(folder, known ?? `cannot be used: ${message}`, error);
}
