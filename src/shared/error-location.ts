import { relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** A line of code that an error passed through. */
export interface ErrorLocation {
  /** The function at that place, where the stack names it, such as `createAgent`. */
  readonly name: string | undefined;
  readonly path: string;
  readonly line: number;
  /** Undefined where Node could not read the code, and so tells the line alone. */
  readonly column: number | undefined;
}

/** The folders of Greenroom itself, beside which the examples lie, whose code is read as a user's. */
const root = resolve(import.meta.dirname, "../..");
const own = ["src", "workers", "node_modules"].map((folder) => `${root}${sep}${folder}${sep}`);

const frame = /^\s+at (?:async )?(?:(.*) \()?((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+)(?::(\d+))?\)?$/;
/** Node puts the place of what it cannot read in front of the error. */
const unread = /^()((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+)$/;

/**
 * Returns the places in the user's own code where an error was thrown: the innermost place of its stack first, without
 * those of Node, of Greenroom, and of packages. Empty where none is known.
 */
export function placesIn(stack: string | undefined, most = 5): ErrorLocation[] {
  const places: ErrorLocation[] = [];
  for (const text of stack?.split("\n") ?? []) {
    const [, name, file = "", line, column] = frame.exec(text) ?? unread.exec(text) ?? [];
    const path = line === undefined ? null : pathOf(file);
    if (path === null || !isUsers(path)) continue;
    places.push({
      name: name || undefined,
      path,
      line: Number(line),
      column: column === undefined ? undefined : Number(column),
    });
    if (places.length >= most) break;
  }
  return places;
}

/** A place as `agent.ts:6:25`, seen from the working directory where it is below that. */
export function placeText({ path, line, column }: ErrorLocation): string {
  return `${shownPath(path)}:${line}${column === undefined ? "" : `:${column}`}`;
}

/** A path as seen from the working directory, where it is below that. */
export function shownPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") || fromHere === "" ? path : fromHere;
}

/** The innermost of {@link placesIn}, as ` (at agent.ts:6:25)`; empty where none is known. */
export function inBrackets(stack: string | undefined): string {
  const [place] = placesIn(stack, 1);
  return place === undefined ? "" : ` (at ${placeText(place)})`;
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
