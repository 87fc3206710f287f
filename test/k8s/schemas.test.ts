import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import {
  combinations,
  noKustomize,
  readResources,
  render,
  renderOffered,
} from "../fixtures/k8s/kustomize.ts";
import type { Resource } from "../fixtures/k8s/resources.ts";
import { moduleOf, validate } from "../fixtures/k8s/schemas.ts";
import { unless } from "../fixtures/needs.ts";

const execute = promisify(execFile);
const withKustomize = unless(noKustomize(), test.serial);

/** The resources that were checked, each of them once. */
const seen = new Map<string, Resource>();

async function check(resources: readonly Resource[]): Promise<void> {
  const names = resources.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  if (new Set(names).size < names.length) throw new Error(`A name is there twice: ${names.join(", ")}`);
  for (const resource of resources) {
    const text = JSON.stringify(resource);
    if (seen.has(text)) continue;
    seen.set(text, resource);
    await validate(resource).catch((error: Error) => {
      throw new Error(`${resource.kind} ${resource.metadata.name}: ${error.message}`);
    });
  }
}

for (const { layer, added } of combinations()) {
  withKustomize(`${[layer, ...added].join(" + ")} is what Kubernetes' schemas ask for`, async (t) => {
    const resources = await render(layer, added);
    await check(resources);
    t.true(resources.length >= 8);
  });
}

withKustomize("so is the production overlay with all that it offers", async (t) => {
  const { offered, resources } = await renderOffered("overlays/production");
  t.is(offered.length, 7);
  const { resources: plain } = await renderOffered("overlays/production", "none");
  for (const only of offered) {
    const { resources: more } = await renderOffered("overlays/production", only);
    t.notDeepEqual(more, plain, only);
  }
  await check(resources);
  t.true(resources.length >= 15);
});

withKustomize("so are the example's Secrets", async (t) => {
  await check(readResources("secrets.example.yaml"));
  t.pass();
});

withKustomize("a field that is wrong or missing is found", async (t) => {
  const [resource] = (await render("base")).filter(({ kind }) => kind === "Deployment");
  const text = JSON.stringify(resource);
  for (const [right, wrong] of [
    ['"replicas":3', '"replicas":"three"'],
    ['"containers":', '"container":'],
    ['"maxSkew":1,', ""],
  ] as const) {
    t.true(text.includes(right), right);
    await t.throwsAsync(validate(JSON.parse(text.replaceAll(right, wrong))), undefined, wrong);
  }
});

/**
 * Checks the fields of resources by types: schemas let pass fields that they do not know, and the API server drops
 * them.
 */
withKustomize("no resource has a field that Kubernetes does not know", async (t) => {
  t.timeout(120_000);
  const folder = mkdtempSync(join(import.meta.dirname, "../fixtures/written-k8s-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const write = (name: string, resource: Resource) => {
    const type = `import type { I${resource.kind} } from ${JSON.stringify(moduleOf(resource))};`;
    const value = `export const resource: I${resource.kind} = ${JSON.stringify(resource, null, 1)};`;
    writeFileSync(join(folder, `${name}.ts`), `${type}\n${value}\n`);
  };
  const resources = [...seen.values()];
  t.true(resources.length >= 20);
  for (const [index, resource] of resources.entries()) write(`resource-${index}`, resource);
  // What must be found, so that finding nothing says something.
  const [deployment] = resources.filter(({ kind }) => kind === "Deployment");
  write(
    "misspelt",
    JSON.parse(JSON.stringify(deployment).replace('"failureThreshold"', '"failureTreshold"')),
  );
  const compilerOptions = {
    module: "nodenext",
    target: "esnext",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const compiler = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
  const args = [compiler, "--project", folder, "--pretty", "false"];
  const { stdout } = await execute(process.execPath, args).catch((error: { stdout: string }) => error);
  const complaints = stdout.split("\n").filter((line) => /^\S+\(\d+,\d+\): error/.test(line));
  t.is(complaints.length, 1, stdout);
  t.regex(complaints[0] ?? "", /misspelt\.ts.*failureTreshold/);
});
