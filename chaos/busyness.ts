import { availableParallelism, loadavg } from "node:os";

/** The number of processes that a core may want to run before everything takes longer than it should. */
const wellPerCore = 4;

/**
 * Knows how much longer things took in a run than on a machine with little else to do: 1 where others left it alone.
 */
export class Busyness {
  #factor = 1;

  /** Looks at the load of the machine; it is called again and again while the run goes on. */
  look(): void {
    const perCore = (loadavg()[0] ?? 0) / availableParallelism();
    this.#factor = Math.max(this.#factor, perCore / wellPerCore);
  }

  get factor(): number {
    return this.#factor;
  }
}
