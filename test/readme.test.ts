import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** `<!-- path -->` before a block says which file it shows. */
const blocks = [...readme.matchAll(/<!-- (\S+) -->\n```\w+\n([\s\S]*?)```\n/g)];

test("every example that the README shows is the very file that tests run", (t) => {
  t.true(blocks.length >= 5);
  for (const [, path, shown] of blocks) t.is(shown, readFileSync(join(root, path!), "utf8"), path);
});

test("every file that the README links to is there", (t) => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path!);
  t.true(links.length >= 3);
  for (const path of links) t.true(existsSync(join(root, path)), path);
});
