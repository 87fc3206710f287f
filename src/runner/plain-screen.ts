import { createInterface } from "node:readline";
import { Lines } from "./lines.ts";
import type { Screen } from "./screen.ts";

/** For pipes: plain words on standard output, and nothing that moves. */
export class PlainScreen implements Screen {
  readonly interactive = false;
  readonly #input = createInterface({ input: process.stdin, terminal: false });
  readonly #lines = new Lines(this.#input);
  #speaking = false;

  words(piece: string): void {
    process.stdout.write(this.#speaking ? piece : `agent: ${piece}`);
    this.#speaking = true;
  }

  endWords(): void {
    if (this.#speaking) process.stdout.write("\n");
    this.#speaking = false;
  }

  line(text: string): void {
    this.endWords();
    process.stdout.write(`${text}\n`);
  }

  nextLine(): Promise<string | null> {
    return this.#lines.next();
  }

  close(): void {
    this.endWords();
    this.#lines.drop();
    this.#input.close();
    // A pipe that its writer keeps open would keep the process.
    process.stdin.destroy();
  }
}
