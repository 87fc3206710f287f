import { endKeptMs } from "../../kept-ends.ts";
import { known } from "../scripts/nodes.ts";
import type { Script } from "../scripts/script.ts";

/** The most sessions that Redis is asked about at once. */
const mostAsked = 500;
/** The time before the end of their keeping at which ends are held to be forgotten, in milliseconds. */
const marginMs = 60_000;

/**
 * Resolves with the sessions of a node that are lost since it was declared dead, `fencedMs` milliseconds ago. Redis may
 * have lost some of them since: nobody reports those, and they go on. Once the time for which ends are remembered is
 * over that cannot be known any more, and all of them count as reported.
 */
export async function lostOf(
  sessionIds: readonly string[],
  fencedMs: number,
  run: (script: Script, args: readonly string[]) => Promise<unknown>,
): Promise<readonly string[]> {
  if (fencedMs > endKeptMs - marginMs) return sessionIds;
  const lost: string[] = [];
  for (let at = 0; at < sessionIds.length; at += mostAsked) {
    lost.push(...((await run(known, sessionIds.slice(at, at + mostAsked))) as string[]));
  }
  return lost;
}
