/** The state of the server. `announced`: it is about to drain; balancers learn it while starts are still accepted. */
export type SupervisorState = "idle" | "warming" | "serving" | "announced" | "draining" | "stopped";

/** The states that may follow each state. */
const nextStates = {
  idle: ["warming", "draining", "stopped"],
  warming: ["serving", "draining", "stopped"],
  serving: ["announced", "draining", "stopped"],
  announced: ["draining", "stopped"],
  draining: ["stopped"],
  stopped: [],
} as const satisfies Record<SupervisorState, readonly SupervisorState[]>;

/** The state of the server between its start and its end, and the listeners that are called when a shutdown is announced. */
export class Lifecycle {
  readonly #drainListeners = new Set<() => void>();
  #state: SupervisorState = "idle";

  get state(): SupervisorState {
    return this.#state;
  }

  /** Returns whether the server is warmed up, and neither draining nor about to. */
  get serving(): boolean {
    return this.#state === "serving";
  }

  /** Returns whether starts are accepted: a shutdown may have been announced, but has not begun. */
  get accepting(): boolean {
    return this.#state === "serving" || this.#state === "announced";
  }

  /** Goes to a state, where that may follow. Returns whether it did. */
  reach(state: SupervisorState): boolean {
    const allowed: readonly SupervisorState[] = nextStates[this.#state];
    if (!allowed.includes(state)) return false;
    this.#state = state;
    return true;
  }

  /** Announces once that a shutdown will follow; where nothing is served yet, the shutdown begins. */
  announceDrain(): void {
    if (this.#state === "announced" || !this.reach(this.#state === "serving" ? "announced" : "draining"))
      return;
    for (const listener of this.#drainListeners) listener();
  }

  /** Calls `listener` once, when a shutdown is announced or begins. Returns a function that removes it. */
  onDrain(listener: () => void): () => void {
    this.#drainListeners.add(listener);
    return () => this.#drainListeners.delete(listener);
  }
}
