import { EventEmitter, once } from "node:events";
import { now } from "../../src/shared/protocol.ts";

/** A loopback server that speaks a provider's real protocol, with scripted content, delays and faults. */
export interface Emulator extends AsyncDisposable {
  /** The provider that it emulates, such as `gemini`. */
  readonly provider: string;
  /** The base URL on 127.0.0.1. */
  readonly url: string;
  /** The variables of the environment with which Greenroom's provider uses it. */
  readonly environment: Readonly<Record<string, string>>;
  /** The log of all that it received and sent, in order. */
  readonly log: WireLog;
  /** Closes every connection and the port. */
  close(): Promise<void>;
}

/**
 * Returns whether a key is accepted.
 * @param only The only valid key; null accepts every key that does not begin with `wrong`.
 */
export const isRightKey = (key: string, only: string | null): boolean =>
  only === null ? !key.startsWith("wrong") : key === only;

/** An entry of the log, about data that were received or sent. `at` is in epoch milliseconds, by the clock of protocol.ts. */
export interface WireEntry {
  readonly at: number;
  /** The kind of the entry, such as `request`, `close`, `audio`, `message`, `first_byte`. */
  readonly kind: string;
  readonly [detail: string]: unknown;
}

/** The log of an emulator; tests wait for entries instead of sleeping. */
export class WireLog {
  readonly entries: WireEntry[] = [];
  readonly #events = new EventEmitter({ captureRejections: true }).setMaxListeners(0);

  add(kind: string, details: Readonly<Record<string, unknown>> = {}): void {
    const entry = { at: now(), kind, ...details };
    this.entries.push(entry);
    this.#events.emit("entry", entry);
  }

  of(kind: string): readonly WireEntry[] {
    return this.entries.filter((entry) => entry.kind === kind);
  }

  /** The nth entry of a kind (from 1), past ones included; rejects after 30 s. */
  async seen(kind: string, count = 1): Promise<WireEntry> {
    const signal = AbortSignal.timeout(30_000);
    for (;;) {
      const entry = this.of(kind)[count - 1];
      if (entry) return entry;
      await once(this.#events, "entry", { signal });
    }
  }

  /** The first entry of a kind that is as asked, past ones included; rejects after 10 s. */
  async find(kind: string, asked: (entry: WireEntry) => boolean): Promise<WireEntry> {
    const signal = AbortSignal.timeout(10_000);
    for (;;) {
      const entry = this.of(kind).find(asked);
      if (entry) return entry;
      await once(this.#events, "entry", { signal });
    }
  }

  clear(): void {
    this.entries.length = 0;
  }
}
