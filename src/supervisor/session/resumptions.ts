import { type EndReason, endReasons } from "../../shared/end-reasons.ts";
import type { Resumption } from "../../shared/protocol.ts";
import type { AgentEvent } from "../../shared/session/agent-event.ts";

/** The time in which resumptions are counted, in milliseconds, as the restart intensity of OTP has it. */
const windowMs = 60_000;

/** The part of a call that another process goes on with. */
type Resumed = Pick<Resumption, "state" | "heard" | "times">;

const nothingHeard: Resumption["heard"] = { turnId: "", text: "" };

/** The state of a session's call as its thread told it last, and whether another thread may take the call up. */
export class Resumptions {
  readonly #most: number;
  /** The times of the last resumptions, by a clock that never goes back. */
  readonly #lately: number[] = [];
  #count = 0;
  /** Null where its thread has told none: it must not be kept or is too long, or the call cannot be joined again. */
  #state: string | null = null;
  /** The agent's words in the turn in which it spoke last. */
  #heard = nothingHeard;
  /** True while the session is still in another process, whose agent goes on. */
  #rests = false;

  /** True where the call is taken up also after an error that the agent's own code threw. */
  takesFailures = false;

  /**
   * @param most The most resumptions within a minute. 0: the call is not kept for another process either.
   * @param before What another process knew, where the session goes on in this one.
   */
  constructor(most: number, before: Resumed | null) {
    this.#most = most;
    if (before === null) return;
    this.#count = before.times;
    this.#state = before.state;
    this.#heard = before.heard;
  }

  /** Knows another state of the call from here on, with which the other process has let go of it. */
  takeOver({ state, heard }: Resumed): void {
    this.#rests = false;
    this.#state = state;
    this.#heard = heard;
  }

  /** Returns the number of resumptions so far. */
  get count(): number {
    return this.#count;
  }

  keep(state: string | null): void {
    this.#state = state;
  }

  /** Notes the words of the agent that were heard. */
  happened(event: AgentEvent): void {
    if (event.type !== "transcript" || event.role !== "agent") return;
    const { turnId, final, delta = "" } = event;
    const before = turnId === this.#heard.turnId ? this.#heard.text : "";
    this.#heard = final ? nothingHeard : { turnId, text: before + delta };
  }

  /** Returns whether another thread may take up the call where this one ends for this reason. */
  may(reason: EndReason): boolean {
    const at = performance.now();
    while ((this.#lately[0] ?? at) < at - windowMs) this.#lately.shift();
    const fits = endReasons[reason].isCrash || (reason === "failed" && this.takesFailures);
    // While the agent in the other process goes on, no other thread here may take up the call.
    return this.#state !== null && !this.#rests && fits && this.#lately.length < this.#most;
  }

  /** Returns what another process needs; null where the call must not, or cannot, go on there. */
  get carried(): Resumed | null {
    if (this.#state === null || this.#most === 0) return null;
    return { state: this.#state, heard: this.#heard, times: this.#count };
  }

  /**
   * Returns the state for the first thread in this process, where the session began in another one, and counts it.
   * @param rests True where the agent there is still in the call.
   */
  arrive(reason: EndReason, rests: boolean): Resumption {
    if (this.#state === null) throw new Error("The session did not begin in another process");
    this.#count += 1;
    this.#rests = rests;
    return { reason, times: this.#count, state: this.#state, heard: this.#heard, rests };
  }

  /** Returns the state for the next thread, and counts it; null where the session is to end for this reason. */
  next(reason: EndReason): Resumption | null {
    const state = this.#state;
    if (state === null || !this.may(reason)) return null;
    this.#lately.push(performance.now());
    this.#count += 1;
    return { reason, times: this.#count, state, heard: this.#heard, rests: false };
  }

  /** Forgets the state, since the session has ended. */
  forget(): void {
    this.#state = null;
    this.#heard = nothingHeard;
  }
}
