import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { parse } from "yaml";
import { ApiServer } from "../fixtures/k8s/api-server.ts";
import { type Kustomization, render, renderOffered } from "../fixtures/k8s/kustomize.ts";
import { withKustomize } from "../fixtures/k8s/layers.ts";
import {
  type Deployment,
  type NetworkPolicy,
  type Resource,
  type ScaledObject,
  the,
} from "../fixtures/k8s/resources.ts";
import { validate } from "../fixtures/k8s/schemas.ts";
import { temporaryFolder } from "../fixtures/runner/child.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
type Patches = NonNullable<Kustomization["patches"]>;

/** The patches that the page shows, by the comment that each begins with. */
const patches = new Map(
  [...page.matchAll(/^```yaml\n# (.*)\n([\s\S]*?)^```$/gm)].map(([, name, text]) => [
    name!.split(":")[0]!,
    parse(text!) as Patches,
  ]),
);

const offered = ["ingress", "keda", "prometheus-rule"];

/** Renders the production overlay with an Ingress, and with this patch of the page at the end of its patches. */
function patched(name: string): Promise<Resource[]> {
  const found = patches.get(name);
  if (!found) throw new Error(`The page has no patch ${name}`);
  return render("overlays/production", offered, { patches: found });
}

test("the page shows patches for networks and for Ingress controllers, and nothing else as YAML", (t) => {
  t.is(patches.size, [...page.matchAll(/^```yaml$/gm)].length);
  t.true(patches.size >= 9);
});

for (const name of patches.keys()) {
  withKustomize(
    `the documented patch changes what it names, as Kubernetes' schemas ask for: ${name}`,
    async (t) => {
      const before = await render("overlays/production", offered);
      const after = await patched(name);
      const texts = new Set(before.map((resource) => JSON.stringify(resource)));
      const changed = after.filter((resource) => !texts.has(JSON.stringify(resource)));
      t.is(changed.length, 1);
      for (const resource of changed) await validate(resource);
      t.regex(changed[0]?.kind ?? "", /^(NetworkPolicy|Ingress|ScaledObject)$/);
    },
  );
}

async function policyWith(name: string): Promise<NetworkPolicy["spec"]> {
  return the<NetworkPolicy>(await patched(name), "NetworkPolicy", "greenroom").spec;
}

withKustomize("what comes from nodes is let in to the server's port, beside what was before", async (t) => {
  const { ingress = [] } = await policyWith("from nodes");
  const [http] = ingress;
  t.deepEqual(http?.from, [{ namespaceSelector: {} }, { ipBlock: { cidr: "192.0.2.0/24" } }]);
  t.deepEqual(http?.ports, [{ protocol: "TCP", port: "http" }]);
  t.deepEqual(ingress[1]?.ports, [{ protocol: "TCP", port: "metrics" }], "which is not for nodes");
});

withKustomize(
  "a Prometheus of another namespace is let in in place of the one that is expected",
  async (t) => {
    const { ingress = [] } = await policyWith("Prometheus");
    const from = [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "observability" } } }];
    t.deepEqual(ingress[1]?.from as unknown, from);
  },
);

withKustomize("KEDA asks another Prometheus with all that it asks", async (t) => {
  const { spec } = the<ScaledObject>(await patched("Prometheus of KEDA"), "ScaledObject", "greenroom");
  t.is(spec.triggers.length, 2);
  for (const { metadata } of spec.triggers)
    t.is(metadata.serverAddress, "http://prometheus.observability.svc:9090");
});

withKustomize("DNS of OpenShift, and by address, is reached beside the one of before", async (t) => {
  const { egress: before = [] } = the<NetworkPolicy>(
    await render("overlays/production"),
    "NetworkPolicy",
    "greenroom",
  ).spec;
  for (const [name, port] of [
    ["DNS of OpenShift", 5_353],
    ["DNS by address", 53],
  ] as const) {
    const { egress = [] } = await policyWith(name);
    t.deepEqual(egress.slice(0, -1), before);
    t.deepEqual(
      egress.at(-1)?.ports?.map(({ protocol, port }) => `${protocol} ${port}`),
      [`UDP ${port}`, `TCP ${port}`],
    );
    t.is(egress.at(-1)?.to?.length, 1);
  }
});

withKustomize("no other controller's Ingress keeps annotations of ingress-nginx", async (t) => {
  for (const name of patches.keys()) {
    const { metadata } = the(await patched(name), "Ingress", "greenroom");
    const foreign = Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith("nginx.ingress."));
    const isOfIngress = /"kind":"Ingress"/.test(JSON.stringify(patches.get(name)));
    t.is(foreign.length > 0, !isOfIngress, name);
  }
});

test("links within the page, and from the manifests to its chapters, lead somewhere", (t) => {
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, text]) => text!);
  const anchors = new Set([
    ...headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(" ", "-")
        .replaceAll(/[^\w-]/g, ""),
    ),
    ...[...page.matchAll(/<a id="(\w+)">/g)].map(([, id]) => id!),
  ]);
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!);
  t.true(links.length > 3);
  for (const anchor of links) t.true(anchors.has(anchor), anchor);
});

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
