import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { generated } from "../../scripts/reference.ts";

const root = join(import.meta.dirname, "../..");

for (const [path, text] of Object.entries(generated)) {
  test(`${path} tells what the tables hold: npm run docs makes it anew`, (t) => {
    t.is(readFileSync(join(root, path), "utf8"), text());
  });
}
