import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { Child } from "./runner-fixtures/child.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** `<!-- path -->` before a block says which file it shows. */
const blocks = [...readme.matchAll(/<!-- (\S+) -->\n```\w+\n([\s\S]*?)```\n/g)];

test("every example that the README shows is the very file that tests run", (t) => {
  t.true(blocks.length >= 5);
  for (const [, path, shown] of blocks) t.is(shown, readFileSync(join(root, path!), "utf8"), path);
});

test("the tests of an agent, as the README shows them, pass, and end by themselves", async (t) => {
  const child = new Child(t, ["--test", join(root, "examples/agent.test.ts")]);
  const { code } = await child.exit;
  t.is(code, 0, child.stdout);
  t.regex(child.stdout, /^. pass 2$/m);
});

test("every file that the README links to is there", (t) => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path!);
  t.true(links.length >= 3);
  for (const path of links) t.true(existsSync(join(root, path)), path);
});
