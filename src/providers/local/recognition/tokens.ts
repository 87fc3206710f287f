import type { LlamaTokenizer } from "llama-tokenizer-js";

/** The tokens with which a text begins and ends. */
export const startToken = 1;
export const endToken = 2;

let loading: Promise<LlamaTokenizer> | undefined;

/** Loads the tokens of the model, once a thread: those of LLaMA, which the model's decoder was made with. */
export function loadTokens(): Promise<LlamaTokenizer> {
  loading ??= import("llama-tokenizer-js").then((module) => module.default);
  return loading;
}

/** Returns the text of tokens. Those beyond the words of the model stand for nothing that is spoken. */
export function textOf(tokenizer: LlamaTokenizer, tokens: readonly number[]): string {
  const known = tokens.filter((token) => token < tokenizer.vocabById.length);
  return tokenizer.decode([startToken, ...known]).trim();
}
