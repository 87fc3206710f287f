type Change = string | readonly [from: number, to: number];

/** A text that is being changed, and still knows where each of its characters comes from. */
export class MappedText {
  #text: string;
  /** For each UTF-16 unit: how much of the source is over once it is. Never falls. */
  #ends: number[];

  constructor(source: string) {
    this.#text = source;
    this.#ends = Array.from({ length: source.length }, (_, index) => index + 1);
  }

  get text(): string {
    return this.#text;
  }

  get ends(): readonly number[] {
    return this.#ends;
  }

  /** Drops what matches, and passes the test if there is one. */
  drop(pattern: RegExp, test: (match: RegExpExecArray) => boolean = () => true): this {
    return this.#change(pattern, (match) =>
      test(match) ? "" : [match.index, match.index + match[0].length],
    );
  }

  /** Puts other text for what matches. */
  put(pattern: RegExp, text: string | ((match: RegExpExecArray) => string)): this {
    return this.#change(pattern, typeof text === "string" ? () => text : text);
  }

  /** Leaves of what matches only its first group. The pattern needs the flag `d`. */
  keep(pattern: RegExp): this {
    return this.#change(pattern, (match) => match.indices?.[1] ?? "");
  }

  #change(pattern: RegExp, by: (match: RegExpExecArray) => Change): this {
    const texts: string[] = [];
    const ends: number[] = [];
    let done = 0;
    const copy = (from: number, to: number) => {
      texts.push(this.#text.slice(from, to));
      for (let index = from; index < to; index++) ends.push(this.#ends[index]!);
    };
    for (const match of this.#text.matchAll(pattern)) {
      const until = match.index + match[0].length;
      copy(done, match.index);
      done = until;
      const change = by(match);
      if (typeof change !== "string") {
        copy(...change);
        continue;
      }
      texts.push(change);
      const end = this.#ends[until - 1] ?? 0;
      for (let index = 0; index < change.length; index++) ends.push(end);
    }
    if (done === 0) return this;
    copy(done, this.#text.length);
    this.#text = texts.join("");
    this.#ends = ends;
    return this;
  }
}
