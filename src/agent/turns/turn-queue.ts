import type { TurnOutcome } from "../../shared/session/agent-event.ts";
import type { Turn } from "./turn.ts";
import { isOwed } from "./turn-input.ts";

/** The order of turns: those that interrupt, then participants, then the words of the agent's own code. */
export type TurnRank = "next" | "participant" | "agent";

const ranks: readonly TurnRank[] = ["next", "participant", "agent"];

/** The turns of a call, one after the other. Opened when the agent has joined; after `close` every turn is interrupted. */
export class TurnQueue {
  readonly #maxWaiting: number;
  readonly #onOver: (turn: Turn, outcome: TurnOutcome) => void;
  readonly #onChange: () => void;
  readonly #onWaits: (turn: Turn) => void;
  #state: "waiting" | "open" | "closed" = "waiting";
  #held = false;
  #resting = false;
  #running: Turn | null = null;
  #waiting: { readonly turn: Turn; readonly rank: TurnRank }[] = [];

  /**
   * Makes a queue in which no turn waits. `onOver` is called before the next turn is taken, `onChange` when a turn was added or is over,
   * `onWaits` when one was added that has to wait.
   */
  constructor(options: {
    readonly maxWaiting: number;
    readonly onOver: (turn: Turn, outcome: TurnOutcome) => void;
    readonly onChange: () => void;
    readonly onWaits: (turn: Turn) => void;
  }) {
    this.#maxWaiting = options.maxWaiting;
    this.#onOver = options.onOver;
    this.#onChange = options.onChange;
    this.#onWaits = options.onWaits;
  }

  /** Returns the turn that the agent is giving. */
  get running(): Turn | null {
    return this.#running;
  }

  /** Returns whether no turn is begun any more, since another agent will go on. */
  get resting(): boolean {
    return this.#resting;
  }

  /** Returns the turns that wait, in their order. */
  get waiting(): readonly Turn[] {
    return this.#waiting.map(({ turn }) => turn);
  }

  /** Holds the queue, or lets it go on. While it is held no turn is begun: somebody is speaking. */
  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.#advance();
  }

  /** Begins no turn from here on. The running one goes on. */
  rest(): void {
    this.#resting = true;
  }

  /** Ends the rest. */
  goOn(): void {
    this.#resting = false;
    this.#advance();
  }

  /** Returns whether a turn is running or waiting. */
  get busy(): boolean {
    return this.#running !== null || this.#waiting.length > 0;
  }

  open(): void {
    if (this.#state !== "waiting") return;
    this.#state = "open";
    this.#advance();
  }

  /** Adds a turn behind those of its rank; with `interrupt`, the running one is cut short for those that wait. */
  add(turn: Turn, rank: TurnRank, interrupt: boolean): void {
    if (this.#state === "closed") {
      turn.interrupt();
      return;
    }
    const cuts = interrupt && this.#running?.interruptible === true;
    // One of them waits behind none: it is the next to run.
    const places = this.#maxWaiting + (this.#running === null || cuts ? 1 : 0);
    if (this.#waiting.length >= places) {
      turn.fail(new Error(`More than ${this.#maxWaiting} turns wait`));
      return;
    }
    // The first words of the agent, such as a greeting, come before the messages that participants typed until it was there.
    if (this.#state === "waiting" && rank === "agent") rank = "next";
    const behind = this.#waiting.findIndex((other) => ranks.indexOf(other.rank) > ranks.indexOf(rank));
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, { turn, rank });
    if (cuts) this.#running?.interrupt();
    else this.#advance();
    if (this.waiting.includes(turn)) this.#onWaits(turn);
    this.#onChange();
  }

  /** @param moved True where another agent goes on with the turns that wait. */
  close(moved: boolean): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#running?.interrupt();
    for (const { turn } of waiting) {
      if (moved && turn.input !== null && isOwed(turn.input)) turn.handOver();
      else turn.interrupt();
    }
  }

  #advance(): void {
    if (this.#state !== "open" || this.#held || this.#resting || this.#running !== null) return;
    const turn = this.#waiting.shift()?.turn;
    if (turn === undefined) return;
    this.#running = turn;
    void turn.run((outcome) => {
      this.#running = null;
      this.#onOver(turn, outcome);
      this.#advance();
      this.#onChange();
    });
  }
}
