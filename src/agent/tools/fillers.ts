import { plainError } from "../../shared/errors.ts";
import type { Log } from "../log.ts";
import type { ToolCall } from "../model/message.ts";
import type { Filler } from "./functions.ts";
import type { Tools } from "./tools.ts";

const defaultAfterMs = 1_500;

/** Has words said while the functions of one round take long: those of the first function whose time is up, once a round. */
export class Fillers implements Disposable {
  readonly #timers = new Map<ToolCall, NodeJS.Timeout>();
  readonly #say: (text: string) => void;
  readonly #log: Log;
  #over = false;

  constructor(
    calls: readonly ToolCall[],
    { tools, log, say }: { readonly tools: Tools; readonly log: Log; readonly say: (text: string) => void },
  ) {
    this.#say = say;
    this.#log = log;
    for (const call of calls) {
      const filler = tools.functions.get(call.name)?.filler;
      if (filler === undefined) continue;
      const { afterMs = defaultAfterMs } = filler;
      this.#timers.set(
        call,
        setTimeout(() => void this.#fill(call, filler), afterMs),
      );
    }
  }

  /** Takes in that a function is done. */
  done(callId: string): void {
    for (const [call, timer] of this.#timers) {
      if (call.id !== callId) continue;
      clearTimeout(timer);
      this.#timers.delete(call);
    }
  }

  /** Has nothing more said. */
  [Symbol.dispose](): void {
    this.#over = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  async #fill(call: ToolCall, { say }: Filler): Promise<void> {
    try {
      const text = typeof say === "string" ? say : await say(call.arguments);
      if (this.#over || !this.#timers.has(call) || text.trim() === "") return;
      this[Symbol.dispose]();
      this.#say(text);
    } catch (error) {
      this.#log.warn(
        { event: "tool_filler_failed", tool: call.name, err: plainError(error) },
        "The words to say while a tool takes long could not be made",
      );
    }
  }
}
