/** The fault of a request for an answer. */
export type GeminiFault = {
  /** The number of requests that it concerns. Default 1. */
  readonly times?: number;
} & (
  | {
      /** The request is answered with an error. */
      readonly kind: "status";
      readonly status: number;
      readonly message?: string;
      /** The time to wait before the next try, as Google writes it: `7s`. */
      readonly retryDelay?: string;
    }
  /** The answer begins so much later, in milliseconds. */
  | { readonly kind: "slow_headers"; readonly ms: number }
  /** The request is never answered. */
  | { readonly kind: "hang" }
  /** The connection is closed without an answer. */
  | { readonly kind: "reset" }
  /** The connection is closed after so many chunks, in the middle of the next one. */
  | { readonly kind: "cut"; readonly afterChunks: number }
  /** Nothing more comes after so many chunks, and the connection stays open. */
  | { readonly kind: "stall"; readonly afterChunks: number }
  /** An error comes in place of a chunk after so many of them, in a response that began with 200. */
  | {
      readonly kind: "error_chunk";
      readonly afterChunks: number;
      readonly status: number;
      /** An event (the default), one that is printed over several lines, or bare JSON behind the last event, as an object or a list. */
      readonly form?: "event" | "printed" | "bare" | "list";
      /** Written in pieces of so many bytes. Default: in one. */
      readonly bytes?: number;
    }
  /** A chunk that is no JSON comes after so many others. */
  | { readonly kind: "garbage"; readonly afterChunks: number }
  /** The answer is written in pieces of so many bytes, wherever they end. */
  | { readonly kind: "odd_chunks"; readonly bytes: number }
);

/** Faults that wait for their requests, in order. */
export class GeminiFaults {
  readonly #waiting: { readonly fault: GeminiFault; left: number }[] = [];

  add(...faults: readonly GeminiFault[]): void {
    for (const fault of faults) this.#waiting.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  /** The fault of the next request. */
  take(): GeminiFault | undefined {
    const [next] = this.#waiting;
    if (next === undefined) return undefined;
    if (--next.left <= 0) this.#waiting.shift();
    return next.fault;
  }
}
