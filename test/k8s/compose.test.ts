import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { parse } from "yaml";
import { optionsOf, readerOfOption, variableOf } from "../../src/options/outside.ts";
import type { Environment } from "../../src/runner/options/environment.ts";
import { warningsOf } from "../../src/runner/options/unknown-variables.ts";
import { readDockerfile, variablesOf } from "../fixtures/k8s/dockerfile.ts";
import { readResources } from "../fixtures/k8s/kustomize.ts";
import type { Deployment } from "../fixtures/k8s/resources.ts";
import { unless } from "../fixtures/needs.ts";
import { haproxyFile } from "../fixtures/programs/haproxy.ts";

const project = join(import.meta.dirname, "../..");
const file = join(project, "compose.yaml");

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly stop_grace_period: string;
  readonly depends_on?: object;
  readonly networks?: { readonly default: { readonly aliases?: readonly string[] } | null };
  readonly volumes?: readonly (string | { readonly source: string; readonly target: string })[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

/** The names of Compose: Docker's own plugin, or Debian's docker-compose. */
const commands: readonly (readonly string[])[] = [["docker", "compose"], ["docker-compose"]];
const command = commands.find(
  ([program = "", ...args]) => spawnSync(program, [...args, "version"]).status === 0,
);
const withCompose = unless(
  command ? null : "neither docker compose nor docker-compose is installed",
  test.serial,
);

/** Runs Compose on the file, with these variables and no others, and returns what it makes of it. */
function config(text: string, variables: Readonly<Record<string, string>> = {}) {
  const [program = "", ...args] = command ?? [];
  const env = { PATH: process.env.PATH, HOME: "/nonexistent", ...variables };
  return spawnSync(program, [...args, "-f", "-", "--project-directory", project, "config"], {
    encoding: "utf8",
    env,
    input: text,
  });
}

/** The services of the file, without any variable of the shell. */
let plain: Readonly<Record<string, Service>> | undefined;

function services(): Readonly<Record<string, Service>> {
  plain ??= read({});
  return plain;
}

function read(variables: Readonly<Record<string, string>>): Readonly<Record<string, Service>> {
  const { stdout } = config(readFileSync(file, "utf8"), variables);
  return (parse(stdout) as { services: Record<string, Service> }).services;
}

const replicas = ["greenroom-1", "greenroom-2"];

withCompose("Compose accepts the file, without a warning, and refuses a wrong one", (t) => {
  const text = readFileSync(file, "utf8");
  const { status, stdout, stderr } = config(text);
  t.is(status, 0, stderr);
  t.is(stderr, "");
  t.deepEqual(Object.keys(parse(stdout).services).sort(), [...replicas, "haproxy", "redis"]);
  t.not(config(text.replace("cap_drop", "cap_dropp")).status, 0);
});

withCompose("replicas have what a fleet needs, and variables that the server knows", (t) => {
  const all = services();
  const port = variablesOf(readDockerfile(join(project, "Dockerfile")).at(-1)!).GREENROOM_PORT;
  for (const name of replicas) {
    const { environment = {} } = all[name]!;
    const names = Object.keys(environment);
    const known: Environment = {
      names: () => names,
      find: ([name = ""]) => ({ text: "", origin: name }),
      warnings: [],
    };
    t.deepEqual(warningsOf(known), []);
    for (const option of optionsOf("serve")) {
      const text = environment[variableOf(option.name)];
      if (text !== undefined)
        t.true(readerOfOption(option).safeParse(text).success, `${option.name}: ${text}`);
    }
    t.is(environment.GREENROOM_NODE_ID, name);
    t.is(environment.GREENROOM_ADVERTISED_ADDRESS, `http://${name}:${port}`);
    t.is(new URL(environment.GREENROOM_REDIS_URL ?? "").hostname, "redis");
    t.true((environment.GREENROOM_PEER_SECRET ?? "").length >= 32);
    t.true(environment.GREENROOM_ALLOWED_HOSTS?.split(",").includes(name));
  }
});

withCompose("keys come from the shell", (t) => {
  const key = "backend:0123456789abcdef";
  const { environment } = read({ GREENROOM_API_KEYS: key, GOOGLE_API_KEY: "of-the-shell" })["greenroom-1"]!;
  t.is(environment?.GREENROOM_API_KEYS, key);
  t.is(environment?.GOOGLE_API_KEY, "of-the-shell");
  t.is(services()["greenroom-1"]?.environment?.GOOGLE_API_KEY, "");
});

withCompose("HAProxy's own file is mounted, and finds the replicas by their alias", (t) => {
  const { haproxy, ...others } = services();
  const mounts = haproxy?.volumes?.map((volume) =>
    typeof volume === "string" ? volume.split(":")[0] : volume.source,
  );
  t.deepEqual(mounts, [haproxyFile]);
  const [, name] = /server-template pod \d+ (\S+):8080/.exec(readFileSync(haproxyFile, "utf8")) ?? [];
  for (const replica of replicas)
    t.deepEqual(others[replica]?.networks?.default?.aliases, [name!], "and each other by their own names");
});

withCompose("images and Redis are those of the manifests; nobody may more than needed", (t) => {
  const all = services();
  const { spec: redis } = readResources("components/redis/redis.yaml")[0] as Deployment;
  const { spec: haproxy } = readResources("components/haproxy/haproxy.yaml")[0] as Deployment;
  t.is(all.redis?.image, redis.template.spec.containers[0]?.image);
  t.is(all.haproxy?.image, haproxy.template.spec.containers[0]?.image);
  t.deepEqual(all.redis?.command, (redis.template.spec.containers[0] as { args?: string[] }).args);
  for (const [name, { read_only, cap_drop }] of Object.entries(all)) {
    t.true(read_only, name);
    t.deepEqual(cap_drop, ["ALL"], name);
  }
});

withCompose("the grace is longer than announcement, drain and close together", (t) => {
  const { environment = {}, stop_grace_period: grace } = services()["greenroom-1"]!;
  const [, minutes = "0", seconds = "0"] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(grace) ?? [];
  const graceMs = (Number(minutes) * 60 + Number(seconds)) * 1_000;
  const names = ["GREENROOM_DRAIN_ANNOUNCE_MS", "GREENROOM_DRAIN_TIMEOUT_MS", "GREENROOM_CLOSE_GRACE_MS"];
  const lastReportsMs = 10_000;
  const neededMs = names.reduce((sum, name) => sum + Number(environment[name]), lastReportsMs);
  t.true(graceMs >= neededMs + 5_000, `${graceMs} ms for ${neededMs} ms`);
});
