import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { parse } from "yaml";
import { isInstalled } from "../fixtures/is-installed.ts";
import { chart, helm, renderChart, type Values } from "../fixtures/k8s/helm.ts";
import { components, folder, noKustomize, render } from "../fixtures/k8s/kustomize.ts";
import { environmentOf, podOf, serverOf } from "../fixtures/k8s/layers.ts";
import { type Deployment, type NetworkPolicy, type Resource, the } from "../fixtures/k8s/resources.ts";
import { validate } from "../fixtures/k8s/schemas.ts";

/**
 * The reason why these tests cannot run; null where they can. Helm is in neither Debian nor npm: where it is missing,
 * they are not declared, and one test says so.
 */
const missing = isInstalled("helm") ? noKustomize() : "helm is not installed";
const withHelm = (title: string, run: (t: ExecutionContext) => Promise<void>) => {
  if (missing === null) test.serial(title, run);
};

const read = (name: string): string => readFileSync(join(chart, name), "utf8");
const templates = ["_helpers.tpl", "base.yaml", "deployment.yaml", "components.yaml"];
const values = parse(read("values.yaml")) as Record<string, unknown>;

test("the chart is of the package's version, and made from the manifests' own files", (t) => {
  if (missing !== null) t.log(`${missing}: the chart is not rendered`);
  const { version } = JSON.parse(readFileSync(join(folder, "../package.json"), "utf8"));
  const { version: chartVersion, appVersion } = parse(read("Chart.yaml"));
  t.deepEqual([chartVersion, appVersion], [version, version]);
  for (const [link, path] of [
    ["base", "base"],
    ["components", "components"],
    ["production", "overlays/production"],
  ] as const) {
    t.is(realpathSync(join(chart, link)), realpathSync(join(folder, path)));
  }
  const text = templates.map((name) => read(`templates/${name}`)).join("\n");
  const files = [...text.matchAll(/"((?:base|production)\/[\w.-]+|[a-z-]+\/[a-z-]+\.(?:yaml|json|cfg))"/g)];
  t.true(files.length > 12);
  for (const [, path] of files) {
    const own = /^(base|production|components)\//.test(path!) ? path! : `components/${path}`;
    t.true(read(own).length > 0, path);
  }
  for (const name of components)
    t.true(text.includes(`"${name}/`) || text.includes(`components/${name}/`), name);
});

test("every value that a template reads is there, and has its place in the schema", (t) => {
  const text = templates.map((name) => read(`templates/${name}`)).join("\n");
  const paths = new Set([...text.matchAll(/\.Values\.([\w.]+)/g)].map(([, path]) => path!));
  t.true(paths.size > 25);
  const { properties } = JSON.parse(read("values.schema.json")) as Schema;
  for (const path of paths) {
    const [first = "", second] = path.split(".");
    const value = values[first];
    t.true(first in values, path);
    t.truthy(properties[first], path);
    if (second === undefined) continue;
    t.true(second in (value as object), path);
    t.truthy(properties[first]?.properties?.[second], path);
  }
});

interface Schema {
  readonly properties: Readonly<Record<string, Partial<Schema>>>;
}

const switches = Object.entries(values)
  .filter(([name, value]) => name !== "networkPolicy" && "enabled" in Object(value))
  .map(([name]) => name);
const everything: Values = Object.fromEntries(switches.map((name) => [`${name}.enabled`, true]));

interface Named {
  readonly name: string;
}

/** Returns resources by kind and name, without what kustomize and Helm do each in its own way. */
function comparable(resources: readonly Resource[]): Record<string, unknown> {
  const plain = (name: string) =>
    name.replace(/^(greenroom(?:-haproxy|-defaults)?)-(?:[bcdfghkmt2456789]{10}|[0-9a-f]{10})$/, "$1");
  const text = JSON.stringify(
    resources.filter(({ kind }) => kind !== "Namespace"),
    (key, value) => {
      // The release's namespace is where Helm puts what names none.
      if (key === "namespace" || key === "checksum/settings") return undefined;
      if (key === "annotations" && Object.keys(value).every((name) => name === "checksum/settings"))
        return undefined;
      // Volumes and their mounts are in no order.
      if (key === "volumes" || key === "volumeMounts")
        return value.toSorted((one: Named, other: Named) => one.name.localeCompare(other.name));
      return typeof value === "string" ? plain(value).replaceAll(/\s+/g, " ").trimEnd() : value;
    },
  );
  const parsed = JSON.parse(text) as Resource[];
  return Object.fromEntries(
    parsed.map((resource) => [`${resource.kind} ${resource.metadata.name}`, resource]),
  );
}

withHelm("the chart makes what kustomize makes of the production overlay", async (t) => {
  t.deepEqual(comparable(await renderChart()), comparable(await render("overlays/production")));
});

withHelm("with everything switched on too, and one after another", async (t) => {
  t.timeout(120_000);
  t.is(switches.length, components.length);
  t.deepEqual(
    comparable(await renderChart(everything)),
    comparable(await render("overlays/production", components)),
  );
  for (const name of switches) {
    const component = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    t.deepEqual(
      comparable(await renderChart({ [`${name}.enabled`]: true })),
      comparable(await render("overlays/production", [component])),
      name,
    );
  }
});

withHelm("every resource is what Kubernetes' schemas ask for, with every value changed", async (t) => {
  const resources = await renderChart({ ...everything, ...changed });
  for (const resource of resources) await validate(resource);
  t.true(resources.length > 20);
});

const changed: Values = {
  "image.repository": "registry.test/agent",
  "image.tag": "7",
  imagePullSecrets: [{ name: "registry" }],
  replicas: 5,
  "resources.requests.cpu": "4",
  terminationGracePeriodSeconds: 7200,
  settings: {
    GREENROOM_DRAIN_TIMEOUT_MS: 7_000_000,
    GREENROOM_REQUIRE_PEERS: false,
    GREENROOM_LOG_LEVEL: "warn",
  },
  "secrets.name": "of-the-vault",
  "secrets.apiKeys": "",
  nodeSelector: { pool: "agents" },
  tolerations: [{ key: "agents", operator: "Exists" }],
  "networkPolicy.from": [{ ipBlock: { cidr: "192.0.2.0/24" } }],
  "networkPolicy.egress": [
    { to: [{ ipBlock: { cidr: "198.51.100.10/32" } }], ports: [{ protocol: "UDP", port: 53 }] },
  ],
  "networkPolicy.monitoring": "observability",
  "ingress.annotations": { "nginx.org/proxy-buffering": "False" },
  "ingress.service": "greenroom-dispatcher",
  "gateway.service": "greenroom-dispatcher",
  "haproxy.behindProxy": true,
  clusterDomain: "cluster.test",
  trustedProxies: 2,
  "prometheusRule.runbookUrl": "https://wiki.test/greenroom",
};

withHelm("values take the place of what the files say", async (t) => {
  const resources = await renderChart({ "haproxy.enabled": true, "ingress.enabled": true, ...changed });
  const { spec } = the<Deployment>(resources, "Deployment", "greenroom");
  const pod = podOf(resources);
  t.is(spec.replicas, 5);
  t.is(serverOf(resources).image, "registry.test/agent:7");
  t.is(serverOf(resources).resources.requests.cpu, "4");
  t.is(pod.terminationGracePeriodSeconds, 7_200);
  t.like(pod, { nodeSelector: { pool: "agents" }, imagePullSecrets: [{ name: "registry" }] });
  t.deepEqual(pod.volumes?.map(({ name }) => name).sort(), ["secrets", "tmp"]);
  t.is(pod.volumes?.find(({ projected }) => projected)?.projected?.sources[1]?.secret?.name, "of-the-vault");
  t.like(environmentOf(resources), {
    GREENROOM_DRAIN_TIMEOUT_MS: "7000000",
    GREENROOM_REQUIRE_PEERS: "false",
    GREENROOM_TRUSTED_PROXY_COUNT: "2",
    GREENROOM_API_KEYS_FILE: undefined,
    GREENROOM_PORT: "8080",
  });
  const { ingress = [], egress = [] } = the<NetworkPolicy>(resources, "NetworkPolicy", "greenroom").spec;
  t.deepEqual(ingress[0]?.from?.at(-1), { ipBlock: { cidr: "192.0.2.0/24" } });
  t.regex(JSON.stringify(ingress[1]), /observability/);
  t.is(egress.at(-1)?.ports?.[0]?.port, 53);
  const door = the(resources, "Ingress", "greenroom");
  t.deepEqual(door.metadata.annotations, { "nginx.org/proxy-buffering": "False" });
  t.regex(JSON.stringify(door), /"service":\{"name":"greenroom-dispatcher"/);
  const haproxy = the(resources, "ConfigMap", "greenroom-haproxy-").data?.["haproxy.cfg"] ?? "";
  t.notRegex(haproxy, /del-header/);
  t.regex(haproxy, /monitor fail/);
  t.is(haproxy.match(/\.greenroom\.svc\.cluster\.test/g)?.length, 4);
});

withHelm("a change of settings is rolled out, and another namespace is named everywhere", async (t) => {
  const sumOf = async (settings: object) => {
    const { spec } = the<Deployment>(await renderChart({ settings }), "Deployment", "greenroom");
    return spec.template.metadata.annotations?.["checksum/settings"];
  };
  t.regex((await sumOf({})) ?? "", /^[0-9a-f]{64}$/);
  t.not(await sumOf({}), await sumOf({ GREENROOM_LOG_LEVEL: "warn" }));
  const resources = await renderChart(everything, "agents");
  for (const { kind, metadata } of resources)
    t.true([undefined, "agents"].includes(metadata.namespace), `${kind} ${metadata.name}`);
  const text = JSON.stringify(resources);
  t.regex(text, /greenroom-peers\.agents\.svc/);
  t.notRegex(text, /\.greenroom\.svc|namespace=\\+"greenroom/);
});

withHelm("it passes Helm's own check, and refuses values that it does not know", async (t) => {
  t.regex(await helm("lint", "--strict", chart), /0 chart\(s\) failed/);
  await t.throwsAsync(renderChart({ "image.repo": "x" }), { message: /repo/ });
  await t.throwsAsync(renderChart({ replica: 2 }), { message: /replica/ });
  await t.throwsAsync(renderChart({ "ingress.service": "other" }), { message: /service/ });
});
