import { wordsInCommon } from "./words-in-common.ts";

/** A part of the text before a change, which stays. */
type Kept = readonly [from: number, to: number];
type Change = string | Kept;

/** A text that is being changed, and still knows where each of its characters comes from. */
export class MappedText {
  #text: string;
  /** The length of the source that is over once each UTF-16 unit is. It never falls. */
  #ends: readonly number[];

  /** @param ends For each UTF-16 unit: how much of the source is over once it is. Default: the text is the source. */
  constructor(text: string, ends?: readonly number[]) {
    this.#text = text;
    this.#ends = ends ?? Array.from({ length: text.length }, (_, index) => index + 1);
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

  /** Puts other text in place of what matches; null leaves a match as it is. */
  put(pattern: RegExp, text: string | ((match: RegExpExecArray) => string | null)): this {
    if (typeof text === "string") return this.#change(pattern, () => text);
    return this.#change(pattern, (match) => text(match) ?? [match.index, match.index + match[0].length]);
  }

  /** Leaves of what matches only its first group. The pattern needs the flag `d`. */
  keep(pattern: RegExp): this {
    return this.#change(pattern, (match) => match.indices?.[1] ?? "");
  }

  /** Puts another text in place of all of it. Words that both have in common keep their places. */
  become(text: string): this {
    if (text === this.#text) return this;
    const ends: number[] = [];
    let from = 0;
    let at = 0;
    for (const [old, next, length] of wordsInCommon(this.#text, text)) {
      this.#fill(ends, next - at, from, old);
      for (let index = 0; index < length; index++) ends.push(this.#ends[old + index]!);
      from = old + length;
      at = next + length;
    }
    this.#fill(ends, text.length - at, from, this.#text.length);
    this.#text = text;
    this.#ends = ends;
    return this;
  }

  /** Puts new characters in place of `from` to `to`. */
  #fill(ends: number[], count: number, from: number, to: number): void {
    fill(ends, count, to > from ? this.#ends[to - 1]! : (ends.at(-1) ?? 0));
  }

  #change(pattern: RegExp, by: (match: RegExpExecArray) => Change): this {
    pattern.lastIndex = 0;
    let match = pattern.exec(this.#text);
    // Most patterns find nothing in most sentences.
    if (match === null) return this;
    const texts: string[] = [];
    const ends: number[] = [];
    let done = 0;
    const copy = (from: number, to: number) => {
      texts.push(this.#text.slice(from, to));
      for (let index = from; index < to; index++) ends.push(this.#ends[index]!);
    };
    for (; match !== null; match = pattern.exec(this.#text)) {
      const until = match.index + match[0].length;
      copy(done, match.index);
      done = until;
      if (match[0] === "") pattern.lastIndex += 1;
      const change = by(match);
      if (typeof change !== "string") {
        copy(...change);
        continue;
      }
      texts.push(change);
      fill(ends, change.length, this.#ends[until - 1] ?? 0);
    }
    copy(done, this.#text.length);
    this.#text = texts.join("");
    this.#ends = ends;
    return this;
  }
}

/** Characters that stand for others: those are over with the last of them, and not before. */
function fill(ends: number[], count: number, end: number): void {
  const before = ends.at(-1) ?? 0;
  for (let index = 1; index <= count; index++) ends.push(index === count ? end : before);
}
