import { machineNow } from "./clock.ts";

/** Something that happened in a run. `about` holds what it concerns: ids of sessions, calls, keys, nodes. */
export interface Happening {
  readonly at: number;
  readonly what: string;
  readonly about: readonly string[];
  /** True where it is shown beside each broken case that is near in time. */
  readonly isFault: boolean;
}

/** The happenings of a run, in order, so that a broken case can be understood. */
export class Timeline {
  readonly beganAt = machineNow();
  readonly #happenings: Happening[] = [];
  readonly #print: ((line: string) => void) | null;

  /** `print` is called with each fault as it happens. */
  constructor(print: ((line: string) => void) | null = null) {
    this.#print = print;
  }

  note(what: string, about: readonly string[] = [], at = machineNow()): void {
    this.#happenings.push({ at, what, about, isFault: false });
  }

  fault(what: string, about: readonly string[] = []): void {
    const happening = { at: machineNow(), what, about, isFault: true };
    this.#happenings.push(happening);
    this.#print?.(this.line(happening));
  }

  /** Returns what concerns one of these, and the faults from half a minute before `at` to 15 s after it. */
  concerning(about: ReadonlySet<string>, at: number): readonly Happening[] {
    return this.#happenings
      .filter(
        (happening) =>
          happening.about.some((name) => about.has(name)) ||
          (happening.isFault && happening.at > at - 30_000 && happening.at < at + 15_000),
      )
      .toSorted((one, other) => one.at - other.at);
  }

  line({ at, what }: Pick<Happening, "at" | "what">): string {
    return `${this.seconds(at)}  ${what}`;
  }

  /** Seconds since the beginning of the run. */
  seconds(at: number): string {
    return ((at - this.beganAt) / 1_000).toFixed(2).padStart(8);
  }
}
