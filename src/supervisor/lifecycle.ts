/** `announced`: about to drain; balancers learn it while starts are still accepted. */
export type SupervisorState = "idle" | "warming" | "serving" | "announced" | "draining" | "stopped";

/** What may follow what. */
const nextStates = {
  idle: ["warming", "draining", "stopped"],
  warming: ["serving", "draining", "stopped"],
  serving: ["announced", "draining", "stopped"],
  announced: ["draining", "stopped"],
  draining: ["stopped"],
  stopped: [],
} as const satisfies Record<SupervisorState, readonly SupervisorState[]>;

/** How far the server is on its way from its start to its end, and who wants to know when the end comes near. */
export class Lifecycle {
  readonly #drainListeners = new Set<() => void>();
  #state: SupervisorState = "idle";

  get state(): SupervisorState {
    return this.#state;
  }

  /** Warmed up, and neither draining nor about to. */
  get serving(): boolean {
    return this.#state === "serving";
  }

  /** Starts are accepted: a shutdown may have been announced, but has not begun. */
  get accepting(): boolean {
    return this.#state === "serving" || this.#state === "announced";
  }

  /** Goes there, where that may follow. */
  reach(state: SupervisorState): boolean {
    const allowed: readonly SupervisorState[] = nextStates[this.#state];
    if (!allowed.includes(state)) return false;
    this.#state = state;
    return true;
  }

  /** A shutdown will follow; where nothing is served yet, it begins. Once. */
  announceDrain(): void {
    if (this.#state === "announced" || !this.reach(this.#state === "serving" ? "announced" : "draining"))
      return;
    for (const listener of this.#drainListeners) listener();
  }

  /** Called once, when a shutdown is announced or begins. Returns what ends it. */
  onDrain(listener: () => void): () => void {
    this.#drainListeners.add(listener);
    return () => this.#drainListeners.delete(listener);
  }
}
