import { relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** A line of code that an error passed through. */
export interface ErrorLocation {
  /** The function at that location, where the stack names it, such as `createAgent`. */
  readonly name: string | undefined;
  readonly path: string;
  readonly line: number;
  /** The column; undefined where Node could not read the code, and reports the line alone. */
  readonly column: number | undefined;
}

/** The folders of Greenroom itself. The examples beside them count as a user's code. */
const root = resolve(import.meta.dirname, "../..");
const own = ["src", "workers", "node_modules"].map((folder) => `${root}${sep}${folder}${sep}`);

const frame = /^\s+at (?:async )?(?:(.*) \()?((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+)(?::(\d+))?\)?$/;
/** Matches the location that Node puts before an error in code that it cannot read. */
const unread = /^()((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+)$/;

/**
 * Returns the locations in the user's own code where an error was thrown, the innermost first, without those
 * of Node, Greenroom and packages. It is empty where none is known.
 */
export function placesIn(stack: string | undefined, most = 5): ErrorLocation[] {
  const locations: ErrorLocation[] = [];
  for (const text of stack?.split("\n") ?? []) {
    const [, name, file = "", line, column] = frame.exec(text) ?? unread.exec(text) ?? [];
    const path = line === undefined ? null : pathOf(file);
    if (path === null || !isUsers(path)) continue;
    locations.push({
      name: name || undefined,
      path,
      line: Number(line),
      column: column === undefined ? undefined : Number(column),
    });
    if (locations.length >= most) break;
  }
  return locations;
}

/** Returns a location as `agent.ts:6:25`, relative to the working directory where it is below that. */
export function placeText({ path, line, column }: ErrorLocation): string {
  return `${shownPath(path)}:${line}${column === undefined ? "" : `:${column}`}`;
}

/** Returns a path relative to the working directory, where it is below that. */
export function shownPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") || fromHere === "" ? path : fromHere;
}

/** Returns the innermost of {@link placesIn} as ` (at agent.ts:6:25)`; empty where none is known. */
export function inBrackets(stack: string | undefined): string {
  const [location] = placesIn(stack, 1);
  return location === undefined ? "" : ` (at ${placeText(location)})`;
}

function isUsers(path: string): boolean {
  return !own.some((folder) => path.startsWith(folder)) && !path.includes(`${sep}node_modules${sep}`);
}

function pathOf(file: string): string | null {
  if (!file.startsWith("file:")) return file;
  try {
    return fileURLToPath(file);
  } catch {
    return null;
  }
}
