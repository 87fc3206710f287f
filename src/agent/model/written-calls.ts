/**
 * The ways in which models write a call as text in place of making it: Gemini as Python on its `default_api`, others
 * between tags.
 */
const openings = [
  "default_api.",
  "default_api:",
  "print(default_api",
  "print( default_api",
  "print (default_api",
  "tool_code\n",
  "tool_code\r\n",
  "tool_code print(",
  "<tool_code",
  "<tool_call",
  "<function_call",
  "<function=",
  "<invoke name=",
  "<|tool_call",
  "<|python_tag|>",
  "[TOOL_CALLS]",
  ...["```", "``` ", "```\n"].flatMap((fence) => ["tool_code", "tool_call"].map((tag) => fence + tag)),
  ...["```\n", "```python\n", "```py\n"].map((fence) => `${fence}print(default_api`),
  ...["```\n", "```python\n", "```py\n"].map((fence) => `${fence}default_api`),
];

/**
 * Keeps calls that a model writes as text out of its answer, while it is streamed: nobody wants to hear code, and nothing was
 * called. Text that may turn out to begin such a call is held until it is known.
 */
export class WrittenCalls {
  readonly #openings: readonly string[];
  #held = "";
  /** The last character that was given on. */
  #last = "";
  #found = false;

  /** @param functions Names of the functions that the model may call. */
  constructor(functions: Iterable<string>) {
    const names = [...functions];
    // A name such as `weather` may stand before a bracket in any sentence.
    const unlikeWords = names.filter((name) => /[_.\d]|[a-z][A-Z]/.test(name));
    this.#openings = [
      ...openings,
      ...unlikeWords.map((name) => `${name}(`),
      ...names.flatMap((name) => [
        `print(${name}(`,
        `call:${name}{`,
        ...['{"name": ', '{"name":', '{\n  "name": '].map((before) => `${before}"${name}"`),
      ]),
    ];
  }

  /** Returns whether a call has been found. Text behind it is dropped. */
  get found(): boolean {
    return this.#found;
  }

  /** Takes the next piece. Returns what may be said. */
  push(delta: string): string {
    if (this.#found) return "";
    const text = this.#held + delta;
    const begin = this.#callIn(text);
    if (begin >= 0) {
      this.#found = true;
      this.#held = "";
      return text.slice(0, begin);
    }
    const safe = this.#undecidedIn(text);
    this.#held = text.slice(safe);
    return this.#given(text.slice(0, safe));
  }

  /** Ends with the answer, and returns the text that was held: it is no call. */
  end(): string {
    const rest = this.#held;
    this.#held = "";
    return this.#given(rest);
  }

  #given(text: string): string {
    if (text !== "") this.#last = text.at(-1)!;
    return text;
  }

  #callIn(text: string): number {
    const places = this.#openings.flatMap((opening) => {
      for (let at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, at + 1)) {
        if (this.#beginsAt(text, at)) return [at];
      }
      return [];
    });
    return places.length === 0 ? -1 : Math.min(...places);
  }

  /** Returns the place from which on the text may be the beginning of a call, or half of a character. */
  #undecidedIn(text: string): number {
    const longest = Math.max(...this.#openings.map(({ length }) => length));
    for (let at = Math.max(0, text.length - longest); at < text.length; at++) {
      const tail = text.slice(at);
      if (!this.#beginsAt(text, at)) continue;
      if (this.#openings.some((opening) => opening.startsWith(tail))) return at;
    }
    return /[\uD800-\uDBFF]$/.test(text) ? text.length - 1 : text.length;
  }

  /**
   * Returns whether a call begins here, which is not within a word: `my_default_api.x` and `forget_it(` begin no call.
   */
  #beginsAt(text: string, at: number): boolean {
    const before = at === 0 ? this.#last : text[at - 1]!;
    return !/\w/.test(text[at]!) || !/[\w.]/.test(before);
  }
}
