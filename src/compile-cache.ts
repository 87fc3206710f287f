import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folder where Node keeps what it has compiled, so that the next process or thread starts in half the time. */
export const compileCacheFolder = join(tmpdir(), "greenroom-compile-cache");
