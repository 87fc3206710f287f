/** A run that two texts have in common: where it begins in the first and in the second, and its length in UTF-16 units. */
export type CommonRun = readonly [first: number, second: number, length: number];

interface Word {
  readonly text: string;
  readonly at: number;
}

/** The most comparisons that are worth their time: beyond them, what lies between common ends counts as one change. */
const mostComparisons = 250_000;

/** Returns the words, spaces and signs that two texts have in common, in order: the longest such list. */
export function wordsInCommon(first: string, second: string): CommonRun[] {
  const a = wordsOf(first);
  const b = wordsOf(second);
  let begin = 0;
  while (begin < a.length && begin < b.length && a[begin]!.text === b[begin]!.text) begin += 1;
  let end = 0;
  const most = Math.min(a.length, b.length) - begin;
  while (end < most && a[a.length - 1 - end]!.text === b[b.length - 1 - end]!.text) end += 1;
  const middle = longest(a.slice(begin, a.length - end), b.slice(begin, b.length - end));
  const pairs: [Word, Word][] = [
    ...a.slice(0, begin).map((word, index): [Word, Word] => [word, b[index]!]),
    ...middle,
    ...a.slice(a.length - end).map((word, index): [Word, Word] => [word, b[b.length - end + index]!]),
  ];
  return pairs.map(([one, other]) => [one.at, other.at, one.text.length]);
}

const wordsOf = (text: string): Word[] =>
  [...text.matchAll(/[\p{L}\p{M}\p{N}]+|\s+|./gsu)].map((match) => ({ text: match[0], at: match.index }));

/** Returns the longest common subsequence. */
function longest(a: readonly Word[], b: readonly Word[]): [Word, Word][] {
  if (a.length === 0 || b.length === 0 || a.length * b.length > mostComparisons) return [];
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i]!.text === b[j]!.text
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const pairs: [Word, Word][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i]!.text === b[j]!.text) pairs.push([a[i++]!, b[j++]!]);
    else if (lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!) i += 1;
    else j += 1;
  }
  return pairs;
}
