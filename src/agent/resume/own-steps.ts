import type { TurnOutcome } from "../../shared/session/agent-event.ts";

/** One thing that the agent's own code had it say, or be. */
export interface OwnStep {
  readonly kind: "response" | "say" | "become" | "instruct";
  /** The instruction, the words, or the name of the role. */
  readonly text: string;
  /** Null while it is under way. */
  readonly outcome: TurnOutcome | null;
}

/** The most steps that are remembered, and the most characters of each. */
const mostSteps = 32;
const mostCharacters = 2_000;

/**
 * The steps of the agent's own code until it waits for the end of the call, such as a greeting, or the role that it begins with. An agent that takes up a call
 * runs the same code: a step that was done before is not done again, and has the outcome that it had.
 */
export class OwnSteps {
  /** The steps of the agent before, which are still to be met again, in their order. */
  #before: OwnStep[];
  readonly #steps: OwnStep[] = [];
  readonly #onChange: () => void;
  #open = true;

  constructor(before: readonly OwnStep[], onChange: () => void) {
    this.#before = before.filter(({ outcome }) => outcome !== null);
    this.#onChange = onChange;
  }

  /** Returns all steps so far, those that are still to be met again included. */
  get steps(): readonly OwnStep[] {
    return [...this.#steps, ...this.#before];
  }

  /** Runs a step, unless the agent before has done it. Resolves with its outcome. */
  async run(kind: OwnStep["kind"], text: string, act: () => Promise<TurnOutcome>): Promise<TurnOutcome> {
    const known = text.slice(0, mostCharacters);
    const done = this.#meet(kind, known);
    if (done !== null) return done;
    if (!this.#open || this.#steps.length >= mostSteps) return act();
    const place = this.#steps.push({ kind, text: known, outcome: null }) - 1;
    const outcome = await act();
    this.#steps[place] = { kind, text: known, outcome };
    this.#onChange();
    return outcome;
  }

  /** Runs a step that is done at once, unless the agent before has done it. One that throws is not kept. */
  runNow(kind: OwnStep["kind"], text: string, act: () => void): void {
    const known = text.slice(0, mostCharacters);
    if (this.#meet(kind, known) !== null) return;
    act();
    if (!this.#open || this.#steps.length >= mostSteps) return;
    this.#steps.push({ kind, text: known, outcome: "done" });
    this.#onChange();
  }

  /** Ends the recording, since the agent's code waits for the end of the call: words from here on are not repeated by code that runs again. */
  close(): void {
    this.#open = false;
    this.#before = [];
  }

  /** Returns the outcome of a step that the agent before has done; null where it has not. */
  #meet(kind: OwnStep["kind"], text: string): TurnOutcome | null {
    const place = this.#before.findIndex((step) => step.kind === kind && step.text === text);
    const step = this.#before[place];
    if (step === undefined) return null;
    this.#before.splice(0, place + 1);
    this.#steps.push(step);
    return step.outcome;
  }
}
