import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { ExecutionContext } from "ava";
import { ApiServer } from "../fixtures/k8s/api-server.ts";
import { render, renderOffered } from "../fixtures/k8s/kustomize.ts";
import { withKustomize } from "../fixtures/k8s/layers.ts";
import { type Deployment, the } from "../fixtures/k8s/resources.ts";
import { temporaryFolder } from "../fixtures/runner/child.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
/** The step that the page names before KEDA is switched on. */
const step = /^## Adopting KEDA$[\s\S]*?^```sh\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? "";

/** Makes a fleet of 7 replicas, as KEDA or a person set it, whose manifests said 3. */
async function fleetOfSeven(t: ExecutionContext) {
  const api = await ApiServer.open(t);
  const config = join(temporaryFolder(t), "kubeconfig");
  const cluster = { name: "test", cluster: { server: api.url } };
  const context = { name: "test", context: { cluster: "test", user: "" } };
  writeFileSync(
    config,
    JSON.stringify({ kind: "Config", clusters: [cluster], contexts: [context], "current-context": "test" }),
  );
  const home = temporaryFolder(t);
  const run = async (script: string, input = ""): Promise<void> => {
    const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: config };
    const child = spawn("sh", ["-e", "-c", script], { env });
    child.stdin.end(input);
    const [out, error, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number]>,
    ]);
    if (code !== 0) throw new Error(`${script}\n${out}\n${error}`);
  };
  const apply = (deployment: Deployment) =>
    run("kubectl apply --validate=false -f -", JSON.stringify(deployment));
  const without = the<Deployment>(await render("overlays/production"), "Deployment", "greenroom");
  await apply(without);
  const stored = api.deployment as { spec: { replicas?: number } };
  t.is(stored.spec.replicas, 3);
  stored.spec.replicas = 7;
  const { resources } = await renderOffered("overlays/production", "keda");
  const withKeda = the<Deployment>(resources, "Deployment", "greenroom");
  const replicas = () => (api.deployment as { spec: { replicas?: number } }).spec.replicas;
  return { api, run, apply, withKeda, replicas };
}

withKustomize(
  "KEDA's component takes the number away from a fleet that runs, if nothing else is done",
  async (t) => {
    const { api, apply, withKeda, replicas } = await fleetOfSeven(t);
    await apply(withKeda);
    t.like(api.patches.at(-1), { spec: { replicas: null } });
    t.is(replicas(), undefined, "for which Kubernetes sets 1");
  },
);

withKustomize(
  "after the step that the page names, it keeps the number, at this apply and the next",
  async (t) => {
    const { run, apply, withKeda, replicas } = await fleetOfSeven(t);
    t.regex(step, /view-last-applied/);
    await run(step);
    t.is(replicas(), 7);
    await apply(withKeda);
    t.is(replicas(), 7);
    await apply(withKeda);
    t.is(replicas(), 7);
  },
);
