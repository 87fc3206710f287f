import { now } from "../../shared/protocol.ts";

/**
 * Tells, once in each silence, that it has lasted for long: nobody speaks, the agent has said all, and somebody is there who
 * could answer. Participants who are seen in the call are there; those who only type are from their first message on.
 */
export class SilenceTimer {
  readonly #afterMs: number | null;
  readonly #tell: (silentMs: number, times: number) => void;
  readonly #typists = new Set<string>();
  /** The time since which the silence lasts, as epoch milliseconds. */
  #since: number | null = null;
  /** Silences that were told since a participant last said something. */
  #times = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param afterMs Null: it is never told. */
  constructor(afterMs: number | null, tell: (silentMs: number, times: number) => void) {
    this.#afterMs = afterMs;
    this.#tell = tell;
  }

  /** Takes in that a participant has said something. */
  broken(): void {
    this.#times = 0;
  }

  typed(participantId: string): void {
    this.#typists.add(participantId);
    this.broken();
  }

  left(participantId: string): void {
    this.#typists.delete(participantId);
  }

  /** Takes the present state. It is called whenever one of these may have changed. */
  update(quiet: boolean, accompanied: boolean): void {
    const somebody = accompanied || this.#typists.size > 0;
    if (!somebody) this.broken();
    const silent = quiet && somebody;
    if (this.#closed || this.#afterMs === null || silent === (this.#since !== null)) return;
    clearTimeout(this.#timer);
    this.#since = silent ? now() : null;
    if (silent) this.#timer = setTimeout(() => this.#lasts(), this.#afterMs).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #lasts(): void {
    if (this.#since === null) return;
    this.#times += 1;
    this.#tell(now() - this.#since, this.#times);
  }
}
