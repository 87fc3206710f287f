import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import test from "ava";

const root = join(import.meta.dirname, "../..");

interface Import {
  readonly from: string;
  /** A path below the root, or the name of a package. */
  readonly to: string;
  /** Loaded when it is asked for. */
  readonly lazy: boolean;
  /** It brings types alone, which vanish when the types are stripped. */
  readonly typesOnly: boolean;
}

const files = globSync("{src,workers}/**/*.{ts,cts}", { cwd: root });
/** Every import, those of types as well. */
const all: readonly Import[] = files.flatMap((from) => importsOf(from));
/** The imports that load something. */
const imports: readonly Import[] = all.filter(({ typesOnly }) => !typesOnly);

function importsOf(from: string): Import[] {
  const source = readFileSync(join(root, from), "utf8").replaceAll(/^\s*(\/?\*|\/\/).*$/gm, "");
  const statics = source.matchAll(/^(?:import|export)\s(?:[^;"']*?\sfrom\s)?["']([^"']+)["']/gm);
  const calls = source.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)(\.[A-Z])?/g);
  const target = (name: string) =>
    name.startsWith(".") ? relative(root, join(root, dirname(from), name)) : name;
  const ofTypes = (text: string) =>
    /^(?:import|export)\stype\s/.test(text) || /^(?:import|export)\s*\{(\s*type\s[^,}]+,?)+\s*\}/.test(text);
  return [
    ...[...statics].map(([text, name]) => ({
      from,
      to: target(name!),
      lazy: false,
      typesOnly: ofTypes(text),
    })),
    ...[...calls].map(([, name, type]) => ({
      from,
      to: target(name!),
      lazy: true,
      typesOnly: type !== undefined,
    })),
  ];
}

/** The floors of the house; what stands lower may be imported by what stands higher, never the other way round. */
const mainFloors = [
  "src/runner/",
  "src/control-plane/",
  "src/supervisor/",
  "src/options/",
  "src/registry/",
  "src/metrics/",
  "src/shared/",
];
const threadFloors = [
  "workers/",
  "src/testing/",
  "src/providers/",
  "src/media/",
  "src/agent/",
  "src/audio/",
  "src/shared/",
];
const shared = /^src\/(shared|network|log|process)\//;
/** A recording as the caller of a call in memory: what a user's own test would do, loaded only when it is asked for. */
const recordedCall = /^src\/runner\/console\/recorded-call\.ts$/;
/** Light shells that load the server only when they are used. */
const shells = /^src\/(index|agent-launcher)\.ts$/;

const floorOf = (floors: readonly string[], path: string) =>
  floors.findIndex((floor) => path.startsWith(floor));

test("the walk finds the imports", (t) => {
  t.true(files.length > 50);
  t.true(imports.some(({ from, to }) => from === "src/supervisor/threads/pool.ts" && to === "piscina"));
  t.true(
    imports.some(
      ({ from, to, lazy }) =>
        from === "src/agent-launcher.ts" && to === "src/supervisor/supervisor.ts" && lazy,
    ),
  );
});

test("imports go one way, those of types too: runner, control plane, supervisor, options, registry, metrics", (t) => {
  for (const { from, to } of all) {
    const [above, below] = [floorOf(mainFloors, from), floorOf(mainFloors, to)];
    if (above >= 0 && below >= 0) t.true(above <= below, `${from} imports ${to}`);
  }
});

test("imports go one way, those of types too: workers, testing, providers, media, agent, audio", (t) => {
  for (const { from, to } of all) {
    const [above, below] = [floorOf(threadFloors, from), floorOf(threadFloors, to)];
    if (above >= 0 && below >= 0) t.true(above <= below, `${from} imports ${to}`);
  }
});

test("the main side and the thread side meet only in what both share", (t) => {
  for (const { from, to } of imports) {
    if (shared.test(to) || shells.test(from)) continue;
    if (recordedCall.test(from)) continue;
    if (floorOf(mainFloors, from) >= 0) t.is(floorOf(threadFloors, to), -1, `${from} imports ${to}`);
    if (floorOf(threadFloors, from) >= 0) t.is(floorOf(mainFloors, to), -1, `${from} imports ${to}`);
  }
});

test("no file imports itself by way of others, be it for a type", (t) => {
  const targets = new Map<string, string[]>();
  for (const { from, to } of all) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) t.fail([...path.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const to of targets.get(file) ?? []) visit(to);
    path.pop();
    done.add(file);
  };
  for (const file of files) visit(file);
  t.is(done.size, new Set([...files, ...all.map(({ to }) => to)]).size);
});

test("what runs in production imports nothing of what is made for tests", (t) => {
  for (const { from, to } of all) {
    if (!from.startsWith("src/testing/")) t.false(to.startsWith("src/testing/"), `${from} imports ${to}`);
  }
});

test("nothing but Node and Greenroom itself is reached statically from what users import", (t) => {
  const reached = new Set<string>([
    "src/index.ts",
    "workers/session.ts",
    "workers/default-agent.ts",
    "src/testing/index.ts",
    ...files.filter((file) => /^src\/providers\/[^/]+\/index\.ts$/.test(file)),
  ]);
  for (const path of reached) {
    for (const { from, to, lazy } of imports) {
      if (from !== path || lazy) continue;
      if (to.startsWith("src/") || to.startsWith("workers/")) reached.add(to);
      else t.true(to.startsWith("node:"), `${from} imports ${to}, and is loaded in every thread`);
    }
  }
  t.true(reached.size > 10);
});

test("node:http is not imported but for types: in each thread all of Node's fetch would be loaded with it", (t) => {
  t.deepEqual(
    imports.filter(({ to }) => to === "node:http"),
    [],
  );
});

test("what the main thread loads to leave a call for a dead thread is light, and known to it by its URL alone", (t) => {
  const modules = files.filter((file) => /^src\/providers\/[^/]+\/leave-module\.ts$/.test(file));
  t.deepEqual(modules, ["src/providers/stream/leave-module.ts"]);
  t.deepEqual(
    imports.filter(({ to }) => modules.includes(to)),
    [],
  );
  const reached = new Set(modules);
  for (const path of reached) {
    for (const { from, to, lazy } of imports) {
      if (from !== path) continue;
      if (lazy) t.is(to, "ws", `${from} imports ${to}`);
      else if (to.startsWith("src/")) reached.add(to);
      else t.true(to.startsWith("node:"), `${from} imports ${to}`);
    }
  }
  const light =
    /^src\/(shared|network)\/|^src\/providers\/http\/error-text\.ts$|^src\/providers\/stream\/(wire\/|leave-|error|sfu\/client-details)/;
  for (const path of reached) t.regex(path, light);
});

test("the caller that is a recording is loaded only when it is asked for", (t) => {
  const importers = imports.filter(({ to }) => recordedCall.test(to));
  t.deepEqual(
    importers.map(({ lazy }) => lazy),
    [true],
  );
});

test("a package for one purpose is imported by what serves it alone, and only when it is asked for", (t) => {
  const owners: readonly (readonly [sdk: RegExp, folder: string])[] = [
    [/^@google\/genai/, "src/providers/gemini/"],
    [/^@modelcontextprotocol\/sdk/, "src/providers/mcp/"],
    [/^@deepgram\/sdk/, "src/providers/deepgram/"],
    [/^@stream-io\/node-sdk/, "src/providers/stream/"],
    [/^werift/, "src/media/"],
    [/^ws$/, "src/"],
    [/^elevenlabs/, "src/providers/elevenlabs/"],
    [/^@redis\/client/, "src/registry/redis/"],
    [/^@echogarden\/rnnoise|^libopus/, "src/audio/"],
    [/^onnxruntime-web|^llama-tokenizer/, "src/providers/local/recognition/"],
  ];
  for (const [sdk, folder] of owners) {
    const importers = imports.filter(({ to }) => sdk.test(to));
    t.true(importers.length > 0, String(sdk));
    for (const { from, to, lazy } of importers) {
      t.true(lazy && from.startsWith(folder), `${from} imports ${to}`);
    }
  }
});
