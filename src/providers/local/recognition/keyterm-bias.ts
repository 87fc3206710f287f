import type { LlamaTokenizer } from "llama-tokenizer-js";

/** The places in the tree of terms that the text so far has reached. */
export type BiasState = readonly TokenTree[];

/** The tokens that may follow, each with those that may follow it. */
interface TokenTree extends Map<number, TokenTree> {}

/**
 * The bonus for a token that begins a term, and for one that continues it, in the logarithms that the model gives. A name that
 * is rare then wins over words that merely sound like it; with more, it would be heard in sound that is not like it.
 */
const firstBonus = 2;
const nextBonus = 4;

/** Makes names and words that are expected more likely than they are in the language. */
export class KeytermBias {
  readonly #root: TokenTree = new Map();

  constructor(tokenizer: LlamaTokenizer, terms: readonly string[]) {
    for (const term of terms.flatMap(spellings)) {
      let place = this.#root;
      for (const token of tokenizer.encode(term, false, true)) {
        const next: TokenTree = place.get(token) ?? new Map();
        place.set(token, next);
        place = next;
      }
    }
  }

  /** Changes what the model thinks of the next token. */
  apply(logits: Float32Array, state: BiasState): void {
    for (const token of this.#root.keys()) logits[token]! += firstBonus;
    for (const place of state) for (const token of place.keys()) logits[token]! += nextBonus;
  }

  /** Returns the places after this token. */
  advance(state: BiasState, token: number): BiasState {
    return [this.#root, ...state].flatMap((place) => {
      const next = place.get(token);
      return next !== undefined && next.size > 0 ? [next] : [];
    });
  }
}

const spellings = (term: string): string[] => {
  const trimmed = term.trim();
  return [...new Set([trimmed, `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}`])];
};
