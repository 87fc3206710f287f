import { createInterface } from "node:readline";
import { Lines } from "./lines.ts";
import { PlainPrintout } from "./printout.ts";
import type { Screen } from "./screen.ts";

/** A screen for pipes. */
export class PlainScreen extends PlainPrintout implements Screen {
  readonly interactive = false;
  readonly #input = createInterface({ input: process.stdin, terminal: false });
  readonly #lines = new Lines(this.#input);

  nextLine(): Promise<string | null> {
    return this.#lines.next();
  }

  close(): void {
    this.endWords();
    this.#lines.drop();
    this.#input.close();
    // A pipe whose writer keeps it open would keep the process running.
    process.stdin.destroy();
  }
}
