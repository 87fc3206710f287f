import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { generated } from "../../scripts/reference.ts";
import { launcherTable } from "../../src/options/launcher.ts";
import { allOutsideOptions } from "../../src/options/outside.ts";
import { endReasons } from "../../src/shared/end-reasons.ts";

const root = join(import.meta.dirname, "../..");

for (const [path, text] of Object.entries(generated)) {
  test(`${path} tells what the tables hold: npm run docs makes it anew`, (t) => {
    t.is(readFileSync(join(root, path), "utf8"), text());
  });
}

test("the limit of an end reason is the name of an option", (t) => {
  const options = new Set(allOutsideOptions().map(({ key }) => key));
  const limits = Object.values(endReasons).flatMap(({ limit }) => limit ?? []);
  t.true(limits.length > 5);
  for (const limit of limits) t.true(options.has(limit) || limit in launcherTable, limit);
});
