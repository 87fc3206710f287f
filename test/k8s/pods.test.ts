import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { allEndpoints } from "../../src/control-plane/router.ts";
import { deriveCapacity } from "../../src/supervisor/starts/capacity.ts";
import { folder, render, renderOffered } from "../fixtures/k8s/kustomize.ts";
import { alone, each, environmentOf, podOf, serverOf, whole, withKustomize } from "../fixtures/k8s/layers.ts";
import {
  type Deployment,
  type DisruptionBudget,
  ofKind,
  type Probe,
  type Resource,
  type ScaledObject,
  the,
} from "../fixtures/k8s/resources.ts";

/** The rights of pods, the settings that they are given, and sums that have to come out. */
each("probes ask for what the server answers", alone, (t, resources) => {
  const { startupProbe, livenessProbe, readinessProbe } = serverOf(resources);
  const paths = allEndpoints({ metricsPort: 9_090, authenticated: false, strictBodies: false }).map(
    ({ path }) => path,
  );
  for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
    t.true(paths.includes(probe?.httpGet?.path ?? ""), probe?.httpGet?.path);
  }
  t.is(livenessProbe?.httpGet?.path, "/health");
  t.is(readinessProbe?.httpGet?.path, "/serving", "a full one goes on answering for its own sessions");
  t.is(startupProbe?.httpGet?.path, "/serving");
  t.true((livenessProbe?.periodSeconds ?? 10) * (livenessProbe?.failureThreshold ?? 3) >= 60);
});

/**
 * Returns the longest time from the moment in which a container stands still to that in which a probe has found it, in
 * seconds.
 */
function longestSeconds({
  periodSeconds = 10,
  timeoutSeconds = 1,
  failureThreshold = 3,
}: Probe = {}): number {
  // The first of these probes may have been answered just before.
  return (failureThreshold - 1) * periodSeconds + periodSeconds + timeoutSeconds;
}

each("what stands still gets no requests within 3 s", whole, (t, resources) => {
  const dispatcher = podOf(resources, "greenroom-dispatcher").containers[0]?.readinessProbe;
  for (const probe of [serverOf(resources).readinessProbe, dispatcher]) {
    t.truthy(probe?.httpGet);
    t.true(longestSeconds(probe) <= 3, JSON.stringify(probe));
  }
});

each(
  "whoever stands still is ended in seconds, and not after the grace of a drain",
  whole,
  (t, resources) => {
    for (const { metadata, spec } of ofKind<Deployment>(resources, "Deployment")) {
      for (const { startupProbe, livenessProbe } of spec.template.spec.containers) {
        t.truthy(livenessProbe, metadata.name);
        for (const probe of [startupProbe, livenessProbe]) {
          if (probe) t.true((probe.terminationGracePeriodSeconds ?? Number.POSITIVE_INFINITY) <= 15);
        }
        // The kernel takes connections for a process that stands still.
        t.is(livenessProbe?.tcpSocket, undefined, metadata.name);
      }
    }
  },
);

each("images of others are of a branch, and not of whatever is newest", whole, (t, resources) => {
  for (const { metadata, spec } of ofKind<Deployment>(resources, "Deployment")) {
    for (const { image } of spec.template.spec.containers)
      t.regex(image, /:(dev|\d+\.\d+(\.\d+|-alpine))$/, metadata.name);
  }
});

each("HAProxy lets requests end within its grace", whole, (t, resources) => {
  const { terminationGracePeriodSeconds = 30, containers } = podOf(resources, "greenroom-dispatcher");
  const { command = [] } = containers[0]?.lifecycle?.preStop?.exec ?? {};
  // What ends before this command does makes it fail, and Kubernetes tells so: it waits, and does nothing else.
  t.deepEqual(command, ["sleep", "5"]);
  const settings = the(resources, "ConfigMap", "greenroom-haproxy-").data?.["haproxy.cfg"] ?? "";
  const [, hardStop] = /^ +hard-stop-after (\d+)s$/m.exec(settings) ?? [];
  t.true(Number(hardStop) + 5 < terminationGracePeriodSeconds);
  const [, pods] = /server-template pod (\d+)/.exec(settings) ?? [];
  const most = ofKind<ScaledObject>(resources, "ScaledObject")[0]?.spec.maxReplicaCount ?? 20;
  t.true(Number(pods) >= 2 * most, "as many again drain during a rollout");
});

each("pods may do no more than they need", whole, (t, resources) => {
  for (const { metadata, spec } of ofKind<Deployment>(resources, "Deployment")) {
    const pod = spec.template.spec;
    t.is(pod.automountServiceAccountToken, false, metadata.name);
    t.is(pod.enableServiceLinks, false, "GREENROOM_PORT=tcp://… is not for us");
    t.true(pod.securityContext?.runAsNonRoot);
    t.true((pod.securityContext?.runAsUser ?? 0) > 0);
    t.is(pod.securityContext?.seccompProfile?.type, "RuntimeDefault");
    for (const { name, securityContext, resources: needs, volumeMounts = [] } of pod.containers) {
      t.is(securityContext?.allowPrivilegeEscalation, false, name);
      t.true(securityContext?.readOnlyRootFilesystem);
      t.deepEqual(securityContext?.capabilities?.drop, ["ALL"]);
      t.is(needs.limits.memory, needs.requests.memory);
      t.is(needs.limits.cpu, undefined, "a quota makes speech stutter");
      const writable = pod.volumes?.filter(({ emptyDir }) => emptyDir).map((volume) => volume.name) ?? [];
      t.true(
        volumeMounts.some((mount) => writable.includes(mount.name)),
        `${name} has a folder to write in`,
      );
    }
  }
  const tmp = serverOf(resources).volumeMounts?.find(({ mountPath }) => mountPath === "/tmp");
  t.is(tmp?.name, "tmp", "the compile cache of session threads is there, where the image brings none");
});

/** Dockerfile and manifests have the same user, so that the compile cache is found. */
test("the pod's user is the image's", async (t) => {
  const dockerfile = readFileSync(join(folder, "../Dockerfile"), "utf8");
  const user = /^USER (\d+):(\d+)$/m.exec(dockerfile);
  const text = readFileSync(join(folder, "base/deployment.yaml"), "utf8");
  t.is(/runAsUser: (\d+)/.exec(text)?.[1], user?.[1]);
  t.is(/runAsGroup: (\d+)/.exec(text)?.[1], user?.[2]);
  t.is(/fsGroup: (\d+)/.exec(text)?.[1], user?.[2]);
});

const milliseconds = (environment: Readonly<Partial<Record<string, string>>>, name: string): number => {
  const text = environment[name];
  if (text === undefined) throw new Error(`${name} is not set`);
  return Number(text);
};

/** The longest time that onSessionEnd and the webhook are waited for at a shutdown, in milliseconds. */
const lastReportsMs = 10_000;
/** The longest time that a last scrape of the metrics is waited for, where calls were closed, in milliseconds. */
const lastScrapeMs = 20_000;

each(
  "the grace is longer than preStop, announcement, drain and close together",
  alone,
  (t, resources, layer) => {
    const environment = environmentOf(resources);
    const { command = [] } = serverOf(resources).lifecycle?.preStop?.exec ?? {};
    t.is(command[0], "sleep");
    const drainMs = milliseconds(environment, "GREENROOM_DRAIN_TIMEOUT_MS");
    const neededMs =
      Number(command[1]) * 1_000 +
      milliseconds(environment, "GREENROOM_DRAIN_ANNOUNCE_MS") +
      drainMs +
      milliseconds(environment, "GREENROOM_CLOSE_GRACE_MS") +
      lastReportsMs +
      lastScrapeMs;
    const graceMs = (podOf(resources).terminationGracePeriodSeconds ?? 30) * 1_000;
    t.true(graceMs >= neededMs + 5_000, `${graceMs} ms for ${neededMs} ms`);
    if (layer === "overlays/production") {
      const longestMs = milliseconds(environment, "GREENROOM_MAX_SESSION_DURATION_MS");
      t.true(drainMs >= longestMs, "a deploy cuts no call");
    }
  },
);

each("balancers notice the announcement while it lasts", alone, (t, resources) => {
  const { periodSeconds = 10, failureThreshold = 3 } = serverOf(resources).readinessProbe ?? {};
  t.true(
    periodSeconds * failureThreshold * 1_000 <=
      milliseconds(environmentOf(resources), "GREENROOM_DRAIN_ANNOUNCE_MS"),
  );
});

const bytes = (quantity: string): number => {
  const [, count, unit] = /^(\d+)([MG])i$/.exec(quantity) ?? [];
  return Number(count) * (unit === "G" ? 2 ** 30 : 2 ** 20);
};
const cpus = (quantity: string): number =>
  quantity.endsWith("m") ? Number(quantity.slice(0, -1)) / 1_000 : Number(quantity);

each("memory and CPU carry the sessions that are allowed", alone, (t, resources) => {
  const { requests, limits } = serverOf(resources).resources;
  const carried = deriveCapacity({ cpus: cpus(requests.cpu), memoryBytes: bytes(limits.memory ?? "") });
  const sessions = Number(environmentOf(resources).GREENROOM_MAX_CONCURRENT_SESSIONS);
  t.true(carried.sessions >= sessions, carried.explanation);
  t.true(Number(environmentOf(resources).GREENROOM_WARM_SESSIONS) <= sessions);
});

each("an eviction leaves at least one, and a rollout takes none away", alone, (t, resources) => {
  const { spec } = the<Deployment>(resources, "Deployment", "greenroom");
  const { maxUnavailable } = the<DisruptionBudget>(resources, "PodDisruptionBudget", "greenroom").spec;
  t.true((spec.replicas ?? 1) - maxUnavailable >= 1);
  t.true(maxUnavailable >= 1, "nodes can be drained");
  t.is(spec.strategy?.rollingUpdate?.maxUnavailable, 0);
});

withKustomize(
  "KEDA, switched on as the production overlay says, decides on the number of replicas",
  async (t) => {
    const { resources: without } = await renderOffered("overlays/production", "none");
    t.is(the<Deployment>(without, "Deployment", "greenroom").spec.replicas, 3);
    for (const only of ["keda", undefined]) {
      const { resources } = await renderOffered("overlays/production", only);
      t.is(the<Deployment>(resources, "Deployment", "greenroom").spec.replicas, undefined, only ?? "all");
    }
  },
);

const withKeda = whole.filter(({ added }) => added.includes("keda"));

each("KEDA decides on the number of replicas, and nobody else", withKeda, (t, resources) => {
  const { spec } = the<ScaledObject>(resources, "ScaledObject", "greenroom");
  t.is(the<Deployment>(resources, "Deployment", spec.scaleTargetRef.name).spec.replicas, undefined);
  const { maxUnavailable } = the<DisruptionBudget>(resources, "PodDisruptionBudget", "greenroom").spec;
  t.true(spec.minReplicaCount > maxUnavailable);
  t.true(spec.maxReplicaCount > spec.minReplicaCount);
});

withKustomize(
  "production asks for API keys, and does not run without its Secrets; dev answers to its own names",
  async (t) => {
    const production = await render("overlays/production");
    t.truthy(environmentOf(production).GREENROOM_API_KEYS_FILE);
    t.is(environmentOf(production).GREENROOM_REQUIRE_PEERS, "true");
    const volumes = podOf(production).volumes ?? [];
    const secrets = volumes.flatMap(({ secret, projected }) => [
      ...(secret ? [secret] : []),
      ...(projected?.sources.flatMap((source) => source.secret ?? []) ?? []),
    ]);
    t.is(secrets.length, 2);
    for (const { optional } of secrets) t.falsy(optional);
    t.true((the<Deployment>(production, "Deployment", "greenroom").spec.replicas ?? 0) >= 3);

    const dev = await render("overlays/dev");
    const added = ["haproxy", "ingress", "gateway"];
    const withDoors = await render("overlays/dev", added);
    const ofServices = ["greenroom", "greenroom-dispatcher"].flatMap((service) => {
      const { name, namespace } = the(withDoors, "Service", service).metadata;
      const inside = `${name}.${namespace}`;
      return [name, inside, `${inside}.svc`, `${inside}.svc.cluster.local`];
    });
    const doors = JSON.stringify([
      the(withDoors, "Ingress", "greenroom"),
      the(withDoors, "Gateway", "greenroom"),
    ]);
    const ofDoors = [...doors.matchAll(/"host(?:name)?":"([^"]+)"/g)].map(([, host]) => host!);
    t.is(ofDoors.length, 2);
    const hosts = environmentOf(withDoors).GREENROOM_ALLOWED_HOSTS?.split(",");
    t.deepEqual(new Set(hosts), new Set([...ofServices, ...ofDoors]));
    t.is(ofKind(dev, "Secret").length, 1);
  },
);

withKustomize(
  "the address of the Redis for trying out never counts more than that of a Secret",
  async (t) => {
    for (const layer of ["overlays/dev", "overlays/production"]) {
      const resources = await render(layer, layer === "overlays/dev" ? [] : ["redis"]);
      t.is(environmentOf(resources).REDIS_URL, "redis://greenroom-redis:6379");
      for (const { data = {} } of ofKind<Resource>(resources, "ConfigMap")) {
        const { REDIS_URL: url, ...others } = data;
        if (url !== undefined) t.deepEqual(others, {}, "it is in a file, and no variable");
      }
      const { projected } = podOf(resources).volumes?.find(({ name }) => name === "secrets") ?? {};
      const [first, second] = projected?.sources ?? [];
      t.regex(first?.configMap?.name ?? "", /^greenroom-defaults-/);
      t.regex(second?.secret?.name ?? "", /^greenroom(-\w+)?$/);
      t.is(projected?.sources.length, 2);
    }
  },
);
