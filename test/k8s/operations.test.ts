import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { parse } from "yaml";
import { type Kustomization, render } from "../fixtures/k8s/kustomize.ts";
import { withKustomize } from "../fixtures/k8s/layers.ts";
import { type NetworkPolicy, type Resource, type ScaledObject, the } from "../fixtures/k8s/resources.ts";
import { validate } from "../fixtures/k8s/schemas.ts";

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
