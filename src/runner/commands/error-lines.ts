import { readFileSync, statSync } from "node:fs";
import { type ErrorLocation, placesIn, placeText, shownPath } from "../../shared/error-location.ts";

/** The longest piece of a line of code that is shown, in characters. */
const longestLine = 160;

/**
 * Returns the place in the user's code where an error was thrown, as the lines of a stack, with the code there and the
 * line before it, for a person at a terminal. It is empty where the stack leads to none of the user's code.
 */
export function errorLines(stack: string | undefined): string[] {
  const places = placesIn(stack);
  const calls = places.map((place) => {
    const text = placeText(place);
    return `    at ${place.name === undefined ? text : `${place.name} (${text})`}`;
  });
  return [...calls, ...(places[0] ? codeAt(places[0]) : [])];
}

/**
 * Returns the line of code at a place, and the one before it. It is empty where the file was changed since, or cannot
 * be read.
 */
function codeAt({ path, line, column }: ErrorLocation): string[] {
  const code = readLines(path);
  const [before, at] = [code[line - 2], code[line - 1]];
  if (at === undefined) return [];
  const width = String(line).length;
  const head = (number: number) => `      ${shownPath(path)}:${String(number).padEnd(width)}  `;
  const shown = (number: number, text: string) =>
    `${head(number)}${text.replaceAll("\t", " ").slice(0, longestLine).toWellFormed()}`;
  const caret =
    column === undefined || column > longestLine
      ? []
      : [" ".repeat(head(line).length + column - 1).concat("^")];
  return [...(before?.trim() ? [shown(line - 1, before)] : []), shown(line, at), ...caret];
}

/** The size of the largest file whose lines are shown, in bytes. */
const largestFile = 4 * 2 ** 20;

/**
 * Reads the lines of a file of code. A stack may come from a session thread, and name anything: only code is read, and
 * no device or pipe.
 */
function readLines(path: string): string[] {
  if (!/\.[cm]?[jt]sx?$/.test(path)) return [];
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size > largestFile) return [];
    return readFileSync(path, "utf8").split(/\r?\n/);
  } catch {
    return [];
  }
}
