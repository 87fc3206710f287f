import type { ServerLog, SnakeCase } from "../../log/log.ts";
import type { LogEvent } from "../../log/log-events.ts";
import { paintFor } from "./paint.ts";

type Tone = "info" | "ready" | "warn" | "error";

/**
 * Reports the state of the server to the operator: as sentences where standard error is a terminal, and as a log line
 * where log lines go elsewhere.
 */
export class Announcer {
  readonly #log: ServerLog;
  readonly #paint = paintFor(process.stderr);
  readonly #speaks = process.stderr.isTTY === true;
  readonly #logs = !(process.stderr.isTTY && process.stdout.isTTY);

  constructor(log: ServerLog) {
    this.#log = log;
  }

  say<Fields extends { readonly event: LogEvent }>(
    tone: Tone,
    text: string,
    fields: Fields & SnakeCase<Fields>,
  ): void {
    const line: { readonly event: LogEvent } = fields;
    if (this.#speaks) process.stderr.write(`${this.#colour(tone, text)}\n`);
    if (this.#logs) this.#log[tone === "ready" ? "info" : tone](line, text);
  }

  #colour(tone: Tone, text: string): string {
    const { bold, dim, yellow, red } = this.#paint;
    const colours = { info: dim, ready: bold, warn: yellow, error: red };
    return colours[tone](text);
  }
}
