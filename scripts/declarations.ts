import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The pattern of an import or export of another file, in declarations as the compiler writes them. */
const relativeImport = /(["'])(\.\.?\/[^"'\n]+)\.ts\1/g;

/**
 * Makes declarations fit for the package. Imports name compiled files, which the compiler leaves as they were written.
 * Files that no entry leads to are removed, and with them the packages that only they name. Entries import the types of
 * Node, which a user's compiler does not look for by itself. Returns the paths of the files that are left.
 */
export function finishDeclarations(folder: string, entries: readonly string[]): string[] {
  const reached = new Set<string>();
  const queue = entries.map((entry) => join(folder, entry));
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const text = readFileSync(path, "utf8");
    for (const [, , file] of text.matchAll(relativeImport)) queue.push(join(dirname(path), `${file}.d.ts`));
    writeFileSync(path, text.replaceAll(relativeImport, "$1$2.js$1"));
  }
  for (const name of globSync("**/*.d.{ts,cts,mts}", { cwd: folder })) {
    if (!reached.has(join(folder, name))) rmSync(join(folder, name));
  }
  for (const entry of entries) {
    const path = join(folder, entry);
    writeFileSync(path, `/// <reference types="node" />\n${readFileSync(path, "utf8")}`);
  }
  return [...reached].toSorted();
}
