import { setTimeout as sleep } from "node:timers/promises";
import type { PeerNode } from "../../registry.ts";
import { whoWroteAgain, wroteAgain } from "../scripts/again.ts";
import type { Script } from "../scripts/script.ts";

/** The longest time for which the others are waited for, in milliseconds: each writes with its next heartbeat. */
const longestWaitMs = 6_000;
/** The time between two looks at whether they have written, in milliseconds. */
const lookMs = 100;

type Run = (script: Script, args: readonly (string | number)[]) => Promise<unknown>;

/**
 * Lets the others write first where Redis was emptied while this process stood still: they may have told ends of its sessions,
 * which nobody else knows any more, and of two ends the first one that is written counts.
 */
export class OthersFirst {
  readonly #run: Run;
  /** A new object each time that this process stood still; null once Redis has heard of it since. */
  #stood: object | null = null;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Returns whether others may have told ends of this process's sessions that it does not know of. */
  get isBehind(): boolean {
    return this.#stood !== null;
  }

  /** Notes that this process stood still for about its lease. */
  stoodStill(): void {
    this.#stood = {};
  }

  /** Returns a function that notes that Redis has heard of this process, unless it stood still once more since this call. */
  caughtUp(): () => void {
    const stood = this.#stood;
    return () => {
      if (this.#stood === stood) this.#stood = null;
    };
  }

  /**
   * Resolves at once, unless this process stood still, and Redis has other data than then: then it resolves when these peers have
   * written again what they know, within 6 s. One that has ended meanwhile is waited for in vain.
   */
  async wait(birth: string | null, peers: readonly PeerNode[]): Promise<void> {
    if (!this.isBehind || birth === null) return;
    const until = performance.now() + longestWaitMs;
    while (performance.now() < until) {
      const [now, ...nodes] = (await this.#run(whoWroteAgain, [])) as string[];
      if (now === birth || peers.every(({ nodeId }) => nodes.includes(nodeId))) return;
      await sleep(lookMs, undefined, { ref: false });
    }
  }

  /** Tells those who wait that this node has written again what it knows. */
  async wrote(nodeId: string): Promise<void> {
    await this.#run(wroteAgain, [nodeId]);
  }
}
