import { setTimeout as sleep } from "node:timers/promises";
import { longestTimerMs } from "./deadline.ts";

/** The pauses between tries that fail. */
export interface BackOffTimes {
  /** The pause after the first failure, in milliseconds. */
  readonly firstMs: number;
  /**
   * The longest pause, in milliseconds, whatever chance adds.
   * @default 2147483647, the longest time of a timer
   */
  readonly mostMs?: number;
  /**
   * The factor by which the pause grows with each further failure.
   * @default 2
   */
  readonly factor?: number;
  /**
   * The bounds of the random factor of each pause, so that those who fail of one cause do not try again in step.
   * @default [1, 1], for no chance at all
   */
  readonly jitter?: readonly [least: number, most: number];
}

/** The most failures by which a pause grows, so that no factor makes it infinite. */
const mostGrowth = 64;

/** Growing pauses between tries that fail. It counts nothing: who tries knows how often it has failed in a row. */
export class BackOff {
  readonly #times: Required<BackOffTimes>;

  constructor({ firstMs, mostMs = longestTimerMs, factor = 2, jitter = [1, 1] }: BackOffTimes) {
    this.#times = { firstMs, mostMs, factor, jitter };
  }

  /** Returns the pause before the next try, in milliseconds, after this many failures in a row; 0 after none. */
  pauseMs(failures: number): number {
    if (failures <= 0) return 0;
    const { firstMs, mostMs, factor, jitter } = this.#times;
    const [least, most] = jitter;
    const grownMs = Math.min(mostMs, firstMs * factor ** Math.min(failures - 1, mostGrowth));
    return Math.min(mostMs, grownMs * (least + Math.random() * (most - least)));
  }

  /** Waits for the pause after this many failures in a row, as {@link pause} does. */
  pause(failures: number, options?: PauseOptions): Promise<void> {
    return pause(this.pauseMs(failures), options);
  }
}

export interface PauseOptions {
  /** Ends the pause. */
  readonly signal?: AbortSignal | undefined;
  /**
   * True where the pause keeps the process alive.
   * @default true
   */
  readonly ref?: boolean;
}

/** Waits this many milliseconds. Rejects with the reason of the signal as soon as that fires. */
export async function pause(ms: number, { signal, ref = true }: PauseOptions = {}): Promise<void> {
  signal?.throwIfAborted();
  try {
    await sleep(ms, undefined, signal ? { signal, ref } : { ref });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
