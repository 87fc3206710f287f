/** Characters that a model's tokens hold at the most, about, by script: words of other scripts are cut finer. */
const lengths: readonly (readonly [pattern: RegExp, length: number])[] = [
  [/^[A-Za-z]/, 6],
  [/^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u, 1],
  [/^[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Hangul}]/u, 2],
];

/** A text in pieces about as large as a model's tokens: estimated, since no model's own way is at hand. */
export function tokensOf(text: string): string[] {
  return (text.match(/\s*(?:[\p{L}\p{M}]+|\p{N}{1,3}|[^\p{L}\p{M}\p{N}\s])|\s+$/gu) ?? []).flatMap((word) => {
    const bare = word.trimStart();
    const length = lengths.find(([pattern]) => pattern.test(bare))?.[1] ?? 4;
    const parts = bare.match(new RegExp(`.{1,${length}}`, "gsu")) ?? [""];
    return [word.slice(0, word.length - bare.length) + parts[0], ...parts.slice(1)];
  });
}
