import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { secretNames } from "../../options/outside.ts";

/** The variables that hold a secret of the server's own. */
const secrets: ReadonlySet<string> = secretNames();

/**
 * Erases the server's own secrets from the environment that the process was started with, and leaves `process.env` as
 * it is. On Linux that block stays readable in `/proc/self/environ` for as long as the process lives, for each of its
 * threads, even where `process.env` is changed. Returns a sentence where some of them can still be read: in the block,
 * or in that of the parent process.
 */
export function eraseSecrets(): string | null {
  if (process.platform !== "linux") return null;
  const found = blockOf("self");
  if (found === null) return null;
  const ours = secretsIn(found);
  if (ours.length === 0) return null;
  const values = ours.map(({ name }) => [name, process.env[name]] as const);
  try {
    erase(ours);
  } catch {
    // Some sandboxes have no such file. The secrets that are left are reported below.
  }
  // Node reads the block itself: a variable that is set anew is stored elsewhere.
  for (const [name, value] of values) if (value !== undefined) process.env[name] = value;
  const own = secretsIn(blockOf("self") ?? found);
  const parents = secretsIn(blockOf(String(process.ppid)) ?? Buffer.alloc(0));
  const left = new Set([...own, ...parents].map(({ name }) => name));
  if (left.size === 0) return null;
  const where =
    own.length > 0 ? "/proc/self/environ" : `/proc/${process.ppid}/environ, that of the parent process`;
  return (
    `Secrets can be read by agents in ${where}: ${[...left].join(", ")}. ` +
    "Files in a folder named by GREENROOM_SECRETS_DIR are in no environment"
  );
}

interface Secret {
  readonly name: string;
  /** The place where its value begins in the block, and its length, in bytes. */
  readonly at: number;
  readonly length: number;
}

/** Returns the secrets in the block whose value was not erased. */
function secretsIn(block: Buffer): Secret[] {
  const found: Secret[] = [];
  for (let at = 0; at < block.length; ) {
    const zero = block.indexOf(0, at);
    const end = zero < 0 ? block.length : zero;
    const sign = block.indexOf("=", at);
    if (sign >= at && sign < end) {
      const name = block.toString("latin1", at, sign);
      const length = end - sign - 1;
      if (secrets.has(name) && length > 0) found.push({ name, at: sign + 1, length });
    }
    at = end + 1;
  }
  return found;
}

/** Returns the environment that a process was started with; null where it cannot be read. */
function blockOf(pid: string): Buffer | null {
  try {
    return readFileSync(`/proc/${pid}/environ`);
  } catch {
    return null;
  }
}

/** Overwrites the values with zeros in the memory of this process. */
function erase(found: readonly Secret[]): void {
  // Field 50 is the address of the block. The name of the program, field 2, may hold blanks and brackets.
  const stat = readFileSync("/proc/self/stat", "latin1");
  const start = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[50 - 3]);
  if (!Number.isSafeInteger(start) || start <= 0) return;
  const memory = openSync("/proc/self/mem", "r+");
  try {
    for (const { at, length } of found) writeSync(memory, Buffer.alloc(length), 0, length, start + at);
  } finally {
    closeSync(memory);
  }
}
