import { createInterface, type Interface } from "node:readline";
import { Lines } from "./lines.ts";
import { paintFor } from "./paint.ts";
import type { Screen } from "./screen.ts";
import { wrap } from "./text-width.ts";

const agentPrefix = "agent › ";
const up = (rows: number): string => (rows > 0 ? `\u001b[${rows}A` : "");
/** The sequence that goes to the first column, and clears all from there on. */
const clearBelow = "\r\u001b[J";

/** Columns to write in: a row that fills the last one is a row more in some terminals. */
function widthOf({ columns }: NodeJS.WriteStream): number {
  // A terminal that does not know its width says 0.
  return columns > 20 ? columns - 1 : 79;
}

/**
 * The agent's words stream in above the line that is being typed:
 *
 *   agent › It is 21 degrees in Par▮      ← the open row, written anew with each piece
 *   you › and tomor▮                      ← readline's
 */
export class TerminalScreen implements Screen {
  readonly interactive = true;
  readonly #paint = paintFor(process.stdout);
  readonly #input: Interface;
  readonly #lines: Lines;
  /** The last row of what the agent says, right above the prompt; null where that row is somebody else's. */
  #openRow: string | null = null;
  #closed = false;

  constructor(onInterrupt: () => void) {
    this.#input = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: this.#paint.bold("you › "),
    });
    this.#lines = new Lines(this.#input);
    // Whatever was open is followed by what was typed.
    this.#input.on("line", () => {
      this.#openRow = null;
      this.#input.prompt();
    });
    this.#input.on("SIGINT", onInterrupt);
    this.#input.on("close", () => {
      // The prompt goes, and with it what was typed and not sent.
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

  /** The terminal breaks it, and knows that it is one. */
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

  /** Writes rows above the prompt, in the place of the one right above it where that is to be `replaced`. */
  #write(rows: string, replaced: boolean): void {
    if (this.#closed) {
      process.stdout.write(`${replaced ? up(1) + clearBelow : ""}${rows}\n`);
      return;
    }
    const { rows: cursorRow } = this.#input.getCursorPos();
    // readline goes up to where it believes the prompt began, which is not so after a paste: empty rows lead it there.
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
