import type { MarkupTokens } from "../markup-tokens.ts";

/** Text that is left out from its beginning on, as it comes. It remembers what it has seen. */
export interface Block {
  /** Returns how much of the text from `from` on belongs to the block, and whether the block ends there. */
  take(text: string, from: number): { readonly until: number; readonly ended: boolean };
}

/** A text that was rewritten. */
export interface Rewritten {
  readonly text: string;
  /** The length of the source that is over once each UTF-16 unit is. */
  readonly ends: readonly number[];
}

/** A span that was found: what stands in its place, or that it is the beginning of a block that is left out. */
export type Span =
  | { readonly length: number; readonly put: string | Rewritten }
  | { readonly length: number; readonly block: Block };

export interface SpanContext {
  /** True where nothing more will come: the rule has to decide. */
  readonly final: boolean;
  /** The tokens that stand for the markup that the voice performs. */
  readonly tokens: MarkupTokens;
  /** Applies all rules to a part of the span, such as the label of a link. */
  rewrite(text: string): Rewritten;
}

/**
 * Finds one kind of span. Its verdict on a place depends on the text alone: once it is not `more`, further text must not
 * change it. It may look back by 64 characters.
 */
export interface SpanRule {
  /** Source of a regular expression, which matches where a span may begin. */
  readonly start: string;
  /** `more`: that cannot be told yet; null: none begins here. */
  match(text: string, at: number, context: SpanContext): Span | "more" | null;
}

/** The length of the text behind that is kept for rules that look back, in UTF-16 units. */
const lookBack = 64;

/**
 * A word that goes on may become the name of a function or the beginning of an address. Not one in a capital: it begins a
 * sentence, and shows that the one before it is over.
 */
export const identifier = String.raw`[a-z_]\w{0,40}(?:\.\w{1,40}){0,4}`;
export const wordStart = String.raw`(?<![\p{L}\p{N}_])`;

/** Rules, and where one of them may begin: while more may come, and once nothing will. */
export interface CompiledRules {
  readonly rules: readonly SpanRule[];
  readonly place: RegExp;
  readonly finalPlace: RegExp;
}

export function compileRules(rules: readonly SpanRule[]): CompiledRules {
  const starts = rules.map(({ start }) => start).join("|") || "(?!)";
  return {
    rules,
    place: new RegExp(`${wordStart}${identifier}\\.?$|${starts}`, "gu"),
    finalPlace: new RegExp(starts, "gu"),
  };
}

const openWord = new RegExp(`${wordStart}${identifier}\\.?$`, "uy");

/** Rewrites a text while it is written: spans such as links become what is said of them, and are never cut. */
export class SpanRewriter {
  readonly #rules: CompiledRules;
  readonly #tokens: MarkupTokens;
  /** The last of what is done, and all that is not. */
  #text = "";
  /** The place in it where the rest begins. */
  #at = 0;
  /** The place in the source that corresponds to `#at`. */
  #offset = 0;
  #block: Block | null = null;
  #written: string[] = [];
  #ends: number[] = [];

  constructor(rules: CompiledRules, tokens: MarkupTokens) {
    this.#rules = rules;
    this.#tokens = tokens;
  }

  write(delta: string): void {
    this.#text += delta;
    this.#run(false);
    const spare = this.#at - lookBack;
    if (spare <= 0) return;
    this.#text = this.#text.slice(spare);
    this.#at = lookBack;
  }

  /** Ends the word at hand: what is written next begins another one. Returns whether nothing is held, such as a link that is open. */
  endWord(): boolean {
    if (this.#block !== null) return false;
    if (this.#at < this.#text.length && this.#wordGoesOn()) this.#run(true);
    return this.#at === this.#text.length;
  }

  /** Ends this text: the rest is decided on, and what is written after it begins anew. */
  end(): void {
    this.#run(true);
    this.#text = "";
    this.#at = 0;
    this.#block = null;
  }

  /** Returns the text that was rewritten since the last time. `ends` count from the beginning of all that was written. */
  take(): Rewritten {
    const taken = { text: this.#written.join(""), ends: this.#ends };
    this.#written = [];
    this.#ends = [];
    return taken;
  }

  #run(final: boolean): void {
    while (this.#at < this.#text.length) {
      if (this.#block !== null) {
        const { until, ended } = this.#block.take(this.#text, this.#at);
        this.#pass(until - this.#at);
        if (ended) this.#block = null;
        else if (final) this.#pass(this.#text.length - this.#at);
        else return;
        continue;
      }
      const pattern = final ? this.#rules.finalPlace : this.#rules.place;
      pattern.lastIndex = this.#at;
      const place = pattern.exec(this.#text)?.index;
      this.#copy((place ?? this.#text.length) - this.#at);
      if (place === undefined) return;
      const span = this.#spanHere(final);
      if (span === "more") return;
      if (span === null) this.#copy(1);
      else if ("block" in span) {
        this.#pass(span.length);
        this.#block = span.block;
      } else this.#put(span.length, span.put);
    }
  }

  #spanHere(final: boolean): Span | "more" | null {
    if (!final && this.#wordGoesOn()) return "more";
    const context: SpanContext = {
      final,
      tokens: this.#tokens,
      rewrite: (text) => this.#rewritten(text),
    };
    for (const rule of this.#rules.rules) {
      const span = rule.match(this.#text, this.#at, context);
      if (span === "more" ? !final : span !== null) return span;
    }
    return null;
  }

  #wordGoesOn(): boolean {
    openWord.lastIndex = this.#at;
    return openWord.test(this.#text);
  }

  #rewritten(text: string): Rewritten {
    const rewriter = new SpanRewriter(this.#rules, this.#tokens);
    rewriter.write(text);
    rewriter.end();
    return rewriter.take();
  }

  #copy(length: number): void {
    this.#written.push(this.#text.slice(this.#at, this.#at + length));
    for (let index = 1; index <= length; index++) this.#ends.push(this.#offset + index);
    this.#pass(length);
  }

  #put(length: number, put: string | Rewritten): void {
    const { text, ends } = typeof put === "string" ? { text: put, ends: [] } : put;
    this.#written.push(text);
    for (let index = 0; index < text.length; index++) {
      // With its last character all of the span is over.
      const end = index === text.length - 1 ? length : (ends[index] ?? 0);
      this.#ends.push(this.#offset + end);
    }
    this.#pass(length);
  }

  #pass(length: number): void {
    this.#at += length;
    this.#offset += length;
  }
}
