import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { eventually } from "../fixtures/eventually.ts";
import { freePort } from "../fixtures/free-port.ts";
import { isInstalled } from "../fixtures/is-installed.ts";
import { readDockerfile, wordsOf } from "../fixtures/k8s/dockerfile.ts";
import { Image, noRoots } from "../fixtures/k8s/image.ts";
import { noKustomize, render } from "../fixtures/k8s/kustomize.ts";
import { environmentOf } from "../fixtures/k8s/layers.ts";
import { unless } from "../fixtures/needs.ts";
import { openRedis } from "../fixtures/programs/redis-server.ts";
import { Child } from "../fixtures/runner/child.ts";
import { ask, startSession } from "../fixtures/runner/rest.ts";

/** No engine builds the image here: its steps are walked in a clean folder, and what comes of it is started as its user. */
const project = join(import.meta.dirname, "../..");
const stages = readDockerfile(join(project, "Dockerfile"));
const final = stages.at(-1)!;
const noInit = isInstalled("tini") ? null : "tini is not installed";
const withRoots = unless(noRoots() ?? noInit, test.serial);

const work = mkdtempSync(join(tmpdir(), "greenroom-image-"));
test.after.always("clean up", () => rmSync(work, { recursive: true, force: true }));

let image: Image;

withRoots("its steps succeed in a clean folder", async (t) => {
  t.timeout(300_000);
  image = Image.build(work, project, stages, { GREENROOM_PORT: String(await freePort()) });
  t.is(image.user, "1000:1000");
});

withRoots("a build that is good says nothing of errors", (t) => {
  const lines = image.output.split("\n");
  const errors = lines.filter((line) => /"level":[56]0|^npm (error|warn)|^E: |^W: |\bError\b/.test(line));
  t.deepEqual(errors, []);
});

withRoots("a step that fails shows the server's log", (t) => {
  const fill = final.instructions.find(({ text }) => text.includes("serve.log"))?.text ?? "";
  const broken = fill.replace("--warm-sessions 1", "--warm-sessions many");
  t.not(broken, fill);
  // It has ended before it is asked, and is not asked for a minute.
  const soon = broken.replace("{ node -e", "wait $server; { node -e").replace("60_000", "0");
  const [command = "", ...args] = image.command(["sh", "-c", soon]);
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  t.is(status, 1);
  t.regex(stdout, /warm-sessions/);
});

/** The process that `ownProcesses` makes the first one of its own. */
function firstProcess(parent: number): number | null {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim();
  return children === "" ? null : Number(children.split(" ")[0]);
}

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? "";

withRoots("SIGTERM ends it at any moment of its start, as process 1", async (t) => {
  t.timeout(120_000);
  const variables = { GREENROOM_PORT: String(await freePort()), GREENROOM_HOST: "127.0.0.1" };
  const entry = [...wordsOf(final, "ENTRYPOINT"), ...wordsOf(final, "CMD")];
  const [command = "", ...args] = image.command(entry, variables, { readOnly: true, ownProcesses: true });
  const server = new Child(t, args, { command });
  let first: number | null = null;
  await eventually("it has begun", () => {
    first = firstProcess(server.process.pid!);
    return first !== null && commandOf(first) === entry[0] && firstProcess(first) !== null;
  });
  process.kill(first!, "SIGTERM");
  const { code } = await server.exit;
  t.true(code === 143 || code === 0, `${code}\n${server.stdout}\n${server.stderr}`);
});

withRoots("process 1 reaps what others left behind", async (t) => {
  const entry = wordsOf(final, "ENTRYPOINT");
  const init = entry.slice(0, entry.indexOf("--") + 1);
  const script = "(sleep 0.1 &) ; echo begun; exec sleep 60";
  const [command = "", ...args] = image.command([...init, "sh", "-c", script], {}, { ownProcesses: true });
  const child = new Child(t, args, { command });
  await child.printed(/begun/);
  const first = firstProcess(child.process.pid!)!;
  const children = () => readFileSync(`/proc/${first}/task/${first}/children`, "utf8").trim().split(" ");
  await eventually("the orphan is gone", () => children().length === 1);
  process.kill(first, "SIGTERM");
  t.is((await child.exit).code, 143);
});

withRoots("it holds what is needed to run, and is small", (t) => {
  const app = join(image.root, "app");
  for (const name of ["typescript", "ava", "@types/ws", "swagger-ui-dist", "node"]) {
    t.false(existsSync(join(app, "node_modules", name)), name);
  }
  for (const name of ["test", "scripts", ".env", ".npmrc", ".git"])
    t.false(existsSync(join(app, name)), name);
  t.deepEqual(globSync("{src,workers}/**/*.ts", { cwd: app }), []);
  const sizes = globSync("**/*", { cwd: app }).map((path) => lstatSync(join(app, path)).size);
  const mebibytes = Math.round(sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20);
  t.log(`${mebibytes} MiB on top of node:24-slim`);
  t.true(mebibytes < 130);
});

withRoots("its compile cache was filled by the user who runs it", (t) => {
  const cache = join(image.root, "app/compile-cache");
  const files = globSync("**/*", { cwd: cache }).map((path) => statSync(join(cache, path)));
  t.true(files.length > 100);
  for (const { uid } of files) t.is(uid, 1_000);
});

/** This test runs on a read-only root with a /tmp of its own, without capabilities: as the pod has it. */
withRoots("it serves as that user on a read-only root, is healthy, and ends well", async (t) => {
  t.timeout(120_000);
  const port = String(await freePort());
  const entry = [...wordsOf(final, "ENTRYPOINT"), ...wordsOf(final, "CMD")];
  const variables = { GREENROOM_PORT: port, GREENROOM_HOST: "127.0.0.1", GREENROOM_DRAIN_ANNOUNCE_MS: "0" };
  const [command = "", ...args] = image.command(entry, variables, { readOnly: true });
  const server = new Child(t, args, { command });
  const url = await server.readyUrl();

  const status = readFileSync(`/proc/${server.process.pid}/status`, "utf8");
  t.regex(status, /^Uid:\t1000\t1000\t1000\t1000$/m);
  t.regex(status, /^CapEff:\t0+$/m);
  t.regex(status, /^NoNewPrivs:\t1$/m);

  const healthy = (variables: Readonly<Record<string, string>>) => {
    const [command = "", ...args] = image.command(wordsOf(final, "HEALTHCHECK"), variables, {
      readOnly: true,
    });
    return spawnSync(command, args).status;
  };
  t.is(healthy({ GREENROOM_PORT: port }), 0);
  t.is(healthy({ GREENROOM_PORT: String(await freePort()) }), 1);

  const id = await startSession(url);
  t.is((await ask(url, `/sessions/${id}`)).status, 200);
  t.is((await ask(url, "/docs/swagger-ui-bundle.js")).status, 200);
  t.is((await ask(url, `/sessions/${id}`, undefined, "DELETE")).status, 204);

  const writing = image.command(["sh", "-c", "touch /tmp/x && ! touch /app/x"], {}, { readOnly: true });
  t.is(spawnSync(writing[0]!, writing.slice(1)).status, 0, "nothing but /tmp can be written to");

  server.kill("SIGTERM");
  t.deepEqual(await server.exit, { code: 0, signal: null });
  t.is(server.stderr, "");
});

/** Resolves with the environment of a layer, without the ports and what only a cluster has. */
async function settingsOf(layer: string, redisUrl: string): Promise<Record<string, string>> {
  const environment = { ...environmentOf(await render(layer)), REDIS_URL: redisUrl };
  const texts = Object.entries(environment).map(([name, text = ""]) => [
    name,
    text.replace("$(POD_IP)", "127.0.0.1"),
  ]);
  const ports = { GREENROOM_PORT: "0", GREENROOM_METRICS_PORT: "0" };
  return { ...Object.fromEntries(texts), GREENROOM_DRAIN_ANNOUNCE_MS: "0", ...ports };
}

const noRedis = isInstalled("redis-server") ? null : "redis-server is not installed";
const noSettings = noRoots() ?? noInit ?? noRedis ?? noKustomize();

unless(noSettings, test.serial)(
  "it runs with the settings of production, and secrets as files",
  async (t) => {
    t.timeout(120_000);
    const mount = (folder: string, name: string, text: string) => {
      mkdirSync(join(image.root, "run/secrets", folder), { recursive: true });
      writeFileSync(join(image.root, "run/secrets", folder, name), text);
    };
    mount("greenroom", "GREENROOM_PEER_SECRET", "a-secret-that-all-the-replicas-share\n");
    mount("greenroom-api-keys", "keys", "backend:0123456789abcdef\n");
    const entry = [...wordsOf(final, "ENTRYPOINT"), ...wordsOf(final, "CMD")];
    const redis = await openRedis(t);
    const settings = await settingsOf("overlays/production", redis.url);
    const [command = "", ...args] = image.command(entry, settings, { readOnly: true });
    const server = new Child(t, args, { command });
    const url = await server.readyUrl();
    t.is((await ask(url, "/sessions")).status, 401);
    const headers = { Authorization: "Bearer 0123456789abcdef" };
    t.is((await fetch(`${url}/sessions`, { headers })).status, 200);
    t.is((await ask(url, "/metrics")).status, 404, "on a port of its own");
    const complaints = server.log.filter(({ msg }) => /no such variable|GREENROOM_PEER_SECRET/.test(msg));
    t.deepEqual(complaints, []);
    server.kill("SIGTERM");
    t.is((await server.exit).code, 0);
  },
);

withRoots(
  "its modules come from the compile cache, in the main thread and in those of sessions",
  async (t) => {
    const native = { NODE_DEBUG_NATIVE: "COMPILE_CACHE" };
    const [command = "", ...args] = image.command(
      ["node", "src/runner/bin.js", "run", "--no-splash"],
      native,
      { readOnly: true },
    );
    const { stderr, status } = spawnSync(command, args, { encoding: "utf8", input: "" });
    t.is(status, 0);
    const hits = stderr.match(/\bcache hit\b|was accepted/g)?.length ?? 0;
    t.log(`${hits} modules`);
    t.true(hits > 100, stderr.slice(0, 2_000));
    t.regex(stderr, /code cache for ESM \S+workers\/session\.js was accepted/);
  },
);

withRoots("an agent of one's own goes on top of it", async (t) => {
  t.timeout(120_000);
  const page = readFileSync(join(project, "docs/running.md"), "utf8");
  const shown = /```dockerfile\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  t.regex(shown, /^FROM greenroom:dev$/m);
  t.regex(page, /^docker build -t greenroom:dev \.$/m);
  t.regex(shown, /^COPY agent\.ts \.\/$/m);
  // An ENTRYPOINT takes the CMD of the image below away.
  const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(shown)?.[1] ?? "[]") as string[];
  copyFileSync(join(project, "examples/agent.ts"), join(image.root, "app/agent.ts"));
  const drain = { GREENROOM_DRAIN_ANNOUNCE_MS: "0", GREENROOM_DRAIN_TIMEOUT_MS: "0" };
  const variables = { GREENROOM_PORT: "0", GREENROOM_HOST: "127.0.0.1", ...drain };
  const [command = "", ...args] = image.command(entry, variables, { readOnly: true });
  const server = new Child(t, args, { command });
  const id = await startSession(await server.readyUrl());
  t.truthy(id);
  server.kill("SIGTERM");
  t.is((await server.exit).code, 0);
});
