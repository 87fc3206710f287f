import type { Printout } from "./printout.ts";

/** The place where a conversation is typed and shown. */
export interface Screen extends Printout {
  /** True where a person types: lines may come while the agent speaks, and interrupt it. */
  readonly interactive: boolean;
  /** Resolves with the next line that was typed; null when there will be none. */
  nextLine(): Promise<string | null>;
  /** Stops reading: `nextLine` resolves null. */
  close(): void;
}
