/** Puts the files that the README shows into it: `npm run readme`. A test holds the two together. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const path = join(root, "README.md");
const shown = /(<!-- (\S+) -->\n```\w+\n)[\s\S]*?(```\n)/g;
const readme = readFileSync(path, "utf8").replaceAll(
  shown,
  (_, head: string, file: string, tail: string) => `${head}${readFileSync(join(root, file), "utf8")}${tail}`,
);
writeFileSync(path, readme);
