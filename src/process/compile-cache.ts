import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | null | undefined;

/**
 * Returns the folder where Node keeps what it has compiled, so that the next process or thread starts in half the time.
 * It is made on the first call, in the temporary folder, for this user alone. Null where Node is told to keep none,
 * where it cannot be made, and where what is there under its name is another user's or open to others: whoever can
 * write to it decides what code runs.
 */
export function compileCacheFolder(): string | null {
  if (folder === undefined) folder = privateFolder();
  return folder;
}

function privateFolder(): string | null {
  if (process.env.NODE_DISABLE_COMPILE_CACHE) return null;
  // Windows has no such number, and a temporary folder for each user.
  const user = process.getuid?.();
  const path = join(
    tmpdir(),
    user === undefined ? "greenroom-compile-cache" : `greenroom-compile-cache-${user}`,
  );
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const found = lstatSync(path);
    const ours = user === undefined || (found.uid === user && (found.mode & 0o077) === 0);
    return found.isDirectory() && ours ? path : null;
  } catch {
    return null;
  }
}
