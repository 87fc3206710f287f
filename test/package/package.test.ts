import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { apiReports } from "../../scripts/api-report.ts";
import { className } from "../../scripts/reference/page-tables.ts";
import { type ProviderRow, providers } from "../../src/shared/providers/provider-table.ts";
import { root } from "../fixtures/build.ts";
import { readDockerfile, variablesOf, wordsOf } from "../fixtures/k8s/dockerfile.ts";

test("the README shows that very file", (t) => {
  t.true(
    readFileSync(join(root, "README.md"), "utf8").includes(
      readFileSync(join(root, "examples/agent.ts"), "utf8"),
    ),
  );
});

const reports = apiReports();

for (const { path, text } of reports) {
  test(`${path} is what the compiler says: npm run docs makes it anew, and its diff is the change for users`, (t) => {
    t.is(text, readFileSync(join(root, path), "utf8"));
  });
}

test("the contract shows nothing of the server's inside", (t) => {
  for (const { path, hidden } of reports) {
    const inside = hidden.filter((name) =>
      /^src\/(supervisor|runner|metrics|control-plane|registry)\//.test(name),
    );
    t.deepEqual(inside, [], path);
  }
});

/** The subpaths whose classes have not got an interface for users. */
const classes = ["api-report/browser.d.ts", "api-report/client.d.ts", "api-report/local.d.ts"];

test("users see interfaces, without the private members of the classes behind them", (t) => {
  for (const { path, text } of reports) {
    if (!classes.includes(path)) t.notRegex(text, /#private|\b(private|protected) /, path);
  }
});

test("everything that is exported says what it is", (t) => {
  for (const { path, undocumented } of reports) t.deepEqual(undocumented, [], path);
});

const stages = readDockerfile(join(root, "Dockerfile"));
const final = stages.at(-1)!;

test("every stage is the Node of the lock file, slim, and the last one runs as a user who is not root", (t) => {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const { version } = lock.packages["node_modules/node"];
  for (const { from } of stages) t.is(from, `node:${version}-slim`);
  const user = final.instructions.findLast(({ name }) => name === "USER")?.text;
  t.regex(user ?? "", /^[1-9]\d*:[1-9]\d*$/);
  const healthCheck = final.instructions.find(({ name }) => name === "HEALTHCHECK")?.text;
  t.regex(healthCheck ?? "", /CMD \[/);
  t.is(variablesOf(final).GREENROOM_HOST, "0.0.0.0");
  t.deepEqual(wordsOf(final, "ENTRYPOINT").slice(0, 3), ["tini", "-s", "--"]);
});

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
