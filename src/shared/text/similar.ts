/** The number of changes between two names that may be the same word, mistyped. */
const mostChanges = 3;
/** The shortest beginning of a name that identifies it, in letters. */
const shortestBeginning = 3;

/** Returns the known name that was probably meant; null where none is near. */
export function similar(name: string, known: Iterable<string>): string | null {
  const wanted = name.toLowerCase();
  let nearest: string | null = null;
  let least = mostChanges + 1;
  for (const one of known) {
    const changes = changesBetween(wanted, one.toLowerCase());
    // A name of which more than half differs is another word.
    if (changes >= least || changes > Math.max(name.length, one.length) / 2) continue;
    nearest = one;
    least = changes;
  }
  return nearest;
}

/**
 * Returns the end of a message about an unknown name; empty where no known name is near.
 * @param path The text before the names.
 */
export function didYouMean(name: string, known: Iterable<string>, path = ""): string {
  const nearest = similar(name, known);
  return nearest === null ? "" : `: did you mean ${path}${nearest}?`;
}

/**
 * Returns the number of letters to insert, remove or replace (Levenshtein). Where one name begins with the
 * other, that counts as one change.
 */
function changesBetween(one: string, other: string): number {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  if (short.length >= shortestBeginning && long.startsWith(short)) return short === long ? 0 : 1;
  let row = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = row[column - 1]! + (letter === other[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[column]! + 1, next[column - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
