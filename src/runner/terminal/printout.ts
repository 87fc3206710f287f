/** The place where a conversation is shown. */
export interface Printout {
  /** Shows further words of the agent. */
  words(piece: string): void;
  /** Ends the words of the agent, since it has said everything. */
  endWords(): void;
  /** Shows a line of its own. */
  line(text: string): void;
  /** Shows an address, in one piece however long it is. */
  link(url: string): void;
}

/** A printout of plain words on standard output, without redrawing. */
export class PlainPrintout implements Printout {
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

  link(url: string): void {
    this.line(url);
  }
}
