import { createInterface, type Interface } from "node:readline";
import { Lines } from "./lines.ts";
import { paintFor } from "./paint.ts";
import type { Screen } from "./screen.ts";
import { wrap } from "./text-width.ts";

const agentPrefix = "agent › ";
const up = (rows: number): string => (rows > 0 ? `\u001b[${rows}A` : "");
/** The sequence that goes to the first column, and clears all from there on. */
const clearBelow = "\r\u001b[J";

/** Returns the number of columns to write in. The last column is left free: some terminals begin a new row after it. */
function widthOf({ columns }: NodeJS.WriteStream): number {
  // A terminal that does not know its width reports 0.
  return columns > 20 ? columns - 1 : 79;
}

/**
 * A screen on which the agent's words appear above the line that is being typed:
 *
 *   agent › It is 21 degrees in Par▮      ← the open row, written anew with each piece
 *   you › and tomor▮                      ← readline's
 */
export class TerminalScreen implements Screen {
  readonly interactive = true;
  readonly #paint = paintFor(process.stdout);
  readonly #input: Interface;
  readonly #lines: Lines;
  /** The last row of the agent's words, right above the prompt; null where another row is there. */
  #openRow: string | null = null;
  #closed = false;

  constructor(onInterrupt: () => void) {
    this.#input = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: this.#paint.bold("you › "),
    });
    this.#lines = new Lines(this.#input);
    // A line that was typed stands below the open row, which cannot be continued any more.
    this.#input.on("line", () => {
      this.#openRow = null;
      this.#input.prompt();
    });
    this.#input.on("SIGINT", onInterrupt);
    this.#input.on("close", () => {
      // The prompt is removed, and with it the characters that were typed and not sent.
      process.stdout.write(up(this.#input.getCursorPos().rows) + clearBelow);
      this.#closed = true;
    });
    this.#input.prompt();
  }

  words(piece: string): void {
    const rows = wrap((this.#openRow ?? agentPrefix) + piece, widthOf(process.stdout));
    this.#write(rows.map((row) => this.#coloured(row)).join("\n"), this.#openRow !== null);
    this.#openRow = rows.at(-1) ?? "";
  }

  endWords(): void {
    this.#openRow = null;
  }

  line(text: string): void {
    this.#openRow = null;
    this.#write(wrap(text, widthOf(process.stdout)).join("\n"), false);
  }

  /** Shows an address. The terminal breaks it, and recognises it as one address. */
  link(url: string): void {
    this.#openRow = null;
    this.#write(url, false);
  }

  nextLine(): Promise<string | null> {
    return this.#lines.next();
  }

  close(): void {
    this.#lines.drop();
    this.#input.close();
  }

  /** Writes rows above the prompt. With `replaced` they take the place of the row right above it. */
  #write(rows: string, replaced: boolean): void {
    if (this.#closed) {
      process.stdout.write(`${replaced ? up(1) + clearBelow : ""}${rows}\n`);
      return;
    }
    const { rows: cursorRow } = this.#input.getCursorPos();
    // readline goes up to where it assumes the prompt to be, which is wrong after a paste: empty rows correct that.
    const { prevRows = cursorRow } = this.#input as Interface & { readonly prevRows?: number };
    const lead = "\n".repeat(prevRows);
    process.stdout.write(`${up(cursorRow + (replaced ? 1 : 0))}${clearBelow}${rows}\n${lead}`);
    this.#input.prompt(true);
  }

  #coloured(row: string): string {
    if (!row.startsWith(agentPrefix)) return row;
    return this.#paint.green(agentPrefix) + row.slice(agentPrefix.length);
  }
}
