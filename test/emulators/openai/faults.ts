/** A fault of one request. */
export type OpenaiFault =
  /** Refuses it, with the headers and the body of the service, or others. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly message?: string;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** The whole body; what is no string is sent as JSON. */
      readonly body?: unknown;
      readonly times?: number;
    }
  /** Closes the connection before anything is answered. */
  | { readonly kind: "reset"; readonly times?: number }
  /** Never answers. */
  | { readonly kind: "hang"; readonly times?: number }
  /** Closes the connection in the middle of the event behind so many. */
  | { readonly kind: "cut"; readonly afterEvents: number; readonly times?: number }
  /** Sends nothing more behind so many events. */
  | { readonly kind: "stall"; readonly afterEvents: number; readonly times?: number }
  /** Writes something that cannot be read behind so many events. */
  | { readonly kind: "garbage"; readonly afterEvents: number; readonly times?: number }
  /** Ends with an error behind so many events, in the form of one service or another. */
  | {
      readonly kind: "error_event";
      readonly afterEvents: number;
      readonly form: "event" | "named_event" | "printed" | "error_field" | "bare" | "text";
      readonly error?: object;
      readonly bytes?: number;
      readonly times?: number;
    }
  /** Writes so many bytes at a time. */
  | { readonly kind: "odd_chunks"; readonly bytes: number; readonly times?: number };

/** The faults of the next requests for an answer, in order. */
export class OpenaiFaults {
  readonly #next: OpenaiFault[] = [];

  add(...faults: readonly OpenaiFault[]): void {
    for (const fault of faults) this.#next.push(...Array.from({ length: fault.times ?? 1 }, () => fault));
  }

  take(): OpenaiFault | undefined {
    return this.#next.shift();
  }
}
