/** How a sentence was understood. */
export interface Understood {
  /** Its words. */
  readonly words: number;
  /** Words that were left out, added, or taken for others. */
  readonly wrong: number;
}

const numbers = "zero one two three four five six seven eight nine ten eleven twelve".split(" ");

/** Compares what was heard with what was said, word by word. How words are written makes no difference. */
export function understood(said: string, heard: string): Understood {
  const [right, found] = [wordsOf(said), wordsOf(heard)];
  return { words: right.length, wrong: changesBetween(right, found) };
}

function wordsOf(text: string): string[] {
  const plain = text
    .toLowerCase()
    .replaceAll("’", "'")
    .replaceAll(/\b(what|how|who|it|that)'s\b/g, "$1 is")
    .replaceAll(/\bto-(day|morrow|night)\b/g, "to$1")
    .replaceAll(/\bgood-bye\b/g, "goodbye")
    .replaceAll(/\bmr\b/g, "mister")
    .replaceAll(/\d+/g, (digits) => numbers[Number(digits)] ?? digits);
  return plain.match(/[\p{L}\p{N}']+/gu) ?? [];
}

/** Returns the number of words to insert, remove or replace. */
function changesBetween(one: readonly string[], other: readonly string[]): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [index, word] of one.entries()) {
    const next = [index + 1];
    for (const [column, otherWord] of other.entries()) {
      const replaced = row[column]! + (word === otherWord ? 0 : 1);
      next.push(Math.min(replaced, row[column + 1]! + 1, next[column]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
