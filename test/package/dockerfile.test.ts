import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { readDockerfile, variablesOf, wordsOf } from "../fixtures/k8s/dockerfile.ts";

const project = join(import.meta.dirname, "../..");
const stages = readDockerfile(join(project, "Dockerfile"));
const final = stages.at(-1)!;

test("every stage is the Node of the lock file, slim, and the last one runs as a user who is not root", (t) => {
  const lock = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  const { version } = lock.packages["node_modules/node"];
  for (const { from } of stages) t.is(from, `node:${version}-slim`);
  const user = final.instructions.findLast(({ name }) => name === "USER")?.text;
  t.regex(user ?? "", /^[1-9]\d*:[1-9]\d*$/);
  const healthCheck = final.instructions.find(({ name }) => name === "HEALTHCHECK")?.text;
  t.regex(healthCheck ?? "", /CMD \[/);
  t.is(variablesOf(final).GREENROOM_HOST, "0.0.0.0");
  t.deepEqual(wordsOf(final, "ENTRYPOINT").slice(0, 3), ["tini", "-s", "--"]);
});
