/**
 * Puts files into the pages that show them, and makes the pages and tables that are derived from tables of the code:
 * `npm run docs`. A comment with a path above a block names its file. Tests compare all of them.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiReports } from "./api-report.ts";
import { pageTables } from "./reference/page-tables.ts";
import { generated } from "./reference.ts";

export const root = join(import.meta.dirname, "..");

/** The pages of the project, as paths from its root. */
export const pages: readonly string[] = globSync("{*.md,*/**/*.md}", { cwd: root })
  .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path))
  .toSorted();

/** Returns the text of a page with the files that it shows, and the tables that are derived from the code. */
export function filled(page: string): string {
  return page
    .replaceAll(
      /(<!-- (\S+) -->\n```\w+\n)[\s\S]*?(```\n)/g,
      (_, head: string, file: string, tail: string) =>
        `${head}${readFileSync(join(root, file), "utf8")}${tail}`,
    )
    .replaceAll(/(<!-- table (\S+) -->\n)(?:\|.*\n)*/g, (_, head: string, name: string) => {
      const table = pageTables[name];
      if (!table) throw new Error(`There is no table ${name}`);
      return `${head}${table()}\n`;
    });
}

if (import.meta.main) {
  for (const path of pages) {
    const text = readFileSync(join(root, path), "utf8");
    if (filled(text) !== text) writeFileSync(join(root, path), filled(text));
  }
  for (const [path, text] of Object.entries(generated)) writeFileSync(join(root, path), text());
  for (const { path, text, exported, hidden } of apiReports()) {
    writeFileSync(join(root, path), text);
    console.log(
      `${path}: ${exported.length} exports, and ${hidden.length} declarations that they name alone`,
    );
  }
}
