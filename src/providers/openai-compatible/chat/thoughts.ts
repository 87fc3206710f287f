/** The names of the tags between which models write what they think, where their server leaves that in the text. */
const names = ["think", "thinking", "thought", "reasoning"];
const openings = names.map((name) => `<${name}>`);
const closings = names.map((name) => `</${name}>`);

/** Takes the thoughts of a model out of its text, while it is streamed: they are not to be heard. */
export class Thoughts {
  #inside: boolean;
  /** Text that may turn out to be the beginning of a tag, or half of a character. */
  #held = "";

  /** @param begun The text begins inside of a thought, whose opening tag the model was given. */
  constructor(begun = false) {
    this.#inside = begun;
  }

  /** Takes the next piece. Returns what is no thought. */
  push(delta: string): string {
    let text = this.#held + delta;
    this.#held = "";
    let heard = "";
    for (;;) {
      const found = firstOf(text, this.#inside ? closings : openings);
      if (found === null) break;
      if (!this.#inside) heard += text.slice(0, found.at);
      text = text.slice(found.at + found.tag.length);
      this.#inside = !this.#inside;
    }
    const safe = undecidedIn(text, this.#inside ? closings : openings);
    this.#held = text.slice(safe);
    return this.#inside ? heard : heard + text.slice(0, safe);
  }

  /** Ends with the answer, and returns the text that was held: it is no tag. */
  end(): string {
    const rest = this.#inside ? "" : this.#held;
    this.#held = "";
    return rest;
  }
}

function firstOf(
  text: string,
  tags: readonly string[],
): { readonly at: number; readonly tag: string } | null {
  let first: { readonly at: number; readonly tag: string } | null = null;
  for (const tag of tags) {
    const at = text.indexOf(tag);
    if (at >= 0 && (first === null || at < first.at)) first = { at, tag };
  }
  return first;
}

/** Returns the place from which on the text may be the beginning of a tag, or is half of a character. */
function undecidedIn(text: string, tags: readonly string[]): number {
  const at = text.lastIndexOf("<");
  if (at >= 0 && tags.some((tag) => tag.startsWith(text.slice(at)))) return at;
  return /[\uD800-\uDBFF]$/.test(text) ? text.length - 1 : text.length;
}
