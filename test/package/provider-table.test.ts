import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { className } from "../../scripts/reference/page-tables.ts";
import { type ProviderRow, providers } from "../../src/shared/provider-table.ts";

const root = join(import.meta.dirname, "../..");
const rows = Object.entries<ProviderRow>(providers);

test("each provider has a row, a folder and a subpath of the package", (t) => {
  const folders = globSync("src/providers/*/index.ts", { cwd: root }).map((path) => path.split("/").at(-2)!);
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  t.deepEqual(folders.toSorted(), rows.map(([name]) => name).toSorted());
  for (const [name] of rows) t.is(exports[`./${name}`], `./src/providers/${name}/index.ts`);
});

for (const [name, { parts, leavesCalls }] of rows) {
  test(`${name} offers the parts of its row, and leaves calls for dead agents where the row says so`, async (t) => {
    const exported: object = await import(`../../src/providers/${name}/index.ts`);
    const offered = Object.values(className).filter((part) => part in exported);
    t.deepEqual(offered.toSorted(), parts.map((part) => className[part]).toSorted());
    t.is(existsSync(join(root, "src/providers", name, "leave-module.ts")), leavesCalls);
  });
}
