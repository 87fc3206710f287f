import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { apiReports } from "../../scripts/api-report.ts";

const root = join(import.meta.dirname, "../..");
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

test("everything that is exported says what it is", (t) => {
  for (const { path, undocumented } of reports) t.deepEqual(undocumented, [], path);
});
