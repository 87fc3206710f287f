import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import test from "ava";
import { optionsOf, readerOfOption, variableOf } from "../../src/options/outside.ts";
import type { Environment } from "../../src/runner/options/environment.ts";
import { warningsOf } from "../../src/runner/options/unknown-variables.ts";
import { providers } from "../../src/shared/providers/provider-table.ts";
import { folder, readResources, sources } from "../fixtures/k8s/kustomize.ts";
import { alone, each, environmentOf, podOf, serverOf, whole } from "../fixtures/k8s/layers.ts";
import {
  type Deployment,
  type DisruptionBudget,
  type NetworkPolicy,
  ofKind,
  type Resource,
  type ScaledObject,
  type Service,
  selects,
  the,
} from "../fixtures/k8s/resources.ts";

/** Names that have to be the same in two places, which no schema can see. */
each("selectors find pods, and Services find ports", whole, (t, resources) => {
  const deployments = ofKind<Deployment>(resources, "Deployment");
  const pods = (selector: Parameters<typeof selects>[0]) =>
    deployments.filter(({ spec }) => selects(selector, spec.template.metadata.labels));
  for (const { metadata, spec } of deployments) {
    const names = pods(spec.selector).map((found) => found.metadata.name);
    t.deepEqual(names, [metadata.name], "a selector finds its own pods, and no others");
    for (const { labelSelector } of spec.template.spec.topologySpreadConstraints ?? []) {
      t.is(pods(labelSelector).length, 1);
    }
  }
  for (const { metadata, spec } of ofKind<Service>(resources, "Service")) {
    const [deployment, ...others] = pods({ matchLabels: spec.selector });
    t.is(others.length, 0, metadata.name);
    const ports = deployment?.spec.template.spec.containers.flatMap(({ ports = [] }) => ports) ?? [];
    for (const { targetPort } of spec.ports) {
      t.true(
        ports.some(({ name }) => name === targetPort),
        `${metadata.name}: ${targetPort}`,
      );
    }
  }
  for (const { metadata, spec } of ofKind<DisruptionBudget>(resources, "PodDisruptionBudget")) {
    t.is(pods(spec.selector)[0]?.metadata.name, metadata.name);
  }
  for (const { metadata, spec } of ofKind<NetworkPolicy>(resources, "NetworkPolicy")) {
    t.is(pods(spec.podSelector)[0]?.metadata.name, metadata.name);
  }
});

each("ports that are named exist, and it listens on them", whole, (t, resources) => {
  for (const { metadata, spec } of ofKind<Deployment>(resources, "Deployment")) {
    for (const { ports = [], ...container } of spec.template.spec.containers) {
      const names = ports.map(({ name }) => name);
      for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
        const port = (probe?.httpGet ?? probe?.tcpSocket)?.port;
        if (port !== undefined) t.true(names.includes(port), `${metadata.name}: ${port}`);
      }
    }
  }
  const environment = environmentOf(resources);
  const port = (name: string) =>
    String(serverOf(resources).ports?.find((port) => port.name === name)?.containerPort);
  t.is(environment.GREENROOM_PORT, port("http"));
  t.is(environment.GREENROOM_METRICS_PORT, port("metrics"));
  t.is(environment.GREENROOM_ADVERTISED_ADDRESS, `http://$(POD_IP):${port("http")}`);
  const peers = the<Service>(resources, "Service", "greenroom-peers");
  t.is(peers.spec.clusterIP, "None");
  t.true(peers.spec.publishNotReadyAddresses);
  t.is(String(peers.spec.ports[0]?.port), port("http"), "a headless Service translates no ports");
  for (const { metadata, spec } of ofKind<NetworkPolicy>(resources, "NetworkPolicy")) {
    const own = podOf(resources, metadata.name).containers[0]?.ports?.map(({ name }) => name);
    const ports = spec.ingress?.flatMap(({ ports = [] }) => ports.map(({ port }) => port)) ?? [];
    for (const name of ports) t.true(own?.includes(String(name)), `${metadata.name}: ${name}`);
  }
  const names = ofKind<Service>(resources, "Service").flatMap(({ spec }) =>
    spec.ports.map(({ name }) => name),
  );
  const ingress = JSON.stringify(the(resources, "Ingress", "greenroom"));
  t.true(names.includes(/"service":\{"name":"greenroom","port":\{"name":"(\w+)"/.exec(ingress)?.[1] ?? ""));
});

/**
 * The variables that are read elsewhere than in the options: by the registry's client, by the agents, and for the
 * address.
 */
const others = [
  "REDIS_URL",
  "POD_IP",
  ...Object.values(providers).flatMap(({ variables }) => Object.values(variables).map(({ name }) => name)),
];

each("every variable is one that the server knows", whole, (t, resources) => {
  const [example] = readResources("secrets.example.yaml") as (Resource & { stringData: object })[];
  const generated = ofKind<Resource>(resources, "Secret").map(({ data = {} }) => data);
  const variables = [environmentOf(resources), example?.stringData ?? {}, ...generated];
  const names = variables.flatMap((set) => Object.keys(set));
  t.true(names.includes("REDIS_URL"));
  t.deepEqual(
    names.filter((name) => !name.startsWith("GREENROOM_") && !others.includes(name)),
    [],
  );
  const environment: Environment = {
    names: () => names,
    find: ([name = ""]) => ({ text: "", origin: name }),
    warnings: [],
  };
  t.deepEqual(warningsOf(environment), []);
});

each("a setting is what its option allows", alone, (t, resources) => {
  for (const option of optionsOf("serve")) {
    const variable = variableOf(option.name);
    const text = environmentOf(resources)[variable]?.replace("$(POD_IP)", "10.0.0.7");
    if (text !== undefined) t.true(readerOfOption(option).safeParse(text).success, `${variable}=${text}`);
  }
});

each("no ConfigMap holds a secret", whole, (t, resources) => {
  const secret = /(KEYS?|SECRET|PASSWORD|TOKEN)$/;
  for (const { metadata, data = {} } of ofKind<Resource>(resources, "ConfigMap")) {
    t.deepEqual(
      Object.keys(data).filter((name) => secret.test(name)),
      [],
      metadata.name,
    );
  }
  t.deepEqual(
    Object.keys(environmentOf(resources)).filter((name) => secret.test(name)),
    [],
  );
});

each("volumes that are mounted exist, and are made here or documented", whole, (t, resources) => {
  const documented = readResources("secrets.example.yaml").map(({ metadata }) => metadata.name);
  for (const { metadata, spec } of ofKind<Deployment>(resources, "Deployment")) {
    const { volumes = [], containers } = spec.template.spec;
    const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
    const names = volumes.map(({ name }) => name);
    t.deepEqual(mounts.map(({ name }) => name).sort(), names.toSorted(), metadata.name);
    t.is(new Set(mounts.map(({ mountPath }) => mountPath)).size, mounts.length);
    const made = (kind: string) => ofKind<Resource>(resources, kind).map((one) => one.metadata.name);
    const sources = volumes.flatMap(({ projected }) => projected?.sources ?? []);
    const secrets = [
      ...volumes.flatMap(({ secret }) => secret?.secretName ?? []),
      ...sources.flatMap(({ secret }) => secret?.name ?? []),
    ];
    for (const name of secrets) t.true(made("Secret").includes(name) || documented.includes(name), name);
    const configMaps = [...volumes, ...sources].flatMap(({ configMap }) => configMap ?? []);
    for (const { name, ...source } of configMaps) {
      // The place for what components bring, such as the Redis for trying out.
      const optional = name === "greenroom-defaults" && "optional" in source && source.optional === true;
      t.true(made("ConfigMap").includes(name) || optional, name);
    }
  }
  const secretsFolder = environmentOf(resources).GREENROOM_SECRETS_DIR;
  const mounts = serverOf(resources).volumeMounts ?? [];
  t.true(mounts.some(({ mountPath, readOnly }) => mountPath === secretsFolder && readOnly));
  const keys = environmentOf(resources).GREENROOM_API_KEYS_FILE;
  if (keys !== undefined) t.true(mounts.some(({ mountPath }) => keys.startsWith(`${mountPath}/`)));
});

each("everything is in one namespace, which queries name too", whole, (t, resources) => {
  const namespaces = new Set(
    resources.filter(({ kind }) => kind !== "Namespace").map(({ metadata }) => metadata.namespace ?? "none"),
  );
  const [namespace] = namespaces;
  t.is(namespaces.size, 1);
  t.truthy(the(resources, "Namespace", namespace!));
  for (const { spec } of ofKind<ScaledObject>(resources, "ScaledObject")) {
    const named = spec.triggers.flatMap(({ metadata }) => [
      ...(metadata.query ?? "").matchAll(/namespace="([^"]+)"/g),
    ]);
    t.true(named.length > 5);
    for (const [, name] of named) t.is(name, namespace);
  }
  const haproxy = the(resources, "ConfigMap", "greenroom-haproxy-").data?.["haproxy.cfg"] ?? "";
  for (const [, service, where] of haproxy.matchAll(/ (\S+)\.(\S+)\.svc\.cluster\.local/g)) {
    t.is(where, namespace);
    t.truthy(the(resources, "Service", service!));
  }
});

test("settings are files of variables, and every YAML file says what it is", (t) => {
  for (const layer of ["base", "overlays/dev", "overlays/production"]) {
    const settings = parseEnv(readFileSync(join(folder, layer, "settings.env"), "utf8"));
    t.true(Object.keys(settings).length > 0);
  }
  for (const [path, text] of sources()) t.regex(text, /^kind: /m, path);
});
